//! Several JS threads, each with a replica of every document, all connected and all editing: everything converges.

#![allow(
    clippy::drop_non_drop,
    clippy::needless_for_each,
    clippy::semicolon_if_nothing_returned,
    clippy::unit_arg,
    clippy::unwrap_used,
    reason = "helpers of a test may unwrap; one-line closures ignore what an edit returns"
)]

mod document_support;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use document_support::{Js, PATIENCE, TextMirror, edit_text, read_text};
use parking_lot::Mutex;
use yjs_provider_native::document::{
    Attachment, AttachmentId, Document, Interest, JobDone, text_delete, text_insert,
};
use yrs::{Map, ReadTxn, WriteTxn};

const THREADS: usize = 4;
const DOCUMENTS: usize = 12;
const TICKS: usize = 600;

/// Passes updates between the replicas of one document, as a server would: to everybody but the author.
#[derive(Default)]
struct Room {
    /// By thread; the last number is the newest token.
    replicas: Mutex<Vec<(Document, AttachmentId, u64)>>,
    /// Updates that some replica has not applied yet.
    in_flight: AtomicUsize,
}

struct Port {
    replica: usize,
    room: Arc<Room>,
    through: AtomicU64,
}

impl Attachment for Port {
    fn handle_updates(&self, updates: Vec<Bytes>) {
        for update in updates {
            self.room.in_flight.fetch_add(THREADS - 1, Ordering::SeqCst);
            for (index, (document, id, token)) in self.room.replicas.lock().iter_mut().enumerate() {
                if index != self.replica {
                    *token += 1;
                    document.apply(*id, *token, vec![update.clone()]);
                }
            }
        }
    }

    fn handle_job_done(&self, done: JobDone) {
        let JobDone::Applied { through, failed, .. } = done else {
            panic!("nobody asked: {done:?}")
        };
        assert!(failed.is_empty(), "{failed:?}");
        let before = self.through.swap(through, Ordering::SeqCst);
        assert!(before < through, "answers come in order: {through} after {before}");
        self.room.in_flight.fetch_sub((through - before) as usize, Ordering::SeqCst);
    }
}

/// Text and state vector of a replica.
type State = (String, Vec<(u64, u32)>);

struct Server {
    rooms: Vec<Arc<Room>>,
    barrier: Barrier,
    still_editing: AtomicUsize,
    seed: u64,
}

impl Server {
    fn is_quiet(&self) -> bool {
        self.still_editing.load(Ordering::SeqCst) == 0
            && self.rooms.iter().all(|room| room.in_flight.load(Ordering::SeqCst) == 0)
    }
}

#[test]
fn replicas_on_several_threads_converge() {
    let server = Arc::new(Server {
        rooms: (0..DOCUMENTS).map(|_| Arc::default()).collect(),
        barrier: Barrier::new(THREADS),
        still_editing: AtomicUsize::new(THREADS),
        seed: fastrand::u64(..),
    });
    let threads: Vec<_> = (0..THREADS)
        .map(|index| {
            let server = Arc::clone(&server);
            thread::spawn(move || run_js_thread(index, &server))
        })
        .collect();
    let states: Vec<_> =
        threads.into_iter().map(|it| it.join().expect("no thread fails")).collect();
    let seed = server.seed;
    for (thread, other) in states.iter().enumerate().skip(1) {
        for (document, state) in other.iter().enumerate() {
            assert_eq!(
                *state, states[0][document],
                "document {document}, thread {thread}, seed {seed}"
            );
        }
    }
    assert!(
        states[0].iter().all(|(text, _)| text.len() > 100),
        "something was edited, seed {seed}"
    );
}

/// Edits, then waits until all is quiet. Returns text and state vector of each document.
fn run_js_thread(index: usize, server: &Server) -> Vec<State> {
    let mut rng = fastrand::Rng::with_seed(server.seed.wrapping_add(index as u64));
    let mut replicas: Vec<_> = Vec::new();
    for number in 0..DOCUMENTS {
        let js = Js::with_client_id(1 + index as u64);
        js.observe_text();
        js.local.set_interest(Interest::AfterTransaction, number % 2 == 0);
        replicas.push((js, TextMirror::default()));
    }
    // Places in the rooms are those of the threads: one after the other.
    for turn in 0..THREADS {
        if turn == index {
            for ((js, _), room) in replicas.iter().zip(&server.rooms) {
                let port =
                    Port { replica: index, room: Arc::clone(room), through: AtomicU64::new(0) };
                let document = js.local.document();
                let id = document.attach(Arc::new(port));
                room.replicas.lock().push((document, id, 0));
            }
        }
        server.barrier.wait();
    }
    for _ in 0..TICKS {
        let (js, mirror) = &mut replicas[rng.usize(..DOCUMENTS)];
        edit_in_a_tick(js, mirror, &mut rng, server.seed);
    }
    server.still_editing.fetch_sub(1, Ordering::SeqCst);
    let started = Instant::now();
    let mut is_last = false;
    while !is_last {
        // Seen before the ticks: what was applied by then is dispatched by them.
        is_last = server.is_quiet();
        for (js, mirror) in &mut replicas {
            js.tick(|_, record| record.iter().for_each(|it| mirror.apply(it)));
        }
        assert!(started.elapsed() < PATIENCE, "updates were lost, seed {}", server.seed);
        thread::yield_now();
    }
    replicas.iter().map(|(js, mirror)| final_state(js, mirror, server.seed)).collect()
}

fn edit_in_a_tick(js: &Js, mirror: &mut TextMirror, rng: &mut fastrand::Rng, seed: u64) {
    js.tick(|local, record| {
        record.iter().for_each(|it| mirror.apply(it));
        assert_eq!(mirror.text(), read_text(local), "after a remote transaction, seed {seed}");
        let explicit = (rng.u8(..4) == 0).then(|| local.begin().unwrap());
        for _ in 0..rng.usize(1..4) {
            let len = read_text(local).encode_utf16().count() as u32;
            let record = edit_text(local, |txn, branch| {
                if len > 0 && rng.u8(..4) == 0 {
                    text_delete(txn, branch, rng.u32(..len), 1)
                } else {
                    text_insert(
                        txn,
                        branch,
                        rng.u32(..=len),
                        rng.choice(["a", "bc", "é"]).unwrap(),
                        None,
                    )
                }
            });
            record.iter().for_each(|it| mirror.apply(it));
        }
        if let Some(id) = explicit {
            local
                .write(|txn| Ok(drop(txn.get_or_insert_map("map").insert(txn, "key", rng.u32(..)))))
                .unwrap();
            local.commit(id).unwrap().iter().for_each(|it| mirror.apply(it));
        }
        assert_eq!(mirror.text(), read_text(local), "after local edits, seed {seed}");
    });
}

fn final_state(js: &Js, mirror: &TextMirror, seed: u64) -> State {
    js.tick(|local, record| {
        assert!(record.is_none(), "all is quiet, seed {seed}");
        let text = read_text(local);
        assert_eq!(mirror.text(), text, "the mirror at the end, seed {seed}");
        let mut vector: Vec<(u64, u32)> = local
            .read(|reader| {
                reader.state_vector().iter().map(|(client, clock)| (client.get(), *clock)).collect()
            })
            .unwrap();
        vector.sort_unstable();
        (text, vector)
    })
}
