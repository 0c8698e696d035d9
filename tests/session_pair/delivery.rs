//! Local edits reach the log, or somebody is told that they did not.

use std::time::Duration;

use yjs_provider_native::error::ErrorCode;
use yjs_provider_native::session::{DocKey, Event, SessionConfig};

use super::server::{ROOM, Server, Switches};
use super::world::World;

const DOC: DocKey = DocKey(1);
const OTHER: DocKey = DocKey(2);
const SECOND: Duration = Duration::from_secs(1);

fn errors(world: &mut World, client: usize) -> Vec<ErrorCode> {
    let code = |event| match event {
        Event::Error { error, .. } => Some(error.code),
        _ => None,
    };
    world.take_events(client).into_iter().filter_map(code).collect()
}

fn flush(world: &mut World, client: usize, id: u64) {
    world.clients[client].session.flush(world.now, id, 60 * SECOND);
    world.settle();
}

#[test]
fn an_edit_is_seen_by_others_and_flushed_with_its_offset() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    world.insert(a, DOC, 0, "hello");
    assert!(world.clients[a].session.has_unsynced_changes());
    flush(&mut world, a, 1);
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
    assert!(!world.clients[a].session.has_unsynced_changes());
    assert_eq!(world.text(b, DOC), "hello");
    for client in [a, b] {
        let positions = world.clients[client].session.positions(DOC);
        assert_eq!(
            positions.iter().map(|at| (&*at.topic, at.offset)).collect::<Vec<_>>(),
            [("t", 1)]
        );
        let moves = world.clients[client]
            .events
            .iter()
            .filter(|event| matches!(event, Event::Offset { .. }));
        assert_eq!(moves.count(), 1);
    }
    let events = &world.clients[a].events;
    let first = |wanted: fn(&Event) -> bool| events.iter().position(wanted);
    let moved = first(|event| matches!(event, Event::Offset { .. }));
    let flushed = first(|event| matches!(event, Event::Flushed { .. }));
    assert!(moved < flushed, "the offset is known when the flush is done");
}

#[test]
fn a_document_is_unsynced_from_its_first_edit_until_the_log_has_the_last() {
    let mut world = World::new(Switches::gateway());
    let a = world.add_client(&["doc"]);
    world.add_document(a, OTHER, "other", "content of before");
    world.settle();
    let unsynced = |world: &World| {
        [DOC, OTHER].map(|doc| world.clients[a].replicas[&doc].has_unsynced_changes)
    };
    assert_eq!(unsynced(&world), [false, true], "content counts as an edit");
    world.connect(a);
    world.advance(5 * SECOND);
    assert_eq!(unsynced(&world), [false, false]);
    world.server.switches.acks = false;
    world.insert(a, DOC, 0, "x");
    world.settle();
    assert_eq!(unsynced(&world), [true, false]);
    assert_eq!(world.clients[a].session.unsynced_documents(), 1);
    world.clients[a].session.flush(world.now, 1, SECOND);
    world.cut(a);
    world.server.switches.acks = true;
    world.advance(10 * SECOND);
    assert_eq!(unsynced(&world), [false, false], "the reconnect brought it");
    assert_eq!(world.clients[a].session.unsynced_documents(), 0);
}

#[test]
fn offline_edits_arrive_after_reconnecting_without_another_clients_help() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "online ");
    world.settle();
    world.cut(a);
    world.insert(a, DOC, 7, "offline");
    world.advance(10 * SECOND);
    world.clients[a].session.disconnect(world.now);
    world.advance(10 * SECOND);
    let c = world.join(&["doc"]);
    assert_eq!(world.text(c, DOC), "online offline");
}

#[test]
fn deletions_made_offline_arrive_too() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "abc");
    world.settle();
    world.cut(a);
    world.remove(a, DOC, 1);
    world.advance(10 * SECOND);
    assert_eq!(world.log_text("doc"), "ac");
    flush(&mut world, a, 1);
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
}

#[test]
fn an_edit_whose_ack_was_lost_with_the_connection_is_sent_again() {
    let mut world = World::new(Switches { acks: false, ..Switches::gateway() });
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "x");
    flush(&mut world, a, 1);
    assert_eq!(world.flushed(a, 1), None, "a state vector confirms nothing");
    world.cut(a);
    world.server.switches.acks = true;
    let updates = world.server.updates;
    world.advance(10 * SECOND);
    assert!(world.server.updates > updates);
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
}

