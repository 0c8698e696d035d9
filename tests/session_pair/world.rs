//! Sessions, their documents and a server, on a virtual clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use yjs_provider_native::error::{ErrorCode, ProviderError};
use yjs_provider_native::protocol::update::scan_v1;
use yjs_provider_native::session::{
    AddDocument, Awareness, Closed, DocKey, Event, Frame, Output, Session, SessionConfig,
    SharedAwareness, Status, Work, WorkDone,
};
use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{Doc, GetString, Map, ReadTxn, StateVector, Text, Transact, Update};

use super::server::{ConnectionId, ROOM, Server, Switches};

const PING_INTERVAL: Duration = Duration::from_secs(25);

/// A document of a client, with what executes the session's work on it.
pub(crate) struct Replica {
    pub(crate) doc: Doc,
    pub(crate) awareness: SharedAwareness,
    is_synced: bool,
    pub(crate) has_unsynced_changes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    None,
    Open(u64, ConnectionId),
}

pub(crate) struct Client {
    pub(crate) session: Session,
    pub(crate) replicas: BTreeMap<DocKey, Replica>,
    /// Everything told, in order, since the test looked last.
    pub(crate) events: Vec<Event>,
    pub(crate) is_finished: bool,
    pub(crate) dials: usize,
    /// The socket takes no frames.
    pub(crate) is_stuck: bool,
    link: Link,
    status: Status,
    last_generation: u64,
    works: VecDeque<Work>,
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) server: Server,
    pub(crate) clients: Vec<Client>,
    pub(crate) rng: fastrand::Rng,
    /// Dials fail.
    pub(crate) is_server_down: bool,
    /// The server pings as it promised in OPEN.
    pub(crate) is_server_pinging: bool,
    next_ping: Instant,
    /// Printed with every broken invariant.
    label: String,
}

impl World {
    pub(crate) fn new(switches: Switches) -> Self {
        Self::seeded(switches, 1)
    }

    pub(crate) fn seeded(switches: Switches, seed: u64) -> Self {
        let now = Instant::now();
        Self {
            now,
            server: Server::new(switches),
            clients: Vec::new(),
            rng: fastrand::Rng::with_seed(seed),
            is_server_down: false,
            is_server_pinging: true,
            next_ping: now + PING_INTERVAL,
            label: format!("seed {seed}"),
        }
    }

    /// A client with these documents, not connected yet.
    pub(crate) fn add_client(&mut self, docs: &[&str]) -> usize {
        self.add_client_with(docs, SessionConfig::new(ROOM))
    }

    pub(crate) fn add_client_with(&mut self, docs: &[&str], config: SessionConfig) -> usize {
        let seed = self.rng.u64(..);
        self.clients.push(Client {
            session: Session::new(config, seed),
            replicas: BTreeMap::new(),
            events: Vec::new(),
            is_finished: false,
            dials: 0,
            is_stuck: false,
            link: Link::None,
            status: Status::Disconnected,
            last_generation: 0,
            works: VecDeque::new(),
        });
        let client = self.clients.len() - 1;
        for (key, id) in (1..).zip(docs) {
            self.add_document(client, DocKey(key), id, "");
        }
        client
    }

    /// A client with these documents, connected as far as it gets without time passing.
    pub(crate) fn join(&mut self, docs: &[&str]) -> usize {
        let client = self.add_client(docs);
        self.connect(client);
        client
    }

    pub(crate) fn connect(&mut self, client: usize) {
        self.clients[client].session.connect(self.now);
        self.settle();
    }

    pub(crate) fn add_document(&mut self, client: usize, key: DocKey, id: &str, content: &str) {
        // Client ids of yrs are random otherwise, and with them the order of concurrent edits.
        let client_id = (client as u64 + 1) * 1000 + key.0;
        let doc = Doc::with_client_id(client_id);
        let text = doc.get_or_insert_text("text");
        if !content.is_empty() {
            text.push(&mut doc.transact_mut(), content);
        }
        let awareness: SharedAwareness = Arc::new(Mutex::new(Awareness::new(client_id)));
        let add = AddDocument {
            key,
            doc_id: id.into(),
            parent_id: None,
            has_content: !content.is_empty(),
            awareness: Some(Arc::clone(&awareness)),
        };
        let client = &mut self.clients[client];
        client
            .replicas
            .insert(key, Replica { doc, awareness, is_synced: false, has_unsynced_changes: false });
        client.session.add_document(self.now, add);
    }

