//! Attempts, losses, refusals: what the user is told, and what is tried again.

use std::time::Duration;

use yjs_provider_native::error::{ErrorCode, ProviderError};
use yjs_provider_native::protocol::channel::Channel;
use yjs_provider_native::protocol::socket_io::Namespace;
use yjs_provider_native::session::{
    Closed, DocKey, Event, Frame, Output, Reconnection, Session, SessionConfig, Status,
};

use super::server::{ROOM, Switches};
use super::world::World;

const DOC: DocKey = DocKey(1);
const SECOND: Duration = Duration::from_secs(1);
const OPEN: &str = r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;

/// What was told of the connection, in short.
fn story(world: &mut World, client: usize) -> Vec<String> {
    let line = |event| match event {
        Event::Status { status, .. } => Some(format!("{status:?}")),
        Event::ConnectionClose { reason, .. } => Some(reason.to_owned()),
        Event::ConnectionError { error, will_retry, .. } => {
            Some(format!("{error}, retry: {will_retry}"))
        }
        Event::ReconnectFailed { error } => Some(format!("gave up: {error}")),
        Event::Synced { state, .. } => Some(format!("synced {state}")),
        Event::PermissionDenied { reason, .. } => Some(format!("denied: {reason}")),
        _ => None,
    };
    world.take_events(client).into_iter().filter_map(line).collect()
}

#[test]
fn a_lost_connection_is_told_in_order_and_comes_back() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    assert_eq!(story(&mut world, a), ["Connecting", "Connected", "synced true"]);
    world.cut(a);
    world.settle();
    assert_eq!(
        story(&mut world, a),
        ["transport close", "Disconnected", "synced false", "Connecting"]
    );
    assert_eq!(world.clients[a].session.status(), Status::Connecting);
    world.advance(2 * SECOND);
    assert_eq!(story(&mut world, a), ["Connected", "synced true"]);
}

#[test]
fn failed_attempts_back_off_within_the_bounds_and_start_over_after_a_success() {
    let mut world = World::new(Switches::gateway());
    world.is_server_down = true;
    let a = world.join(&["doc"]);
    // (least, most) ms before each attempt
    for (attempt, (least, most)) in
        [(550, 1500), (1100, 3000), (2200, 5000), (4400, 5000), (5000, 5000)].iter().enumerate()
    {
        let wait = world.clients[a].session.poll_timeout().unwrap() - world.now;
        assert!(
            (*least..=*most).contains(&(wait.as_millis() as u64)),
            "attempt {attempt}: {wait:?}"
        );
        world.advance(wait);
        assert_eq!(world.clients[a].dials, attempt + 2);
    }
    let lines = story(&mut world, a);
    assert_eq!(lines[..2], ["Connecting", "refused, retry: true"]);
    assert!(
        lines[2..].iter().all(|line| line == "refused, retry: true"),
        "connecting is said once: {lines:?}"
    );
    world.is_server_down = false;
    world.advance(5 * SECOND);
    world.cut(a);
    let wait = world.clients[a].session.poll_timeout().unwrap() - world.now;
    assert!(wait <= Duration::from_millis(1500), "{wait:?}");
}

#[test]
fn gives_up_after_the_allowed_attempts_and_tries_again_when_told() {
    let mut world = World::new(Switches::gateway());
    world.is_server_down = true;
    let reconnection = Reconnection { attempts: Some(2), ..Reconnection::default() };
    let a =
        world.add_client_with(&["doc"], SessionConfig { reconnection, ..SessionConfig::new(ROOM) });
    world.connect(a);
    world.advance(60 * SECOND);
    assert_eq!(
        story(&mut world, a),
        [
            "Connecting",
            "refused, retry: true",
            "refused, retry: true",
            "refused, retry: false",
            "gave up: refused",
            "Disconnected"
        ]
    );
    assert!(!world.clients[a].session.is_active());
    world.is_server_down = false;
    world.connect(a);
    assert_eq!(story(&mut world, a), ["Connecting", "Connected", "synced true"]);
}