#[test]
fn an_edit_without_ack_is_sent_again_on_the_same_connection() {
    let mut world = World::new(Switches { acks: false, ..Switches::gateway() });
    let a = world.join(&["doc"]);
    world.advance(2 * SECOND);
    world.insert(a, DOC, 0, "x");
    world.settle();
    let updates = world.server.updates;
    world.server.switches.acks = true;
    world.advance(9 * SECOND);
    assert_eq!(world.server.updates, updates, "ten seconds of patience");
    world.advance(2 * SECOND);
    assert_eq!(world.server.updates, updates + 1);
    assert!(!world.clients[a].session.has_unsynced_changes());
}

#[test]
fn the_echo_confirms_where_nobody_acks() {
    let mut world = World::new(Switches::published());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "x");
    flush(&mut world, a, 1);
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
    assert_eq!(world.clients[a].session.positions(DOC)[0].topic.as_ref(), "y-sync-r");
}

#[test]
fn a_flush_covers_earlier_edits_and_not_later_ones() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "early");
    world.settle();
    world.server.switches.acks = false;
    flush(&mut world, a, 1);
    assert_eq!(world.flushed(a, 1), Some(Ok(())), "nothing to wait for");
    world.insert(a, DOC, 0, "first ");
    flush(&mut world, a, 2);
    world.server.switches.acks = true;
    world.insert(a, DOC, 0, "second ");
    world.settle();
    assert_eq!(world.flushed(a, 2), None, "the ack of the second edit is not the first one's");
    world.advance(11 * SECOND);
    assert_eq!(world.flushed(a, 2), Some(Ok(())));
}

#[test]
fn a_flush_ends_with_its_timeout_and_tells_what_it_waited_for() {
    // (label, connected, acks something, code)
    let table = [
        ("a server that acks late", true, true, ErrorCode::Timeout),
        ("a server that never confirms", true, false, ErrorCode::Unconfirmed),
        ("no connection", false, false, ErrorCode::Timeout),
    ];
    for (label, is_connected, has_acked, code) in table {
        let mut world = World::new(Switches { acks: has_acked, ..Switches::gateway() });
        let a = world.join(&["doc"]);
        world.advance(SECOND);
        world.server.switches.acks = false;
        world.is_server_down = !is_connected;
        if !is_connected {
            world.cut(a);
        }
        world.insert(a, DOC, 0, "x");
        world.clients[a].session.flush(world.now, 1, 5 * SECOND);
        world.clients[a].session.flush(world.now, 2, 5 * SECOND);
        world.clients[a].session.cancel_flush(2);
        world.advance(4 * SECOND);
        assert_eq!(world.flushed(a, 1), None, "{label}");
        world.advance(2 * SECOND);
        assert_eq!(world.flushed(a, 1), Some(Err(code)), "{label}");
        assert_eq!(world.flushed(a, 2), None, "{label}: cancelled");
        assert!(world.clients[a].session.has_unsynced_changes(), "{label}");
    }
}

