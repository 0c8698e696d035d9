//! The connection as Engine.IO and Socket.IO see it: one attempt or one open connection at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::config::SessionConfig;
use super::early::EarlyEvents;
use super::recovery::Recovery;
use crate::protocol::socket_io::{Decoder, Namespace};

/// Own socket ids that are remembered, to know our own messages when the log brings them back after a reconnect.
const REMEMBERED_IDS: usize = 16;

/// A connection that lasted this long was no mistake of the server.
const STABLE: Duration = Duration::from_secs(60);

/// WebSocket close code for a message that is too large.
const MESSAGE_TOO_BIG: u16 = 1009;

/// What every Socket.IO server takes by default, in bytes.
const DEFAULT_MAX_PAYLOAD: usize = 1_000_000;

/// Where a connection is.
///
/// ```text
/// Idle    -> Dialing            connect
/// Dialing -> Opening            the WebSocket is open
/// Opening -> Joining            Engine.IO OPEN came: CONNECT goes out
/// Joining -> Joined             CONNECT was answered with a socket id
/// any but Idle -> Waiting       failure or loss, and another attempt follows
/// Waiting -> Dialing            the backoff is over
/// any     -> Idle               disconnect, destroy, a final refusal, no attempts left
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// No connection, and none wanted.
    Idle,
    /// The next attempt is scheduled.
    Waiting,
    /// The driver opens a WebSocket.
    Dialing,
    /// The WebSocket is open, the server's OPEN is awaited; then `auth` goes out.
    Opening { auth: Option<String> },
    /// CONNECT is sent.
    Joining,
    /// The namespace is joined.
    Joined,
}

/// State of the one connection.
#[derive(Debug)]
pub(crate) struct Connection {
    config: Arc<SessionConfig>,
    pub(super) state: State,
    generation: u64,
    pub(super) decoder: Decoder,
    /// Engine.IO and Socket.IO messages that go out before everything else.
    pub(super) urgent: VecDeque<String>,
    pub(super) early: EarlyEvents,
    pub(super) recovery: Recovery,
    /// How long the server may stay without a ping.
    pub(super) patience: Duration,
    pub(super) max_payload: Option<usize>,
    /// Taken for `max_payload` when the server doesn't tell, once it has closed over a large message.
    pub(super) assumed_max_payload: Option<usize>,
    joined_at: Option<Instant>,
    socket_id: Option<Arc<str>>,
    own_ids: VecDeque<Arc<str>>,
    pub(crate) backoff: Backoff,
    /// `io server disconnect` this often in a row, without a document synced or a long connection in between.
    pub(crate) server_disconnects: u32,
    /// A refusal since the last success was answered with a fresh `auth`.
    pub(crate) has_refreshed_auth: bool,
}