    /// Types into a document, at a position modulo its length.
    pub(crate) fn insert(&mut self, client: usize, key: DocKey, position: u32, text: &str) {
        self.edit(client, key, |doc| {
            let shared = doc.get_or_insert_text("text");
            let mut txn = doc.transact_mut();
            let length = shared.len(&txn);
            shared.insert(&mut txn, position % (length + 1), text);
            txn.encode_update_v1()
        });
    }

    /// Sets an entry of the document's map, to one value that can't be divided.
    pub(crate) fn set(&mut self, client: usize, key: DocKey, value: &str) {
        self.edit(client, key, |doc| {
            let map = doc.get_or_insert_map("map");
            let mut txn = doc.transact_mut();
            map.insert(&mut txn, "key", value);
            txn.encode_update_v1()
        });
    }

    pub(crate) fn remove(&mut self, client: usize, key: DocKey, position: u32) {
        self.edit(client, key, |doc| {
            let shared = doc.get_or_insert_text("text");
            let mut txn = doc.transact_mut();
            let length = shared.len(&txn);
            if length > 0 {
                shared.remove_range(&mut txn, position % length, 1);
            }
            txn.encode_update_v1()
        });
    }

    fn edit(&mut self, client: usize, key: DocKey, edit: impl FnOnce(&Doc) -> Vec<u8>) {
        let client = &mut self.clients[client];
        let update = edit(&client.replicas[&key].doc);
        if update != [0, 0] {
            client.session.handle_local_update(self.now, key, update.into());
        }
    }

    pub(crate) fn text(&self, client: usize, key: DocKey) -> String {
        read(&self.clients[client].replicas[&key].doc)
    }

    pub(crate) fn log_text(&mut self, id: &str) -> String {
        let doc = self.server.document(id);
        read(&doc)
    }

    pub(crate) fn is_synced(&self, client: usize, key: DocKey) -> bool {
        self.clients[client].replicas[&key].is_synced
    }

    pub(crate) fn take_events(&mut self, client: usize) -> Vec<Event> {
        std::mem::take(&mut self.clients[client].events)
    }

    /// How a flush that was started with this id has ended so far.
    pub(crate) fn flushed(&self, client: usize, id: u64) -> Option<Result<(), ErrorCode>> {
        self.clients[client].events.iter().find_map(|event| match event {
            Event::Flushed { id: ended, result } if *ended == id => {
                Some(result.clone().map_err(|error| error.code))
            }
            _ => None,
        })
    }

    /// How a wait that was started with this id has ended so far.
    pub(crate) fn waited(&self, client: usize, id: u64) -> Option<Result<(), ErrorCode>> {
        self.clients[client].events.iter().find_map(|event| match event {
            Event::Waited { id: ended, result } if *ended == id => {
                Some(result.clone().map_err(|error| error.code))
            }
            _ => None,
        })
    }

    pub(crate) fn connection(&self, client: usize) -> Option<ConnectionId> {
        match self.clients[client].link {
            Link::Open(_, id) => Some(id),
            Link::None => None,
        }
    }

    /// Cuts the connection; frames on their way are lost.
    pub(crate) fn cut(&mut self, client: usize) {
        self.close_with(client, 1006);
    }

    /// The same with another code.
    pub(crate) fn close_with(&mut self, client: usize, code: u16) {
        if let Link::Open(generation, id) = self.clients[client].link {
            self.server.close(id);
            self.clients[client].link = Link::None;
            let closed =
                Closed { code: Some(code), description: "cut".into(), is_protocol_error: false };
            self.clients[client].session.handle_closed(self.now, generation, closed);
        }
    }

    /// Lets everything happen that needs no time.
    pub(crate) fn settle(&mut self) {
        for _ in 0..1_000_000 {
            if !self.step(usize::MAX) {
                return;
            }
        }
        panic!("{}: never comes to rest", self.label);
    }

