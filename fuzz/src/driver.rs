//! Drives a session as the socket and the documents would, and checks what must hold of everything it says.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use yjs_provider_native::error::ErrorCode;
use yjs_provider_native::protocol::socket_io::{Decoder, Packet};
use yjs_provider_native::protocol::{envelope, y_message};
use yjs_provider_native::session::{
    DocKey, Event, Frame, Output, Session, SessionConfig, Status, Work,
};

/// What may make the session say that edits are in the log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The server said something, or a document answered what the server asked.
    Server,
    /// Anything else: the user, the clock, the end of a connection.
    Other,
}

/// A session with everything around it.
pub struct Driver {
    pub session: Session,
    pub now: Instant,
    /// The dial or connection that there is.
    pub link: Option<u64>,
    pub is_dialed: bool,
    /// The socket takes no frames.
    pub is_stuck: bool,
    /// The largest message that the server takes, as it said.
    pub max_payload: Option<usize>,
    pub works: VecDeque<Work>,
    /// What arrived at the server of this connection: ids of acks that are wanted, and envelopes.
    pub sent: Vec<(Option<u64>, Bytes)>,
    decoder: Decoder,
    last_generation: u64,
    status: Status,
    is_synced: BTreeMap<DocKey, bool>,
    is_unsynced: BTreeMap<DocKey, bool>,
    is_finished: bool,
}

impl Driver {
    pub fn new(config: SessionConfig) -> Self {
        Self {
            session: Session::new(config, 1),
            now: Instant::now(),
            link: None,
            is_dialed: false,
            is_stuck: false,
            max_payload: None,
            works: VecDeque::new(),
            sent: Vec::new(),
            decoder: Decoder::default(),
            last_generation: 0,
            status: Status::Disconnected,
            is_synced: BTreeMap::new(),
            is_unsynced: BTreeMap::new(),
            is_finished: false,
        }
    }

    /// Takes what the session has to say, until it is at rest.
    pub fn settle(&mut self, cause: Cause) {
        for _ in 0..10_000 {
            let mut is_busy = self.transmit();
            while let Some(output) = self.session.poll_output() {
                is_busy = true;
                assert!(!self.is_finished || is_answer(&output), "{output:?} after the end");
                self.handle(output, cause);
            }
            while let Some(offset) = self.session.poll_offset() {
                self.handle(Output::Event(offset), cause);
            }
            if !is_busy {
                return;
            }
        }
        panic!("never comes to rest");
    }

    /// Lets time pass until the next deadline, but no longer.
    pub fn advance(&mut self, longest: Duration) {
        let end = self.now + longest;
        self.now = self.session.poll_timeout().map_or(end, |next| next.clamp(self.now, end));
        self.session.handle_timeout(self.now);
        let next = self.session.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "a deadline that has passed is not over");
    }

    /// A document that is gone tells nothing any more.
    pub fn forget(&mut self, key: DocKey) {
        self.is_synced.remove(&key);
        self.is_unsynced.remove(&key);
    }

    /// The connection is gone, whoever ended it.
    pub fn hang_up(&mut self) -> Option<u64> {
        self.decoder.reset();
        self.sent.clear();
        self.is_dialed = false;
        self.max_payload = None;
        self.link.take()
    }

    fn transmit(&mut self) -> bool {
        let mut is_busy = false;
        while self.is_dialed && !self.is_stuck {
            let Some(frame) = self.session.poll_transmit(self.now) else { break };
            is_busy = true;
            self.receive(frame);
        }
        is_busy
    }

    /// The server's end: what arrives is what a server understands.
    fn receive(&mut self, frame: Frame) {
        let len = match &frame {
            Frame::Text(text) => text.len(),
            Frame::Binary(bytes) => bytes.len(),
        };
        assert!(self.max_payload.is_none_or(|max| len <= max), "larger than the server takes");
        let packet = match frame {
            Frame::Text(text) if text == "3" => return,
            Frame::Text(text) => {
                let header = text.strip_prefix('4').expect("a message");
                self.decoder.handle_text(header)
            }
            Frame::Binary(bytes) => self.decoder.handle_binary(bytes),
        };
        let Some(Packet::Event(event)) = packet.expect("what is sent is a packet") else { return };
        let bytes = event.args.bytes(0).expect("the first argument is an envelope").into_owned();
        let envelope = envelope::decode(&bytes).expect("an envelope");
        y_message::decode_all(&envelope.payload).expect("a message");
        self.sent.push((event.id, bytes));
    }

    fn handle(&mut self, output: Output, cause: Cause) {
        match output {
            Output::Dial { generation, .. } => {
                assert!(self.link.is_none(), "two sockets at a time");
                assert!(generation > self.last_generation, "generations rise");
                self.last_generation = generation;
                self.link = Some(generation);
            }
            Output::Close { generation } => {
                assert_eq!(generation, self.last_generation);
                self.hang_up();
            }
            Output::Work(work) => self.works.push_back(work),
            Output::Event(event) => self.note(&event, cause),
            Output::Finished => self.is_finished = true,
        }
    }

    fn note(&mut self, event: &Event, cause: Cause) {
        match event {
            Event::Status { status, socket_id } => {
                assert_ne!(self.status, *status, "the same status twice");
                assert_eq!(socket_id.is_some(), *status == Status::Connected);
                self.status = *status;
            }
            Event::Synced { doc, state } => {
                let before = self.is_synced.insert(*doc, *state).unwrap_or_default();
                assert_ne!(before, *state, "synced does not alternate");
            }
            Event::UnsyncedChanges { doc, state } => {
                let before = self.is_unsynced.insert(*doc, *state).unwrap_or_default();
                assert_ne!(before, *state, "unsyncedChanges does not alternate");
                assert!(*state || cause == Cause::Server, "only a confirmation empties an outbox");
            }
            _ => {}
        }
    }
}

/// Whoever still asks a session that was destroyed hears that it was.
fn is_answer(output: &Output) -> bool {
    let Output::Event(
        Event::Flushed { result: Err(error), .. }
        | Event::Waited { result: Err(error), .. }
        | Event::Error { error, .. },
    ) = output
    else {
        return false;
    };
    error.code == ErrorCode::Destroyed
}