impl Connection {
    pub(crate) fn new(config: Arc<SessionConfig>) -> Self {
        Self {
            config,
            state: State::Idle,
            generation: 0,
            decoder: Decoder::default(),
            urgent: VecDeque::new(),
            early: EarlyEvents::default(),
            recovery: Recovery::default(),
            patience: Duration::ZERO,
            max_payload: None,
            assumed_max_payload: None,
            joined_at: None,
            socket_id: None,
            own_ids: VecDeque::new(),
            backoff: Backoff::default(),
            server_disconnects: 0,
            has_refreshed_auth: false,
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn is_joined(&self) -> bool {
        self.state == State::Joined
    }

    /// Whether Engine.IO is open, so that its end is a `connection-close` and not a failed attempt.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Joining | State::Joined)
    }

    /// Whether the driver has a dial or a socket of this generation.
    pub(crate) fn is_current(&self, generation: u64) -> bool {
        self.generation == generation && !matches!(self.state, State::Idle | State::Waiting)
    }

    /// The largest WebSocket message the server takes, in bytes.
    pub(crate) fn max_payload(&self) -> Option<usize> {
        self.max_payload
    }

    /// The namespace this connection joins.
    pub(crate) fn namespace(&self) -> &Namespace {
        &self.config.namespace
    }

    /// The delay before the next attempt, if another may follow. `random` lies in 0..1.
    pub(crate) fn next_delay(&mut self, random: f64) -> Option<Duration> {
        self.backoff.next_delay(&self.config.reconnection, random)
    }

    /// Whether another attempt may follow.
    pub(crate) fn has_next_attempt(&self) -> bool {
        self.backoff.has_next(&self.config.reconnection)
    }

    /// Our Socket.IO id while joined.
    pub(crate) fn socket_id(&self) -> Option<&Arc<str>> {
        self.socket_id.as_ref()
    }

    /// Whether this is or was one of our own socket ids.
    pub(crate) fn is_own_id(&self, id: &str) -> bool {
        self.own_ids.iter().any(|own| **own == *id)
    }

    /// The peer closed with this code.
    pub(crate) fn note_close_code(&mut self, code: Option<u16>) {
        if code == Some(MESSAGE_TOO_BIG) && self.max_payload.is_none() {
            self.assumed_max_payload = Some(DEFAULT_MAX_PAYLOAD);
        }
    }

    /// The server disconnected the socket.
    pub(crate) fn note_server_disconnect(&mut self, now: Instant) {
        if self.joined_at.is_some_and(|joined_at| now >= joined_at + STABLE) {
            self.server_disconnects = 0;
        }
        self.server_disconnects += 1;
    }

    /// The namespace is joined under this id, which is that of an earlier connection when the server has recovered it.
    pub(super) fn handle_joined(&mut self, now: Instant, id: String) {
        let id: Arc<str> = id.into();
        self.own_ids.retain(|own| *own != id);
        if self.own_ids.len() == REMEMBERED_IDS {
            self.own_ids.pop_front();
        }
        self.own_ids.push_back(Arc::clone(&id));
        self.socket_id = Some(id);
        self.state = State::Joined;
        self.joined_at = Some(now);
    }

    /// The user leaves on purpose: what the server keeps for a lost connection is none of the next one's.
    pub(crate) fn forget_recovery(&mut self) {
        self.recovery = Recovery::default();
    }

    /// Starts an attempt and returns its generation.
    pub(crate) fn dial(&mut self) -> u64 {
        self.end(State::Dialing);
        self.generation += 1;
        self.generation
    }

    /// The WebSocket is open.
    pub(crate) fn handle_dialed(&mut self, auth: Option<String>) {
        if self.state == State::Dialing {
            self.state = State::Opening { auth };
        }
    }

    /// Leaves whatever there was for `Idle`, `Waiting` or the next dial.
    pub(crate) fn end(&mut self, state: State) {
        self.state = state;
        self.decoder.reset();
        self.urgent.clear();
        self.early.clear();
        self.socket_id = None;
        self.joined_at = None;
    }

    /// Gives back the room that is not needed now.
    pub(crate) fn shrink(&mut self) {
        if self.urgent.is_empty() {
            self.urgent = VecDeque::new();
        }
    }

    /// The next message that precedes everything else.
    pub(crate) fn poll_urgent(&mut self) -> Option<String> {
        self.urgent.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection::new(Arc::new(SessionConfig::new("room")))
    }

    #[test]
    fn remembers_its_ids_but_not_for_ever() {
        let mut connection = connection();
        for attempt in 0..20 {
            connection.dial();
            connection.handle_joined(Instant::now(), format!("s{attempt}"));
        }
        assert_eq!(connection.socket_id().map(AsRef::as_ref), Some("s19"));
        assert!(connection.is_own_id("s19") && connection.is_own_id("s4"));
        assert!(!connection.is_own_id("s3"));
        for _ in 0..20 {
            connection.handle_joined(Instant::now(), "s10".to_owned());
        }
        assert!(connection.is_own_id("s4"), "a recovered id takes no other's place");
    }

    #[test]
    fn another_generation_is_not_current() {
        let mut connection = connection();
        let first = connection.dial();
        assert!(connection.is_current(first));
        connection.end(State::Waiting);
        assert!(!connection.is_current(first), "nothing is dialled");
        let second = connection.dial();
        assert!(connection.is_current(second) && !connection.is_current(first));
    }
}
