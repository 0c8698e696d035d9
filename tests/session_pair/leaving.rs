//! Whoever leaves says what was left to say.

use std::time::Duration;

use yjs_provider_native::error::ErrorCode;
use yjs_provider_native::session::{DocKey, Event};

use super::server::Switches;
use super::world::World;

const DOC: DocKey = DocKey(1);
const SECOND: Duration = Duration::from_secs(1);

fn errors(world: &mut World, client: usize) -> Vec<ErrorCode> {
    let code = |event| match event {
        Event::Error { error, .. } => Some(error.code),
        _ => None,
    };
    world.take_events(client).into_iter().filter_map(code).collect()
}

#[test]
fn destroy_returns_at_once_and_delivers_what_was_edited_before() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    world.clients[a].session.flush(world.now, 1, SECOND);
    world.insert(a, DOC, 0, "last words");
    world.clients[a].session.flush(world.now, 2, SECOND);
    world.clients[a].session.destroy(world.now, 5 * SECOND);
    world.clients[a].session.destroy(world.now, 5 * SECOND);
    world.insert(a, DOC, 0, "too late ");
    world.settle();
    assert!(world.clients[a].is_finished);
    assert_eq!(world.connection(a), None, "the socket is closed");
    assert_eq!(world.text(b, DOC), "last words");
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
    assert_eq!(world.flushed(a, 2), Some(Err(ErrorCode::Destroyed)));
    assert_eq!(world.clients[a].session.poll_timeout(), None);
    assert!(!world.clients[a].session.is_active());
}

#[test]
fn destroy_waits_for_the_ack_and_not_longer_than_it_may() {
    for (label, acks, delivered_in) in [("acked late", true, 11), ("never acked", false, 20)] {
        let mut world = World::new(Switches::gateway());
        let a = world.join(&["doc"]);
        world.advance(SECOND);
        world.server.switches.acks = false;
        world.insert(a, DOC, 0, "x");
        world.clients[a].session.destroy(world.now, 20 * SECOND);
        world.settle();
        world.server.switches.acks = acks;
        world.advance((delivered_in - 2) * SECOND);
        assert!(!world.clients[a].is_finished, "{label}");
        assert!(world.clients[a].session.is_active(), "{label}");
        world.advance(3 * SECOND);
        assert!(world.clients[a].is_finished, "{label}");
    }
}

#[test]
fn destroy_reconnects_for_edits_while_it_may() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.cut(a);
    world.insert(a, DOC, 0, "offline");
    world.clients[a].session.destroy(world.now, 5 * SECOND);
    world.advance(6 * SECOND);
    assert!(world.clients[a].is_finished);
    assert_eq!(world.log_text("doc"), "offline");
}

#[test]
fn destroy_stops_every_attempt_when_nothing_is_left_to_deliver() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.cut(a);
    world.settle();
    let dials = world.clients[a].dials;
    world.clients[a].session.destroy(world.now, 5 * SECOND);
    world.settle();
    assert!(world.clients[a].is_finished);
    world.advance(60 * SECOND);
    assert_eq!(world.clients[a].dials, dials);
}

#[test]
fn a_removed_document_sends_its_edits_first() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    world.insert(a, DOC, 0, "x");
    world.clients[a].session.flush(world.now, 1, SECOND);
    world.clients[a].session.remove_document(world.now, DOC);
    world.settle();
    assert_eq!(world.text(b, DOC), "x");
    assert_eq!(world.flushed(a, 1), Some(Err(ErrorCode::UnknownDoc)));
    assert_eq!(errors(&mut world, a), []);
}

#[test]
fn a_document_removed_offline_reports_its_lost_edits() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.cut(a);
    world.insert(a, DOC, 0, "x");
    world.clients[a].session.remove_document(world.now, DOC);
    world.settle();
    assert_eq!(errors(&mut world, a), [ErrorCode::Connection]);
    assert!(!world.clients[a].session.has_unsynced_changes());
}