#[test]
fn refused_edits_fail_the_flush_with_the_reason_and_stay_unsynced() {
    // (label, refusal, code)
    let table = [
        (
            "permission",
            r#"{"ok":false,"code":"permission-denied","reason":"no"}"#,
            ErrorCode::PermissionDenied,
        ),
        ("too large", r#"{"ok":false,"code":"too-large"}"#, ErrorCode::MessageTooLarge),
        ("anything else", r#"{"ok":false,"code":"bad-message"}"#, ErrorCode::Refused),
    ];
    for (label, refusal, code) in table {
        let mut world =
            World::new(Switches { refusal: Some(refusal.into()), ..Switches::gateway() });
        let a = world.join(&["doc"]);
        world.insert(a, DOC, 0, "x");
        world.clients[a].session.flush(world.now, 1, 60 * SECOND);
        world.settle();
        flush(&mut world, a, 2);
        assert_eq!(world.flushed(a, 1), Some(Err(code)), "{label}");
        assert_eq!(world.flushed(a, 2), Some(Err(code)), "{label}: also afterwards");
        assert!(world.clients[a].session.has_unsynced_changes(), "{label}");
        let denied = world.clients[a]
            .events
            .iter()
            .filter(|event| matches!(event, Event::PermissionDenied { .. }));
        assert_eq!(denied.count(), usize::from(code == ErrorCode::PermissionDenied), "{label}");
        assert_eq!(errors(&mut world, a), [code], "{label}");
        world.advance(120 * SECOND);
        assert!(world.server.updates <= 2, "{label}: never in a loop");
        world.server.switches.refusal = None;
        world.cut(a);
        world.advance(10 * SECOND);
        assert_eq!(world.log_text("doc"), "x", "{label}: the next connection is another chance");
        assert!(!world.clients[a].session.has_unsynced_changes(), "{label}");
    }
}

#[test]
fn a_busy_server_gets_the_edit_a_little_later() {
    let refusal = Some(r#"{"ok":false,"code":"busy","retryable":true}"#.into());
    let mut world = World::new(Switches { refusal, refusals_left: 3, ..Switches::gateway() });
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "x");
    flush(&mut world, a, 1);
    assert_eq!(world.server.updates, 1, "not at once");
    world.advance(5 * SECOND);
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
    assert_eq!(world.server.updates, 4);
    assert!(errors(&mut world, a).is_empty());
}

#[test]
fn content_from_before_joining_is_sent() {
    // (label, server): one asks for it, the other never does
    let table = [
        ("asks", Switches::gateway()),
        ("does not ask", Switches { acks: true, ..Switches::published() }),
    ];
    for (label, switches) in table {
        let mut world = World::new(switches);
        let a = world.add_client(&[]);
        world.add_document(a, DOC, "doc", "from before");
        world.connect(a);
        world.insert(a, DOC, 11, " and after");
        flush(&mut world, a, 1);
        world.advance(2 * SECOND);
        assert_eq!(world.log_text("doc"), "from before and after", "{label}");
        assert_eq!(world.flushed(a, 1), Some(Ok(())), "{label}");
    }
}

#[test]
fn an_edit_made_while_the_server_is_answered_is_logged_once() {
    // (label, content of before, server)
    let table = [
        ("asked, owing nothing", "", Switches::gateway()),
        ("asked, owing", "from before", Switches::gateway()),
        ("not asked", "from before", Switches { acks: true, ..Switches::published() }),
    ];
    for (label, content, switches) in table {
        let mut world = World::new(switches);
        let a = world.add_client(&[]);
        world.add_document(a, DOC, "doc", content);
        world.clients[a].session.connect(world.now);
        if label == "not asked" {
            world.advance(Duration::from_millis(1499));
            world.now += Duration::from_millis(1);
            world.clients[a].session.handle_timeout(world.now);
        }
        world.step_until_difference(a);
        world.insert(a, DOC, 0, "meanwhile ");
        if !content.is_empty() {
            world.remove(a, DOC, 0);
        }
        flush(&mut world, a, 1);
        assert_eq!(world.log_text("doc"), world.text(a, DOC), "{label}");
        assert_eq!(world.flushed(a, 1), Some(Ok(())), "{label}");
        assert_eq!(world.server.updates, 1, "{label}");
        assert_eq!(world.clients[a].session.waiting_bytes(), 0, "{label}");
        world.insert(a, DOC, 0, "later ");
        flush(&mut world, a, 2);
        assert_eq!(world.flushed(a, 2), Some(Ok(())), "{label}");
        assert_eq!(world.server.updates, 2, "{label}");
    }
}

#[test]
fn an_edit_that_came_too_late_for_the_answer_is_sent_behind_it() {
    let mut world = World::new(Switches::gateway());
    let a = world.add_client(&[]);
    world.add_document(a, DOC, "doc", "from before");
    world.clients[a].session.connect(world.now);
    world.step_until_difference(a);
    world.insert(a, DOC, 0, "in it ");
    let answers = world.execute(a);
    world.insert(a, DOC, 0, "too late ");
    for done in answers {
        world.clients[a].session.handle_work_done(world.now, done);
    }
    flush(&mut world, a, 1);
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
    assert_eq!(world.log_text("doc"), "too late in it from before");
    assert_eq!(world.server.updates, 2);
}

#[test]
fn an_edit_that_the_answer_took_along_is_not_lost_with_the_connection() {
    let mut world = World::new(Switches { acks: false, ..Switches::gateway() });
    let a = world.add_client(&[]);
    world.add_document(a, DOC, "doc", "from before");
    world.clients[a].session.connect(world.now);
    world.step_until_difference(a);
    world.insert(a, DOC, 0, "meanwhile ");
    flush(&mut world, a, 1);
    assert_eq!(world.flushed(a, 1), None);
    world.cut(a);
    world.server = Server::new(Switches::gateway());
    world.advance(20 * SECOND);
    assert_eq!(world.log_text("doc"), "meanwhile from before");
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
}

#[test]
fn bytes_wait_until_they_are_confirmed() {
    let mut world = World::new(Switches { acks: false, ..Switches::gateway() });
    let a = world.join(&["doc", "other"]);
    let waiting = |world: &World| world.clients[a].session.waiting_bytes();
    assert_eq!(waiting(&world), 0);
    world.insert(a, DOC, 0, &"x".repeat(1000));
    let first = waiting(&world);
    assert!((1000..1100).contains(&first), "{first}: waits to be sent");
    world.settle();
    assert_eq!(waiting(&world), first, "waits to be confirmed");
    world.insert(a, OTHER, 0, &"x".repeat(1000));
    assert!(waiting(&world) > first + 1000);
    world.clients[a].session.remove_document(world.now, OTHER);
    assert_eq!(waiting(&world), first);
    world.server.switches.acks = true;
    world.advance(20 * SECOND);
    assert_eq!(waiting(&world), 0);
    // In parts, and past the bound.
    world.server.switches.max_payload = Some(2000);
    world.cut(a);
    world.insert(a, DOC, 0, &"y".repeat(10_000));
    assert!(waiting(&world) >= 10_000);
    world.advance(20 * SECOND);
    assert_eq!(waiting(&world), 0, "all parts are confirmed");
    world.cut(a);
    world.insert(a, DOC, 0, &"z".repeat(9 << 20));
    assert_eq!(waiting(&world), 0, "only the document has it");
}

#[test]
fn content_the_log_has_already_is_not_sent_again() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "x");
    world.settle();
    let updates = world.server.updates;
    world.cut(a);
    world.advance(10 * SECOND);
    assert_eq!(world.server.updates, updates);
}

