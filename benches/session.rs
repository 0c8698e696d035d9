//! Sessions against a server in memory, on a virtual clock: what a keystroke costs without a network.

#![allow(dead_code, reason = "the world of the tests has more than is used here")]
#![allow(clippy::unwrap_used, reason = "what fails in here fails the benchmark")]
#![allow(clippy::struct_excessive_bools, reason = "switches are independent of each other")]

#[path = "../tests/session_pair/server.rs"]
mod server;
#[path = "../tests/session_pair/world.rs"]
mod world;

use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BatchSize, Criterion};
use server::{ROOM, Switches, metadata};
use world::World;
use yjs_provider_native::protocol::envelope;
use yjs_provider_native::protocol::y_message::Message;
use yjs_provider_native::session::{AddDocument, DocKey, Output, Session, SessionConfig};

const KEYSTROKES: u32 = 100;
const RECEIVED: i64 = 10_000;
/// What a driver takes from its socket before it looks after the rest.
const TURN: usize = 64;

/// A session that has joined, and what the generation of its connection is.
fn listening() -> (Session, u64) {
    let now = Instant::now();
    let mut session = Session::new(SessionConfig::new(ROOM), 1);
    session.set_message_events(false);
    session.add_document(
        now,
        AddDocument {
            key: DocKey(1),
            doc_id: "document".into(),
            parent_id: None,
            has_content: false,
            awareness: None,
        },
    );
    session.connect(now);
    let dials = std::iter::from_fn(|| session.poll_output());
    let generation = dials.filter_map(|output| match output {
        Output::Dial { generation, .. } => Some(generation),
        _ => None,
    });
    let generation = generation.last().unwrap();
    session.handle_dialed(now, generation, None);
    session.handle_text(
        now,
        generation,
        r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#,
    );
    session.handle_text(now, generation, r#"40{"sid":"s"}"#);
    (session, generation)
}

/// Header and attachment of every update, as our gateway sends them.
fn records() -> Vec<(String, Bytes)> {
    let update = Bytes::from_static(&[1, 1, 1, 0, 0x84, 1, 0, 1, b'x', 0]);
    let payload = Message::Update(update).encode();
    let record = |offset| {
        let header = format!(
            r#"451-["y-kafka-collabation-server-sync",{{"_placeholder":true,"num":0}},"{offset}",{{"topic":"ykc.sync","partition":3}}]"#
        );
        let mut metadata = metadata("document", "aXJ0ZXN0LXNlbmRlcg");
        metadata.timestamp = Some(1_700_000_000_000 + offset);
        (header, envelope::encode(&metadata, &payload).unwrap().into())
    };
    (0..RECEIVED).map(record).collect()
}

fn receive(session: &mut Session, generation: u64, records: &[(String, Bytes)]) {
    let now = Instant::now();
    for turn in records.chunks(TURN) {
        for (header, attachment) in turn {
            session.handle_text(now, generation, header);
            session.handle_binary(now, generation, attachment.clone());
        }
        while session.poll_output().is_some() {}
        while session.poll_offset().is_some() {}
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let joined = || {
        let mut world = World::new(Switches::gateway());
        world.join(&["doc"]);
        world.join(&["doc"]);
        world
    };
    criterion.bench_function("100 keystrokes, logged, acked and received", |bencher| {
        let keystrokes = |world: &mut World| {
            for index in 0..KEYSTROKES {
                world.insert(0, DocKey(1), index, "x");
                world.settle();
            }
        };
        bencher.iter_batched_ref(joined, keystrokes, BatchSize::LargeInput);
    });
    let records = records();
    criterion.bench_function("10,000 updates received", |bencher| {
        let receive = |(session, generation): &mut (Session, u64)| {
            receive(session, *generation, &records);
        };
        bencher.iter_batched_ref(listening, receive, BatchSize::LargeInput);
    });
    let names: Vec<String> = (0..100).map(|index| format!("doc {index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    criterion.bench_function("100 documents, joined and synced", |bencher| {
        bencher.iter(|| World::new(Switches::gateway()).join(&names));
    });
    criterion.final_summary();
}
