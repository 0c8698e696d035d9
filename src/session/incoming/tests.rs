use std::time::Duration;

use super::*;
use crate::protocol::socket_io::Namespace;
use crate::session::SessionConfig;

const OPEN: &str =
    r#"0{"sid":"e","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000}"#;

struct Harness {
    connection: Connection,
    timers: Timers,
    now: Instant,
}

impl Harness {
    fn dialed(auth: Option<&str>) -> Self {
        Self::dialed_to("/", auth)
    }

    fn dialed_to(namespace: &str, auth: Option<&str>) -> Self {
        let mut config = SessionConfig::new("room");
        config.namespace = Namespace::new(namespace).unwrap();
        let connection = Connection::new(config.into());
        let mut harness = Self { connection, timers: Timers::default(), now: Instant::now() };
        harness.redial(auth);
        harness
    }

    fn redial(&mut self, auth: Option<&str>) {
        self.connection.dial();
        self.connection.handle_dialed(auth.map(str::to_owned));
    }

    /// Answers the dial with OPEN and returns the CONNECT that follows.
    fn open(&mut self) -> String {
        self.text(OPEN);
        self.connection.poll_urgent().unwrap()
    }

    fn joined() -> Self {
        let mut harness = Self::dialed(None);
        harness.text(OPEN);
        harness.connection.poll_urgent();
        assert!(matches!(harness.text(r#"40{"sid":"s"}"#), Incoming::Joined { .. }));
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
    assert_eq!(harness.connection.poll_urgent().as_deref(), Some("3"), "no payload in the pong");
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
    for (label, text) in
        [("another namespace", r#"40/other,{"sid":"s"}"#), ("close", "1"), ("noop", "6")]
    {
        assert!(matches!(harness.text(text), Incoming::Nothing), "{label}");
    }
    assert!(matches!(harness.text(r#"40{"sid":"s"}"#), Incoming::Joined { .. }));
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
fn joins_its_namespace_and_hears_no_other() {
    let mut harness = Harness::dialed_to("/yjs|a b", Some(r#"{"token":"x"}"#));
    assert_eq!(harness.open(), r#"40/yjs|a b,{"token":"x"}"#);
    for (label, text) in [
        ("CONNECT of another", r#"40/other,{"sid":"s"}"#),
        ("CONNECT of the main one", r#"40{"sid":"s"}"#),
        ("refusal by another", r#"44/other,{"message":"m"}"#),
        ("longer name", r#"40/yjs|a bc,{"sid":"s"}"#),
        ("slash at the end", r#"40/yjs|a b/,{"sid":"s"}"#),
    ] {
        assert!(matches!(harness.text(text), Incoming::Nothing), "{label}");
    }
    assert!(matches!(harness.text(r#"40/yjs|a b,{"sid":"s"}"#), Incoming::Joined { .. }));
    for (label, text) in [
        ("event", r#"42["a"]"#),
        ("event of another", r#"42/other,["a"]"#),
        ("ack", "430[]"),
        ("DISCONNECT of the main one", "41"),
        ("DISCONNECT of another", "41/other,"),
    ] {
        assert!(matches!(harness.text(text), Incoming::Nothing), "{label}");
    }
    assert!(matches!(harness.text(r#"42/yjs|a b,["a"]"#), Incoming::Event(_)));
    assert!(matches!(harness.text("43/yjs|a b,0[]"), Incoming::Ack(_)));
    assert!(matches!(harness.text("41/yjs|a b"), Incoming::Disconnected), "comma may lack");
}

#[test]
fn events_before_connect_are_kept_until_it_comes() {
    let mut harness = Harness::dialed(None);
    harness.open();
    harness.text(r#"42["first","1"]"#);
    harness.text(r#"42/other,["foreign"]"#);
    harness.text(r#"451-["second",{"_placeholder":true,"num":0}]"#);
    assert!(matches!(
        harness.connection.handle_binary(harness.now, Bytes::from_static(b"x")),
        Incoming::Nothing
    ));
    let Incoming::Joined { early } = harness.text(r#"40{"sid":"s"}"#) else { panic!() };
    let names: Vec<_> = early.iter().map(Event::name).collect();
    assert_eq!(names, ["first", "second"]);
    harness.redial(None);
    harness.open();
    harness.text(r#"42["lost"]"#);
    harness.redial(None);
    harness.open();
    let Incoming::Joined { early } = harness.text(r#"40{"sid":"s"}"#) else { panic!() };
    assert!(early.is_empty(), "those of another connection are gone with it");
}

#[test]
fn asks_for_recovery_with_the_last_offset() {
    let mut harness = Harness::dialed(None);
    assert_eq!(harness.open(), "40");
    harness.text(r#"40{"sid":"s","pid":"p"}"#);
    harness.redial(Some(r#"{"token":"x"}"#));
    assert_eq!(harness.open(), r#"40{"pid":"p","token":"x"}"#, "no offset yet");
    harness.text(r#"42["missed","1"]"#);
    harness.text(r#"40{"sid":"s","pid":"p"}"#);
    harness.text(r#"42["a",{},"2"]"#);
    harness.redial(None);
    assert_eq!(harness.open(), r#"40{"pid":"p","offset":"2"}"#);
    harness.text(r#"42["missed","3"]"#);
    harness.text(r#"40{"sid":"s","pid":"p"}"#);
    harness.redial(None);
    assert_eq!(harness.open(), r#"40{"pid":"p","offset":"3"}"#, "missed events count");
}

#[test]
fn a_server_of_version_2_can_not_be_joined() {
    for (label, text) in [("no payload", "40"), ("no sid", r#"40{"pid":"p"}"#)] {
        let mut harness = Harness::dialed(None);
        harness.open();
        assert!(matches!(harness.text(text), Incoming::Unjoinable { .. }), "{label}");
    }
}