    /// Lets things happen until the client's document is about to be asked for a difference.
    pub(crate) fn step_until_difference(&mut self, client: usize) {
        let is_asked = |work: &Work| matches!(work, Work::EncodeDiff { .. });
        while !self.clients[client].works.iter().any(is_asked) {
            assert!(self.step(usize::MAX), "{}: never asked", self.label);
        }
    }

    /// Executes the client's waiting work. The answers are for the test to hand over.
    pub(crate) fn execute(&mut self, client: usize) -> Vec<WorkDone> {
        let client = &mut self.clients[client];
        let works = std::mem::take(&mut client.works);
        works.into_iter().filter_map(|work| client.execute(work)).collect()
    }

    /// Lets a few things happen, and whatever is on its way stay on its way.
    pub(crate) fn step_some(&mut self) {
        let frames = self.rng.usize(1..6);
        self.step(frames);
    }

    /// Lets time pass, deadline by deadline.
    pub(crate) fn advance(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.settle();
            let deadlines = self.clients.iter().filter_map(|client| client.session.poll_timeout());
            let next = deadlines.chain([self.next_ping]).min();
            match next {
                Some(at) if at <= end => self.now = self.now.max(at),
                _ => break,
            }
            if self.next_ping <= self.now {
                self.next_ping += PING_INTERVAL;
                if self.is_server_pinging {
                    self.server.ping();
                }
            }
            for client in &mut self.clients {
                client.session.handle_timeout(self.now);
            }
        }
        self.now = end;
    }

    /// The client's computer sleeps, and its clock of deadlines with it.
    pub(crate) fn sleep(&mut self, client: usize, duration: Duration) {
        self.clients[client].session.handle_sleep(self.now, duration);
        self.settle();
    }

    /// One round for every client, in random order, with at most this many frames each way. False if nothing happened.
    fn step(&mut self, frames: usize) -> bool {
        let mut order: Vec<usize> = (0..self.clients.len()).collect();
        self.rng.shuffle(&mut order);
        let mut is_busy = false;
        for client in order {
            is_busy |= self.transmit(client, frames);
            is_busy |= self.deliver(client, frames);
            is_busy |= self.work(client);
            is_busy |= self.outputs(client);
        }
        is_busy
    }

    fn transmit(&mut self, client: usize, frames: usize) -> bool {
        let now = self.now;
        let Client { session, link, is_stuck, .. } = &mut self.clients[client];
        let Link::Open(_, id) = *link else { return false };
        let mut is_busy = false;
        for _ in 0..frames {
            if *is_stuck {
                break;
            }
            let Some(frame) = session.poll_transmit(now) else { break };
            self.server.handle(id, frame);
            is_busy = true;
        }
        is_busy
    }

    fn deliver(&mut self, client: usize, frames: usize) -> bool {
        let Link::Open(generation, id) = self.clients[client].link else { return false };
        let mut is_busy = false;
        for _ in 0..frames {
            let Some(frame) = self.server.poll(id) else { break };
            self.clients[client].receive(self.now, generation, frame);
            is_busy = true;
        }
        is_busy
    }

    fn work(&mut self, client: usize) -> bool {
        let now = self.now;
        let client = &mut self.clients[client];
        let is_busy = !client.works.is_empty();
        while let Some(work) = client.works.pop_front() {
            if let Some(done) = client.execute(work) {
                client.session.handle_work_done(now, done);
            }
        }
        is_busy
    }

    fn outputs(&mut self, client: usize) -> bool {
        let mut is_busy = false;
        while let Some(output) = self.clients[client].session.poll_output() {
            is_busy = true;
            assert!(!self.clients[client].is_finished, "{}: {output:?} after the end", self.label);
            match output {
                Output::Dial { generation, .. } => self.dial(client, generation),
                Output::Close { generation } => self.close(client, generation),
                Output::Work(work) => self.clients[client].works.push_back(work),
                Output::Event(event) => self.clients[client].note(&self.label, event),
                Output::Finished => self.clients[client].is_finished = true,
            }
        }
        while let Some(offset) = self.clients[client].session.poll_offset() {
            self.clients[client].note(&self.label, offset);
        }
        is_busy
    }

    fn dial(&mut self, client: usize, generation: u64) {
        let now = self.now;
        let client = &mut self.clients[client];
        assert_eq!(client.link, Link::None, "{}: two sockets at a time", self.label);
        assert!(generation > client.last_generation, "{}", self.label);
        client.last_generation = generation;
        client.dials += 1;
        if self.is_server_down {
            let error = ProviderError::new(ErrorCode::Connection, "refused");
            client.link = Link::None;
            client.session.handle_dial_failed(now, generation, error);
        } else {
            let id = self.server.accept();
            client.link = Link::Open(generation, id);
            client.session.handle_dialed(now, generation, None);
        }
    }

    fn close(&mut self, client: usize, generation: u64) {
        match self.clients[client].link {
            Link::Open(current, id) => {
                assert_eq!(current, generation, "{}", self.label);
                self.server.close(id);
            }
            // It ended by itself before the session's wish was heard.
            Link::None => {
                assert_eq!(self.clients[client].last_generation, generation, "{}", self.label);
            }
        }
        self.clients[client].link = Link::None;
    }
}

