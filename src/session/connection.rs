//! The connection as Engine.IO and Socket.IO see it: one attempt or one open connection at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;

use super::backoff::Backoff;
use super::config::Reconnection;
use super::timers::{Timer, Timers};
use crate::protocol::engine_io::{self, Open};
use crate::protocol::socket_io::{self, Ack, Decoder, Event, Json, Namespace};

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

/// What a frame meant.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Nothing the session must know.
    Nothing,
    /// The namespace is joined.
    Joined,
    /// CONNECT was refused.
    Refused { message: String, data: Option<Json> },
    /// The server disconnected the socket.
    Disconnected,
    /// An event.
    Event(Event),
    /// An ack.
    Ack(Ack),
    /// The server violated a protocol: close, with socket.io-client's reason.
    Violation { reason: &'static str, description: String },
}

/// State of the one connection.
#[derive(Debug)]
pub(crate) struct Connection {
    state: State,
    generation: u64,
    decoder: Decoder,
    /// Engine.IO and Socket.IO messages that go out before everything else.
    urgent: VecDeque<String>,
    /// How long the server may stay without a ping.
    patience: Duration,
    max_payload: Option<usize>,
    /// Taken for `max_payload` when the server doesn't tell, once it has closed over a large message.
    assumed_max_payload: Option<usize>,
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
    pub(crate) fn new(reconnection: Reconnection) -> Self {
        Self {
            state: State::Idle,
            generation: 0,
            decoder: Decoder::default(),
            urgent: VecDeque::new(),
            patience: Duration::ZERO,
            max_payload: None,
            assumed_max_payload: None,
            joined_at: None,
            socket_id: None,
            own_ids: VecDeque::new(),
            backoff: Backoff::new(reconnection),
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
        self.socket_id = None;
        self.joined_at = None;
    }

    pub(crate) fn handle_text(
        &mut self,
        now: Instant,
        timers: &mut Timers,
        text: &str,
    ) -> Incoming {
        match engine_io::decode_text(text) {
            Ok(engine_io::Packet::Open(open)) => self.open(now, timers, &open),
            Ok(engine_io::Packet::Ping(_)) if self.is_open() => {
                // One answer is enough for pings that a full socket has held up.
                if self.urgent.back().is_none_or(|last| last != engine_io::PONG) {
                    self.urgent.push_back(engine_io::PONG.to_owned());
                }
                timers.set(Timer::Heartbeat, now + self.patience);
                Incoming::Nothing
            }
            Ok(engine_io::Packet::Message(message)) if self.is_open() => {
                let packet = self.decoder.handle_text(message);
                self.handle_packet(now, packet)
            }
            Ok(engine_io::Packet::Binary(bytes)) => self.handle_binary(now, bytes),
            Ok(_) => Incoming::Nothing,
            Err(error) => {
                Incoming::Violation { reason: "transport error", description: error.to_string() }
            }
        }
    }

    pub(crate) fn handle_binary(&mut self, now: Instant, bytes: Bytes) -> Incoming {
        if !self.is_open() {
            return Incoming::Nothing;
        }
        let packet = self.decoder.handle_binary(bytes);
        self.handle_packet(now, packet)
    }

    /// The next message that precedes everything else.
    pub(crate) fn poll_urgent(&mut self) -> Option<String> {
        self.urgent.pop_front()
    }

    fn open(&mut self, now: Instant, timers: &mut Timers, open: &Open) -> Incoming {
        // A second OPEN would be the server's mistake; the official client ignores its consequences as well.
        if let State::Opening { auth } = &mut self.state {
            self.urgent
                .push_back(socket_io::encode_connect(&Namespace::MAIN, auth.take().as_deref()));
            self.state = State::Joining;
            self.max_payload = open.max_payload.or(self.assumed_max_payload);
            self.patience = open.ping_interval + open.ping_timeout;
            timers.set(Timer::Heartbeat, now + self.patience);
        }
        Incoming::Nothing
    }

    fn handle_packet(
        &mut self,
        now: Instant,
        packet: Result<Option<socket_io::Packet>, socket_io::DecodeError>,
    ) -> Incoming {
        use socket_io::Packet;
        match packet {
            Ok(Some(Packet::Connect { namespace, data })) if namespace.is_main() => {
                self.join(now, data.as_ref())
            }
            Ok(Some(Packet::ConnectError { namespace, message, data }))
                if namespace.is_main() && self.state == State::Joining =>
            {
                Incoming::Refused { message, data }
            }
            Ok(Some(Packet::Disconnect { namespace })) if namespace.is_main() => {
                Incoming::Disconnected
            }
            Ok(Some(Packet::Event(event))) if event.namespace.is_main() && self.is_joined() => {
                Incoming::Event(event)
            }
            Ok(Some(Packet::Ack(ack))) if ack.namespace.is_main() && self.is_joined() => {
                Incoming::Ack(ack)
            }
            Ok(_) => Incoming::Nothing,
            Err(error) => {
                Incoming::Violation { reason: "parse error", description: error.to_string() }
            }
        }
    }

    fn join(&mut self, now: Instant, data: Option<&Json>) -> Incoming {
        if self.state != State::Joining {
            return Incoming::Nothing;
        }
        let Some(Connected { sid }) = data.and_then(Json::parse) else {
            let description =
                "CONNECT without a socket id: the server speaks an older Socket.IO than version 3";
            return Incoming::Violation {
                reason: "parse error",
                description: description.to_owned(),
            };
        };
        let id: Arc<str> = sid.into();
        if self.own_ids.len() == REMEMBERED_IDS {
            self.own_ids.pop_front();
        }
        self.own_ids.push_back(Arc::clone(&id));
        self.socket_id = Some(id);
        self.state = State::Joined;
        self.joined_at = Some(now);
        Incoming::Joined
    }
}

#[derive(Deserialize)]
struct Connected {
    sid: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str =
        r#"0{"sid":"e","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000}"#;

