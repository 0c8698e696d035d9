//! Awareness between sessions.

use std::time::Duration;

use yjs_provider_native::session::{DocKey, Event};

use super::server::Switches;
use super::world::World;

const DOC: DocKey = DocKey(1);
const SECOND: Duration = Duration::from_secs(1);

fn set_state(world: &mut World, client: usize, state: &str) -> u64 {
    let now = world.now;
    let client = &mut world.clients[client];
    let mut awareness = client.replicas[&DOC].awareness.lock();
    awareness.set_local_state(now, Some(state.to_owned()));
    let id = awareness.client_id();
    drop(awareness);
    client.session.handle_local_awareness(now, DOC);
    id
}

fn state_of(world: &World, client: usize, id: u64) -> Option<String> {
    world.clients[client].replicas[&DOC].awareness.lock().states().get(&id).map(ToString::to_string)
}

fn removals(world: &mut World, client: usize) -> Vec<u64> {
    let removed = |event| match event {
        Event::Awareness { change, .. } => Some(change.removed),
        _ => None,
    };
    world.take_events(client).into_iter().filter_map(removed).flatten().collect()
}

#[test]
fn states_reach_the_others_and_those_who_come_later() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    let id = set_state(&mut world, a, r#"{"name":"a"}"#);
    world.settle();
    assert_eq!(state_of(&world, b, id).as_deref(), Some(r#"{"name":"a"}"#));
    let c = world.join(&["doc"]);
    assert_eq!(state_of(&world, c, id).as_deref(), Some(r#"{"name":"a"}"#), "asked for");
}

#[test]
fn changes_are_coalesced() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    let sent = world.server.presence.len();
    for number in 0..100 {
        set_state(&mut world, a, &number.to_string());
    }
    world.settle();
    assert_eq!(world.server.presence.len(), sent + 1);
}

#[test]
fn whoever_leaves_says_so() {
    for label in ["disconnect", "destroy", "remove document"] {
        let mut world = World::new(Switches::gateway());
        let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
        let id = set_state(&mut world, a, "1");
        world.settle();
        world.take_events(b);
        let session = &mut world.clients[a].session;
        match label {
            "disconnect" => session.disconnect(world.now),
            "destroy" => session.destroy(world.now, SECOND),
            _ => session.remove_document(world.now, DOC),
        }
        world.settle();
        assert_eq!(state_of(&world, b, id), None, "{label}");
        assert_eq!(removals(&mut world, b), [id], "{label}");
        assert_eq!(
            state_of(&world, a, id).as_deref(),
            Some("1"),
            "{label}: our own state is not taken from us"
        );
    }
}

#[test]
fn others_accept_us_again_after_a_reconnect() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    let id = set_state(&mut world, a, "1");
    world.settle();
    world.clients[a].session.disconnect(world.now);
    world.settle();
    world.connect(a);
    assert_eq!(state_of(&world, b, id).as_deref(), Some("1"));
}

#[test]
fn a_lost_connection_clears_the_others_but_not_us() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    let (own, other) = (set_state(&mut world, a, "1"), set_state(&mut world, b, "2"));
    world.settle();
    world.take_events(a);
    world.cut(a);
    world.settle();
    assert_eq!(removals(&mut world, a), [other]);
    assert_eq!(state_of(&world, a, own).as_deref(), Some("1"));
    assert!(!world.clients[a].replicas[&DOC].awareness.lock().meta().contains_key(&other));
    world.advance(5 * SECOND);
    assert_eq!(state_of(&world, a, other).as_deref(), Some("2"), "back with the connection");
}

#[test]
fn states_are_renewed_and_those_that_are_not_expire() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    let (own, other) = (set_state(&mut world, a, "1"), set_state(&mut world, b, "2"));
    world.settle();
    // The server answers b's pings no more, and nothing of b comes through.
    world.clients[b].is_stuck = true;
    world.advance(29 * SECOND);
    assert_eq!(state_of(&world, a, other).as_deref(), Some("2"));
    world.advance(2 * SECOND);
    assert_eq!(state_of(&world, a, other), None);
    assert_eq!(state_of(&world, a, own).as_deref(), Some("1"), "never our own");
    assert_eq!(state_of(&world, b, own).as_deref(), Some("1"), "a renews");
}