impl Client {
    fn receive(&mut self, now: Instant, generation: u64, frame: Frame) {
        match frame {
            Frame::Text(text) => self.session.handle_text(now, generation, &text),
            Frame::Binary(bytes) => self.session.handle_binary(now, generation, bytes),
        }
    }

    /// Executes work as the document layer does. `None` for documents that were removed.
    fn execute(&self, work: Work) -> Option<WorkDone> {
        let (Work::Apply { doc, .. }
        | Work::EncodeDiff { doc, .. }
        | Work::EncodeStateVector { doc, .. }) = work;
        let document = &self.replicas.get(&doc)?.doc;
        Some(match work {
            Work::Apply { first, updates, .. } => {
                let apply = |update: &Bytes| {
                    scan_v1(update).map_err(|error| error.to_string())?;
                    let update = Update::decode_v1(update).map_err(|error| error.to_string())?;
                    let applied = document.transact_mut().apply_update(update);
                    applied.map_err(|error| error.to_string())
                };
                let failed = (first..).zip(&updates).filter_map(|(token, update)| {
                    let error = apply(update).err()?;
                    Some((token, ProviderError::new(ErrorCode::InvalidUpdate, error)))
                });
                WorkDone::Applied {
                    doc,
                    failed: failed.collect(),
                    through: first + updates.len() as u64 - 1,
                    is_missing_updates: document.transact().has_missing_updates(),
                }
            }
            Work::EncodeDiff { token, state_vector, .. } => {
                let vector = if state_vector.is_empty() {
                    StateVector::default()
                } else {
                    StateVector::decode_v1(&state_vector).unwrap()
                };
                let update: Bytes = document.transact().encode_state_as_update_v1(&vector).into();
                WorkDone::Encoded { doc, token, result: Ok(update) }
            }
            Work::EncodeStateVector { token, .. } => {
                let vector: Bytes = document.transact().state_vector().encode_v1().into();
                WorkDone::Encoded { doc, token, result: Ok(vector) }
            }
        })
    }

    /// Checks what must hold of every event, and keeps it.
    fn note(&mut self, label: &str, event: Event) {
        match &event {
            Event::Status { status, socket_id } => {
                assert_ne!(self.status, *status, "{label}: the same status twice");
                assert_eq!(socket_id.is_some(), *status == Status::Connected, "{label}");
                self.status = *status;
            }
            Event::Synced { doc, state } => {
                let replica = self.replicas.get_mut(doc).unwrap();
                assert_ne!(replica.is_synced, *state, "{label}: synced does not alternate");
                replica.is_synced = *state;
            }
            Event::UnsyncedChanges { doc, state } => {
                let replica = self.replicas.get_mut(doc).unwrap();
                let before = std::mem::replace(&mut replica.has_unsynced_changes, *state);
                assert_ne!(before, *state, "{label}: unsyncedChanges does not alternate");
            }
            _ => {}
        }
        self.events.push(event);
    }
}

fn read(doc: &Doc) -> String {
    let text = doc.get_or_insert_text("text");
    text.get_string(&doc.transact())
}