    struct Harness {
        connection: Connection,
        timers: Timers,
        now: Instant,
    }

    impl Harness {
        fn dialed(auth: Option<&str>) -> Self {
            let mut connection = Connection::new(Reconnection::default());
            connection.dial();
            connection.handle_dialed(auth.map(str::to_owned));
            Self { connection, timers: Timers::default(), now: Instant::now() }
        }

        fn joined() -> Self {
            let mut harness = Self::dialed(None);
            harness.text(OPEN);
            harness.connection.poll_urgent();
            assert!(matches!(harness.text(r#"40{"sid":"s"}"#), Incoming::Joined));
            harness
        }

        fn text(&mut self, text: &str) -> Incoming {
            self.connection.handle_text(self.now, &mut self.timers, text)
        }
    }

    #[test]
    fn sends_auth_with_connect_after_open() {
        let mut harness = Harness::dialed(Some(r#"{"token":"x"}"#));
        assert_eq!(harness.connection.poll_urgent(), None, "not before OPEN");
        harness.text(OPEN);
        assert_eq!(harness.connection.poll_urgent().as_deref(), Some(r#"40{"token":"x"}"#));
        assert_eq!(harness.connection.max_payload(), Some(1000));
        harness.text(OPEN);
        assert_eq!(harness.connection.poll_urgent(), None, "a second OPEN does not join again");
    }

    #[test]
    fn only_pings_move_the_heartbeat() {
        let mut harness = Harness::joined();
        let opened = harness.now;
        harness.now += Duration::from_millis(100);
        harness.text(r#"42["hello"]"#);
        assert_eq!(harness.timers.next_deadline(), Some(opened + Duration::from_millis(500)));
        harness.text("2probe");
        assert_eq!(harness.timers.next_deadline(), Some(harness.now + Duration::from_millis(500)));
        assert_eq!(
            harness.connection.poll_urgent().as_deref(),
            Some("3"),
            "no payload in the pong"
        );
    }

    #[test]
    fn violations_have_the_reasons_of_the_official_client() {
        let table = [
            ("unknown engine packet", "x", "transport error"),
            ("empty engine packet", "", "transport error"),
            ("unknown packet type", "49", "parse error"),
            ("bad payload", "42{}", "parse error"),
            ("garbage", "4abc", "parse error"),
        ];
        for (label, text, expected) in table {
            let Incoming::Violation { reason, .. } = Harness::joined().text(text) else {
                panic!("{label}")
            };
            assert_eq!(reason, expected, "{label}");
        }
        let mut harness = Harness::joined();
        let Incoming::Violation { reason, .. } =
            harness.connection.handle_binary(harness.now, Bytes::new())
        else {
            panic!("binary without a header")
        };
        assert_eq!(reason, "parse error");
    }

    #[test]
    fn ignores_what_comes_too_early_or_for_another_namespace() {
        let mut harness = Harness::dialed(None);
        for (label, text) in [("event before OPEN", r#"42["a"]"#), ("ping before OPEN", "2")] {
            assert!(matches!(harness.text(text), Incoming::Nothing), "{label}");
        }
        harness.text(OPEN);
        for (label, text) in [
            ("event before CONNECT", r#"42["a"]"#),
            ("another namespace", r#"40/other,{"sid":"s"}"#),
            ("close", "1"),
            ("noop", "6"),
        ] {
            assert!(matches!(harness.text(text), Incoming::Nothing), "{label}");
        }
        assert!(matches!(harness.text(r#"40{"sid":"s"}"#), Incoming::Joined));
    }

    #[test]
    fn a_refusal_after_joining_is_no_refusal() {
        assert!(matches!(Harness::joined().text(r#"44{"message":"m"}"#), Incoming::Nothing));
    }

    #[test]
    fn a_flood_of_pings_is_answered_once() {
        let mut harness = Harness::joined();
        for _ in 0..100 {
            harness.text("2");
        }
        assert!(harness.connection.poll_urgent().is_some());
        assert_eq!(harness.connection.poll_urgent(), None);
    }

    #[test]
    fn remembers_its_ids_but_not_for_ever() {
        let mut connection = Connection::new(Reconnection::default());
        for attempt in 0..20 {
            connection.dial();
            connection.state = State::Joining;
            connection.join(
                Instant::now(),
                Json::new(&serde_json::json!({ "sid": format!("s{attempt}") })).as_ref(),
            );
        }
        assert_eq!(connection.socket_id().map(AsRef::as_ref), Some("s19"));
        assert!(connection.is_own_id("s19") && connection.is_own_id("s4"));
        assert!(!connection.is_own_id("s3"));
    }

    #[test]
    fn another_generation_is_not_current() {
        let mut connection = Connection::new(Reconnection::default());
        let first = connection.dial();
        assert!(connection.is_current(first));
        connection.end(State::Waiting);
        assert!(!connection.is_current(first), "nothing is dialled");
        let second = connection.dial();
        assert!(connection.is_current(second) && !connection.is_current(first));
    }
}