#[test]
fn says_when_it_rests_and_for_which_connect() {
    let rests = |world: &mut World, client| -> Vec<u64> {
        let rest = |event| match event {
            Event::Idle { connects } => Some(connects),
            _ => None,
        };
        world.take_events(client).into_iter().filter_map(rest).collect()
    };
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.cut(a);
    world.advance(2 * SECOND);
    assert!(rests(&mut world, a).is_empty(), "a lost connection comes back");

    world.clients[a].session.disconnect(world.now);
    world.settle();
    assert_eq!(rests(&mut world, a), [1], "disconnected");

    world.connect(a);
    world.clients[a].session.disconnect(world.now);
    world.clients[a].session.connect(world.now);
    world.settle();
    assert!(rests(&mut world, a).is_empty(), "connects again as soon as it has left");

    world.is_server_down = true;
    world.cut(a);
    world.clients[a].session.disconnect(world.now);
    world.settle();
    assert_eq!(rests(&mut world, a), [3], "no attempt follows");

    let reconnection = Reconnection { attempts: Some(1), ..Reconnection::default() };
    let b =
        world.add_client_with(&["doc"], SessionConfig { reconnection, ..SessionConfig::new(ROOM) });
    world.connect(b);
    world.advance(60 * SECOND);
    assert_eq!(rests(&mut world, b), [1], "no attempt is left");
}

#[test]
fn protocol_violations_close_with_the_official_reason_and_reconnect() {
    let table = [
        ("engine.io", "nonsense", "transport error"),
        ("socket.io", "4nonsense", "parse error"),
        ("socket.io payload", "42{}", "parse error"),
    ];
    for (label, text, reason) in table {
        let mut world = World::new(Switches::gateway());
        let a = world.join(&["doc"]);
        story(&mut world, a);
        let id = world.connection(a).unwrap();
        world.server.push(id, Frame::Text(text.into()));
        world.settle();
        assert_eq!(story(&mut world, a)[0], reason, "{label}");
        world.advance(2 * SECOND);
        assert!(world.is_synced(a, DOC), "{label}");
    }
}

#[test]
fn a_silent_server_is_left_after_interval_and_timeout() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    story(&mut world, a);
    world.is_server_pinging = false;
    world.advance(40 * SECOND);
    world.server.ping();
    world.advance(44 * SECOND);
    assert!(story(&mut world, a).is_empty());
    world.advance(SECOND);
    assert_eq!(story(&mut world, a)[0], "ping timeout");
}

#[test]
fn a_computer_that_slept_longer_than_the_heartbeat_allows_connects_anew() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    story(&mut world, a);
    world.sleep(a, 40 * SECOND);
    assert!(story(&mut world, a).is_empty(), "the server may still be there");
    world.sleep(a, 40 * SECOND);
    assert_eq!(story(&mut world, a)[0], "ping timeout");
    world.is_server_down = true;
    world.advance(60 * SECOND);
    story(&mut world, a);
    world.is_server_down = false;
    world.sleep(a, 60 * SECOND);
    assert_eq!(story(&mut world, a), ["Connected", "synced true"], "at once");
}

#[test]
fn a_server_of_version_2_is_a_failed_attempt() {
    let (mut session, now, generation) = dialing();
    session.handle_dialed(now, generation, None);
    session.handle_text(now, generation, OPEN);
    session.handle_text(now, generation, "40");
    let outputs: Vec<Output> = std::iter::from_fn(|| session.poll_output()).collect();
    assert!(matches!(outputs[0], Output::Close { .. }), "{outputs:?}");
    assert!(
        matches!(
            &outputs[1],
            Output::Event(Event::ConnectionError { error, will_retry: true, .. })
                if error.message.contains("older Socket.IO")
        ),
        "{outputs:?}"
    );
}