#[test]
fn edits_of_a_removed_document_that_were_not_confirmed_are_reported() {
    let refusal = r#"{"ok":false,"code":"bad-message"}"#;
    for (label, acks, refusal) in
        [("never acked", false, None), ("refused", true, Some(refusal.to_owned()))]
    {
        let mut world = World::new(Switches { acks, refusal, ..Switches::gateway() });
        let a = world.join(&["doc"]);
        world.insert(a, DOC, 0, "x");
        world.clients[a].session.remove_document(world.now, DOC);
        world.settle();
        world.cut(a);
        world.settle();
        assert_eq!(errors(&mut world, a), [ErrorCode::Connection], "{label}");
    }
}

#[test]
fn edits_of_a_removed_document_that_the_socket_never_took_are_reported() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.clients[a].is_stuck = true;
    world.insert(a, DOC, 0, "x");
    world.clients[a].session.remove_document(world.now, DOC);
    world.settle();
    world.cut(a);
    world.settle();
    assert_eq!(world.log_text("doc"), "");
    assert_eq!(errors(&mut world, a), [ErrorCode::Connection]);
}

#[test]
fn disconnect_reports_edits_of_a_removed_document_that_nobody_confirmed() {
    for is_stuck in [false, true] {
        let mut world = World::new(Switches { acks: false, ..Switches::gateway() });
        let a = world.join(&["doc"]);
        world.clients[a].is_stuck = is_stuck;
        world.insert(a, DOC, 0, "x");
        world.clients[a].session.remove_document(world.now, DOC);
        world.clients[a].session.disconnect(world.now);
        world.advance(2 * SECOND);
        assert_eq!(world.connection(a), None);
        assert_eq!(errors(&mut world, a), [ErrorCode::Connection], "stuck: {is_stuck}");
    }
}

#[test]
fn destroy_waits_for_the_acks_of_removed_documents() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "x");
    world.clients[a].session.remove_document(world.now, DOC);
    world.clients[a].is_stuck = true;
    world.clients[a].session.destroy(world.now, 5 * SECOND);
    world.settle();
    assert!(!world.clients[a].is_finished);
    world.clients[a].is_stuck = false;
    world.settle();
    assert!(world.clients[a].is_finished);
    assert_eq!(world.log_text("doc"), "x");
}

#[test]
fn disconnect_sends_what_waits_and_keeps_what_is_not_confirmed() {
    let mut world = World::new(Switches { acks: false, ..Switches::gateway() });
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "x");
    world.clients[a].session.disconnect(world.now);
    world.settle();
    assert_eq!(world.log_text("doc"), "x");
    assert_eq!(world.connection(a), None);
    assert!(world.clients[a].session.has_unsynced_changes());
    assert!(!world.clients[a].session.is_active());
    world.server.switches.acks = true;
    world.connect(a);
    assert!(!world.clients[a].session.has_unsynced_changes());
}

#[test]
fn an_edit_made_while_the_server_is_answered_goes_out_before_we_leave() {
    for is_removed in [false, true] {
        let mut world = World::new(Switches::gateway());
        let a = world.add_client(&[]);
        world.add_document(a, DOC, "doc", "from before");
        world.clients[a].session.connect(world.now);
        world.step_until_difference(a);
        world.insert(a, DOC, 0, "meanwhile ");
        if is_removed {
            world.clients[a].session.remove_document(world.now, DOC);
        } else {
            world.clients[a].session.disconnect(world.now);
        }
        world.settle();
        assert!(world.server.updates > 0, "removed: {is_removed}");
    }
}

#[test]
fn a_document_removed_at_once_leaves_all_parts_behind() {
    let mut world = World::new(Switches { max_payload: Some(1000), ..Switches::gateway() });
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, &"a large text ".repeat(500));
    let text = world.text(a, DOC);
    world.clients[a].session.remove_document(world.now, DOC);
    world.settle();
    assert_eq!(world.log_text("doc"), text);
    assert_eq!(errors(&mut world, a), []);
}

#[test]
fn what_the_log_takes_while_the_user_leaves_is_still_told() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.advance(2 * SECOND);
    world.take_events(a);
    world.insert(a, DOC, 0, "x");
    world.clients[a].session.destroy(world.now, SECOND);
    world.settle();
    let unsynced = |event| match event {
        Event::UnsyncedChanges { state, .. } => Some(state),
        _ => None,
    };
    let told: Vec<bool> = world.take_events(a).into_iter().filter_map(unsynced).collect();
    assert_eq!(told, [true, false]);
}