#[test]
fn more_offline_edits_than_the_outbox_keeps_arrive_as_a_difference() {
    for (label, switches) in
        [("asks", Switches::gateway()), ("does not ask", Switches::published())]
    {
        let mut world = World::new(switches);
        let config = SessionConfig { outbox_limit: 500, ..SessionConfig::new(ROOM) };
        let a = world.add_client_with(&["doc"], config);
        world.connect(a);
        world.insert(a, DOC, 0, "start ");
        world.settle();
        world.cut(a);
        for number in 0..200 {
            world.insert(a, DOC, number, "edit ");
        }
        flush(&mut world, a, 1);
        assert_eq!(world.flushed(a, 1), None, "{label}");
        world.advance(15 * SECOND);
        assert_eq!(world.flushed(a, 1), Some(Ok(())), "{label}");
        assert_eq!(world.log_text("doc"), world.text(a, DOC), "{label}");
    }
}

#[test]
fn a_value_that_is_too_large_is_parked_and_the_connection_goes_on() {
    let mut world = World::new(Switches { max_payload: Some(1000), ..Switches::gateway() });
    let (a, b) = (world.join(&["doc", "other"]), world.join(&["doc", "other"]));
    world.set(a, DOC, &"x".repeat(2000));
    flush(&mut world, a, 1);
    assert_eq!(world.flushed(a, 1), Some(Err(ErrorCode::MessageTooLarge)));
    assert_eq!(errors(&mut world, a), [ErrorCode::MessageTooLarge]);
    world.insert(a, DocKey(2), 0, "small");
    world.advance(120 * SECOND);
    assert_eq!(world.text(b, DocKey(2)), "small");
    assert!(world.server.largest_envelope <= 1000);
    assert_eq!(world.clients[a].dials, 1);
    assert_eq!(errors(&mut world, a), [], "no loop");
}

#[test]
fn an_update_above_the_servers_limit_arrives_in_parts() {
    for (label, switches) in [
        ("acks", Switches::gateway()),
        ("echoes", Switches::published()),
        ("duplicates", Switches { duplicates: true, ..Switches::gateway() }),
    ] {
        let mut world = World::new(Switches { max_payload: Some(1000), ..switches });
        let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
        world.insert(a, DOC, 0, &"a large text ".repeat(1000));
        world.insert(a, DOC, 5, "and a later edit ");
        flush(&mut world, a, 1);
        world.advance(10 * SECOND);
        assert_eq!(world.flushed(a, 1), Some(Ok(())), "{label}");
        assert!(world.server.largest_envelope <= 1000, "{label}");
        assert!(!world.clients[a].session.has_unsynced_changes(), "{label}");
        assert_eq!(world.text(b, DOC), world.text(a, DOC), "{label}");
        assert_eq!(world.log_text("doc"), world.text(a, DOC), "{label}");
        assert_eq!(errors(&mut world, a), [], "{label}");
    }
}