#[test]
fn every_message_names_the_namespace() {
    let config =
        SessionConfig { namespace: Namespace::new("/admin").unwrap(), ..SessionConfig::new(ROOM) };
    let (mut session, now, generation) = dialing_with(config);
    session.handle_dialed(now, generation, Some(r#"{"a":1}"#.into()));
    session.handle_text(now, generation, OPEN);
    assert_eq!(session.poll_transmit(now), Some(Frame::Text(r#"40/admin,{"a":1}"#.into())));
    session.handle_text(now, generation, r#"40/admin,{"sid":"s"}"#);
    session.send(now, Channel::Control, 100, bytes::Bytes::from_static(b"x"), "doc", None).unwrap();
    assert!(
        matches!(session.poll_transmit(now), Some(Frame::Text(text)) if text.starts_with("451-/admin,["))
    );
}

#[test]
fn base64_is_text_that_the_limit_counts() {
    let config = SessionConfig { force_base64: true, ..SessionConfig::new(ROOM) };
    let (mut session, now, generation) = dialing_with(config);
    session.handle_dialed(now, generation, None);
    let open =
        r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1001}"#;
    session.handle_text(now, generation, open);
    session.handle_text(now, generation, r#"40{"sid":"s"}"#);
    session.poll_transmit(now).unwrap();
    let mut send = |length: usize| {
        let payload = vec![7; length].into();
        session.send(now, Channel::Control, 100, payload, "doc", None)
    };
    assert_eq!(send(750).unwrap_err().code, ErrorCode::MessageTooLarge, "1000 bytes of base64");
    send(600).unwrap();
    assert!(
        matches!(session.poll_transmit(now), Some(Frame::Text(text)) if text.starts_with("451-["))
    );
    let Some(Frame::Text(attachment)) = session.poll_transmit(now) else { panic!("not text") };
    assert!(attachment.starts_with('b') && attachment.len() <= 1001, "{attachment}");
}

#[test]
fn refusals_are_final_unless_the_server_is_only_busy() {
    // (label, CONNECT_ERROR, what is told, attempts in a minute)
    let table = [
        (
            "permission",
            r#"{"message":"m","data":{"code":"permission-denied","reason":"r"}}"#,
            vec!["Connecting", "m, retry: false", "Disconnected", "denied: r"],
            1,
        ),
        (
            "token",
            r#"{"message":"m","data":{"code":"unauthenticated"}}"#,
            vec!["Connecting", "m, retry: false", "Disconnected", "denied: m"],
            1,
        ),
        (
            "no code",
            r#"{"message":"Invalid namespace"}"#,
            vec![
                "Connecting",
                "Invalid namespace, retry: false",
                "Disconnected",
                "denied: Invalid namespace",
            ],
            1,
        ),
        (
            "bad request",
            r#"{"message":"m","data":{"code":"bad-request"}}"#,
            vec!["Connecting", "m, retry: false", "Disconnected"],
            1,
        ),
        (
            "busy",
            r#"{"message":"m","data":{"code":"busy"}}"#,
            vec!["Connecting", "m, retry: true"],
            10,
        ),
    ];
    for (label, error, expected, attempts) in table {
        let mut world =
            World::new(Switches { connect_error: Some(error.into()), ..Switches::gateway() });
        let a = world.join(&["doc"]);
        assert_eq!(story(&mut world, a), expected, "{label}");
        world.advance(60 * SECOND);
        let dials = world.clients[a].dials;
        assert!(if attempts == 1 { dials == 1 } else { dials >= attempts }, "{label}: {dials}");
        world.server.switches.connect_error = None;
        world.clients[a].session.connect(world.now);
        world.advance(6 * SECOND);
        assert!(world.is_synced(a, DOC), "{label}");
    }
}

#[test]
fn who_waits_for_a_refused_connection_is_told_why_until_it_is_tried_again() {
    // (label, CONNECT_ERROR, how calls end)
    let table = [
        (
            "permission",
            r#"{"message":"m","data":{"code":"permission-denied"}}"#,
            ErrorCode::PermissionDenied,
        ),
        ("bad request", r#"{"message":"m","data":{"code":"bad-request"}}"#, ErrorCode::Connection),
    ];
    for (label, refusal, code) in table {
        let mut world =
            World::new(Switches { connect_error: Some(refusal.into()), ..Switches::gateway() });
        let a = world.add_client(&["doc"]);
        world.insert(a, DOC, 0, "x");
        let call = |world: &mut World, id| {
            world.clients[a].session.flush(world.now, id, 60 * SECOND);
            world.clients[a].session.when_synced(world.now, id, DOC, 60 * SECOND);
        };
        let ended = |world: &World, id| [world.flushed(a, id), world.waited(a, id)];
        call(&mut world, 1);
        world.connect(a);
        assert_eq!(ended(&world, 1), [Some(Err(code)); 2], "{label}");
        call(&mut world, 2);
        world.settle();
        assert_eq!(ended(&world, 2), [Some(Err(code)); 2], "{label}: afterwards");
        assert!(world.clients[a].session.has_unsynced_changes(), "{label}: the edit is kept");
        world.server.switches.connect_error = None;
        world.clients[a].session.connect(world.now);
        call(&mut world, 3);
        world.settle();
        assert_eq!(ended(&world, 3), [Some(Ok(())); 2], "{label}: with the next attempt");
        assert_eq!(world.log_text("doc"), "x", "{label}");
    }
}

#[test]
fn a_refused_auth_that_can_be_refreshed_is_refreshed_once() {
    let refusal = r#"{"message":"no","data":{"code":"unauthenticated"}}"#;
    let switches = Switches { connect_error: Some(refusal.into()), ..Switches::gateway() };
    let mut world = World::new(switches);
    let config = SessionConfig { has_fresh_auth: true, ..SessionConfig::new(ROOM) };
    let a = world.add_client_with(&["doc"], config);
    for round in 0..2 {
        world.connect(a);
        world.advance(60 * SECOND);
        assert_eq!(
            story(&mut world, a),
            ["Connecting", "no, retry: true", "no, retry: false", "Disconnected", "denied: no"],
            "round {round}: a new call of connect has a new chance"
        );
    }
    // The second attempt gets through: the next refusal is again the first of its kind.
    world.server.switches.connect_error = Some(refusal.into());
    world.connect(a);
    world.server.switches.connect_error = None;
    world.advance(6 * SECOND);
    assert!(world.is_synced(a, DOC));
    world.server.switches.connect_error = Some(refusal.into());
    world.cut(a);
    world.advance(2 * SECOND);
    world.server.switches.connect_error = None;
    world.advance(6 * SECOND);
    assert!(world.is_synced(a, DOC));
    assert_eq!(world.clients[a].session.status(), Status::Connected);
}

#[test]
fn a_server_that_disconnects_is_tried_again_but_not_for_ever() {
    let mut world = World::new(Switches { answers: false, ..Switches::gateway() });
    let a = world.join(&["doc"]);
    for _ in 0..10 {
        if let Some(id) = world.connection(a) {
            world.server.push(id, Frame::Text("41".into()));
        }
        world.advance(6 * SECOND);
    }
    assert_eq!(world.clients[a].dials, 5);
    let lines = story(&mut world, a);
    assert_eq!(lines.iter().filter(|line| *line == "io server disconnect").count(), 5);
    assert_eq!(
        lines[lines.len() - 2..],
        ["Disconnected", "the server disconnected 5 times in a row, retry: false"]
    );
    assert!(!world.clients[a].session.is_active());
}

#[test]
fn a_server_that_disconnects_after_syncing_is_tried_for_ever() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    for _ in 0..10 {
        let id = world.connection(a).unwrap();
        world.server.push(id, Frame::Text("41".into()));
        world.advance(6 * SECOND);
    }
    assert!(world.is_synced(a, DOC));
}

#[test]
fn long_connections_are_no_mistakes_of_the_server() {
    let mut world = World::new(Switches { answers: false, ..Switches::gateway() });
    let a = world.join(&["doc"]);
    for _ in 0..10 {
        world.advance(70 * SECOND);
        let id = world.connection(a).unwrap();
        world.server.push(id, Frame::Text("41".into()));
        world.advance(6 * SECOND);
    }
    assert!(world.connection(a).is_some());
}

#[test]
fn disconnecting_stops_everything_and_connecting_starts_again() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    story(&mut world, a);
    world.clients[a].session.disconnect(world.now);
    assert_eq!(world.clients[a].session.status(), Status::Disconnected);
    world.advance(60 * SECOND);
    assert_eq!(story(&mut world, a), ["io client disconnect", "Disconnected", "synced false"]);
    assert_eq!(world.clients[a].dials, 1);
    assert_eq!(world.clients[a].session.poll_timeout(), None);
    world.connect(a);
    assert_eq!(story(&mut world, a), ["Connecting", "Connected", "synced true"]);
}

#[test]
fn disconnecting_cancels_an_attempt_that_waits() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.cut(a);
    world.settle();
    world.clients[a].session.disconnect(world.now);
    world.advance(60 * SECOND);
    assert_eq!(world.clients[a].dials, 1);
    assert_eq!(world.clients[a].session.status(), Status::Disconnected);
}

#[test]
fn connecting_while_the_old_connection_still_leaves_follows_it() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.clients[a].is_stuck = true;
    world.insert(a, DOC, 0, "x");
    world.clients[a].session.disconnect(world.now);
    world.clients[a].session.connect(world.now);
    world.settle();
    assert_eq!(world.clients[a].dials, 1, "one at a time");
    world.advance(2 * SECOND);
    world.clients[a].is_stuck = false;
    world.advance(SECOND);
    assert_eq!(world.clients[a].dials, 2);
    assert_eq!(world.log_text("doc"), "x");
}

#[test]
fn a_quick_reconnect_is_not_disturbed_by_the_end_of_the_old_connection() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.clients[a].session.disconnect(world.now);
    world.settle();
    world.connect(a);
    world.advance(5 * SECOND);
    assert_eq!(world.clients[a].dials, 2);
    assert!(world.is_synced(a, DOC));
}

#[test]
fn connecting_again_when_connected_syncs_anew() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.advance(5 * SECOND);
    story(&mut world, a);
    let step_ones = world.server.step_ones;
    world.connect(a);
    assert_eq!(world.server.step_ones, step_ones + 1);
    assert!(story(&mut world, a).is_empty());
}

/// A session without a world, dialling.
fn dialing() -> (Session, std::time::Instant, u64) {
    dialing_with(SessionConfig::new(ROOM))
}

fn dialing_with(config: SessionConfig) -> (Session, std::time::Instant, u64) {
    let now = std::time::Instant::now();
    let mut session = Session::new(config, 1);
    session.connect(now);
    let generation = std::iter::from_fn(|| session.poll_output()).find_map(|output| match output {
        Output::Dial { generation, .. } => Some(generation),
        _ => None,
    });
    (session, now, generation.unwrap())
}

#[test]
fn an_attempt_that_takes_too_long_is_given_up() {
    let (mut session, now, generation) = dialing();
    assert_eq!(session.poll_timeout(), Some(now + 20 * SECOND));
    session.handle_timeout(now + 20 * SECOND);
    let outputs: Vec<Output> = std::iter::from_fn(|| session.poll_output()).collect();
    assert!(
        matches!(outputs[0], Output::Close { generation: closed } if closed == generation),
        "{outputs:?}"
    );
    assert!(matches!(
        &outputs[1],
        Output::Event(Event::ConnectionError { error, will_retry: true, .. }) if error.message == "timeout"
    ));
}

#[test]
fn input_of_another_generation_is_ignored() {
    let (mut session, now, generation) = dialing();
    let stale = generation - 1;
    session.handle_dialed(now, stale, None);
    session.handle_text(now, stale, "garbage");
    session.handle_binary(now, stale, bytes::Bytes::new());
    session.handle_dial_failed(now, stale, ProviderError::new(ErrorCode::Connection, "late"));
    let closed = Closed { code: None, description: String::new(), is_protocol_error: false };
    session.handle_closed(now, stale, closed);
    assert_eq!(session.poll_output(), None);
}

#[test]
fn a_pong_precedes_documents_but_never_splits_a_message() {
    let (mut session, now, generation) = dialing();
    session.handle_dialed(now, generation, Some(r#"{"token":"x"}"#.into()));
    assert_eq!(session.poll_transmit(now), None, "not before OPEN");
    session.handle_text(now, generation, OPEN);
    assert_eq!(session.poll_transmit(now), Some(Frame::Text(r#"40{"token":"x"}"#.into())));
    session.handle_text(now, generation, r#"40{"sid":"s"}"#);
    for _ in 0..2 {
        session
            .send(now, Channel::Control, 100, bytes::Bytes::from_static(b"x"), "doc", None)
            .unwrap();
    }
    assert!(
        matches!(session.poll_transmit(now), Some(Frame::Text(header)) if header.starts_with("451-"))
    );
    session.handle_text(now, generation, "2");
    assert!(matches!(session.poll_transmit(now), Some(Frame::Binary(_))));
    assert_eq!(session.poll_transmit(now), Some(Frame::Text("3".into())));
    assert!(
        matches!(session.poll_transmit(now), Some(Frame::Text(header)) if header.starts_with("451-"))
    );
}

#[test]
fn the_socket_ends_in_different_ways() {
    let table = [
        ("closed by the peer", Some(1009), false, "transport close", "too big (code 1009)"),
        ("reset", None, false, "transport close", "too big"),
        ("bad frame", None, true, "transport error", "too big"),
    ];
    for (label, code, is_protocol_error, expected, text) in table {
        let (mut session, now, generation) = dialing();
        session.handle_dialed(now, generation, None);
        session.handle_text(now, generation, OPEN);
        session.handle_closed(
            now,
            generation,
            Closed { code, description: "too big".into(), is_protocol_error },
        );
        let Some(Output::Event(Event::ConnectionClose { reason, description })) =
            session.poll_output()
        else {
            panic!("{label}")
        };
        assert_eq!(
            (reason, description.as_deref()),
            (expected, Some(text)),
            "{label}: also before CONNECT is answered"
        );
    }
}