#[test]
fn parts_that_were_not_confirmed_are_sent_again_after_a_reconnect() {
    let mut world = World::new(Switches { max_payload: Some(1000), ..Switches::gateway() });
    let a = world.join(&["doc"]);
    world.settle();
    world.insert(a, DOC, 0, &"a large text ".repeat(500));
    flush(&mut world, a, 1);
    for _ in 0..3 {
        world.step_some();
    }
    world.cut(a);
    world.advance(20 * SECOND);
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
    assert_eq!(world.log_text("doc"), world.text(a, DOC));
    assert!(world.server.largest_envelope <= 1000);
}

#[test]
fn a_large_document_arrives_in_parts_owed_or_asked_for() {
    let content = "what was here before ".repeat(500);
    let mut world = World::new(Switches { max_payload: Some(1000), ..Switches::gateway() });
    let a = world.add_client(&[]);
    world.add_document(a, DOC, "doc", &content);
    world.connect(a);
    flush(&mut world, a, 1);
    world.advance(20 * SECOND);
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
    assert_eq!(world.log_text("doc"), content);
    // A server that has lost its log asks anew, and nobody owes it anything.
    world.cut(a);
    world.server = Server::new(Switches { max_payload: Some(1000), ..Switches::gateway() });
    world.advance(20 * SECOND);
    assert_eq!(world.log_text("doc"), content);
    assert!(world.server.largest_envelope <= 1000);
    assert_eq!(errors(&mut world, a), []);
}

#[test]
fn a_server_that_closed_over_a_large_message_is_sent_parts_of_it() {
    let mut world = World::new(Switches { deaf_for: usize::MAX, ..Switches::gateway() });
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, &"x".repeat(1_500_000));
    world.settle();
    assert!(world.server.largest_envelope > 1_000_000, "nothing is known of a limit");
    world.close_with(a, 1009);
    world.server.switches.deaf_for = 0;
    world.server.largest_envelope = 0;
    flush(&mut world, a, 1);
    world.advance(60 * SECOND);
    assert!(world.server.largest_envelope <= 1_000_000);
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
    assert_eq!(world.log_text("doc"), world.text(a, DOC));
    assert_eq!(world.clients[a].dials, 2);
}

#[test]
fn many_edits_without_acks_are_not_held_back_for_long() {
    let mut world = World::new(Switches { acks: false, ..Switches::gateway() });
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    for number in 0..300 {
        world.insert(a, DOC, number, "x");
        world.settle();
    }
    world.advance(SECOND);
    assert_eq!(world.text(b, DOC).len(), 300);
}

#[test]
fn edits_that_wait_for_a_full_socket_go_out_merged() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    world.settle();
    let updates = world.server.updates;
    world.clients[a].is_stuck = true;
    for number in 0..50 {
        world.insert(a, DOC, number, "x");
        world.settle();
    }
    world.clients[a].is_stuck = false;
    world.settle();
    assert_eq!(world.server.updates, updates + 1);
    assert_eq!(world.text(b, DOC), "x".repeat(50));
}

#[test]
fn a_read_only_session_sends_no_edit() {
    let mut world = World::new(Switches::gateway());
    let config = SessionConfig { read_only: true, ..SessionConfig::new(ROOM) };
    let a = world.add_client_with(&["doc"], config);
    world.connect(a);
    let b = world.join(&["doc"]);
    world.insert(a, DOC, 0, "x");
    world.insert(a, DOC, 0, "y");
    world.insert(b, DOC, 0, "z");
    flush(&mut world, a, 1);
    assert_eq!(world.flushed(a, 1), Some(Err(ErrorCode::ReadOnly)));
    assert_eq!(errors(&mut world, a), [ErrorCode::ReadOnly], "said once");
    world.cut(a);
    world.advance(20 * SECOND);
    assert_eq!(world.log_text("doc"), "z");
    assert!(world.text(a, DOC).contains('z'));
}

#[test]
fn a_reader_whose_answers_are_refused_is_not_bothered() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    world.insert(a, DOC, 0, "ab");
    world.remove(a, DOC, 0);
    world.settle();
    world.clients[a].session.disconnect(world.now);
    world.settle();
    world.take_events(b);
    world.server.switches.refusal = Some(r#"{"ok":false,"code":"permission-denied"}"#.into());
    let updates = world.server.updates;
    world.cut(b);
    world.advance(200 * SECOND);
    assert_eq!(world.server.updates, updates + 1, "deletions are always offered, but once");
    assert_eq!(errors(&mut world, b), []);
}
