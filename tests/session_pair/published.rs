//! Servers that only take everything to everybody, with late handlers and without acks.

use std::time::Duration;

use bytes::Bytes;
use yjs_provider_native::error::ErrorCode;
use yjs_provider_native::protocol::channel::Channel;
use yjs_provider_native::protocol::envelope::Metadata;
use yjs_provider_native::protocol::update::v1_to_v2;
use yjs_provider_native::protocol::y_message::Message;
use yjs_provider_native::session::{DocKey, Event};
use yrs::updates::encoder::Encode;
use yrs::{Doc, ReadTxn, StateVector, Text, Transact};

use super::server::{Switches, metadata};
use super::world::World;

const DOC: DocKey = DocKey(1);
const SECOND: Duration = Duration::from_secs(1);

/// The whole state of a document with this text.
fn state(text: &str) -> Bytes {
    let doc = Doc::with_client_id(77);
    doc.get_or_insert_text("text").push(&mut doc.transact_mut(), text);
    doc.transact().encode_state_as_update_v1(&StateVector::default()).into()
}

fn from(sender: &str, in_reply_to: &[&str]) -> Metadata<'static> {
    let in_reply_to = in_reply_to.iter().map(|&id| id.to_owned()).collect();
    Metadata { in_reply_to, ..metadata("doc", sender) }
}

#[test]
fn whatever_late_handlers_miss_is_said_again_soon() {
    for switches in [Switches::published(), Switches { answers: false, ..Switches::gateway() }] {
        for deaf_for in 0..12 {
            let label = format!("acks {}, deaf for {deaf_for}", switches.acks);
            let mut world = World::new(Switches { deaf_for, ..switches.clone() });
            let a = world.add_client(&["doc"]);
            world.clients[a].replicas[&DOC]
                .awareness
                .lock()
                .set_local_state(world.now, Some("1".into()));
            world.connect(a);
            world.insert(a, DOC, 0, "early");
            world.clients[a].session.flush(world.now, 1, 60 * SECOND);
            world.advance(4 * SECOND);
            assert_eq!(world.log_text("doc"), "early", "{label}");
            assert_eq!(world.flushed(a, 1), Some(Ok(())), "{label}");
            let is_present = world.server.presence.iter().any(|(_, _, state)| state == "1");
            assert!(is_present, "{label}: presence");
            assert!(world.is_synced(a, DOC) || !switches.echoes, "{label}: synced");
        }
    }
}

#[test]
fn content_of_before_is_sent_again_to_late_handlers() {
    let mut world = World::new(Switches { deaf_for: usize::MAX, ..Switches::published() });
    let a = world.add_client(&[]);
    world.add_document(a, DOC, "doc", "from before");
    world.connect(a);
    world.advance(3 * SECOND);
    assert!(world.server.updates > 0, "sent unasked, and lost");
    world.server.switches.deaf_for = 0;
    world.advance(6 * SECOND);
    assert_eq!(world.log_text("doc"), "from before");
}

#[test]
fn a_step_2_for_another_client_makes_nobody_synced() {
    // (label, whom the answer names, synced at once)
    let table: [(&str, &[&str], bool); 3] = [
        ("for another", &["another"], false),
        ("for nobody in particular", &[], false),
        ("for us among others", &["another", "s0"], true),
    ];
    for (label, in_reply_to, is_synced) in table {
        let mut world = World::new(Switches { deaf_for: usize::MAX, ..Switches::published() });
        let a = world.join(&["doc"]);
        let id = world.connection(a).unwrap();
        let answer = Message::SyncStep2(state("content"));
        world.server.push_record(id, &from("peer", in_reply_to), &answer, 5);
        world.settle();
        assert_eq!(world.text(a, DOC), "content", "{label}: what it brings is welcome");
        assert_eq!(world.is_synced(a, DOC), is_synced, "{label}");
        world.advance(100 * SECOND);
        assert_eq!(world.is_synced(a, DOC), is_synced, "{label}: our own step 1 never came back");
        world.server.switches.deaf_for = 0;
        world.advance(20 * SECOND);
        assert!(world.is_synced(a, DOC), "{label}: in the end it comes");
    }
}

#[test]
fn an_answer_of_our_own_names_who_asked() {
    let mut world = World::new(Switches::published());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "x");
    world.advance(SECOND);
    let b = world.join(&["doc"]);
    world.advance(Duration::from_millis(200));
    let named = world.clients[b].events.iter().find_map(|event| match event {
        Event::Message { metadata, .. } if !metadata.in_reply_to.is_empty() => {
            Some(metadata.in_reply_to.clone())
        }
        _ => None,
    });
    assert_eq!(named, Some(vec!["s1".to_owned()]));
    assert!(world.is_synced(b, DOC), "before half a second has passed");
}

#[test]
fn many_who_ask_at_once_are_answered_once_and_each_gets_all_it_lacks() {
    let mut world = World::new(Switches::published());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "some ");
    world.advance(SECOND);
    // Four who are there could all answer, and each who asks has another part.
    let there: Vec<usize> = (0..3).map(|_| world.join(&["doc"])).collect();
    world.advance(SECOND);
    let part = world.join(&["doc"]);
    world.advance(SECOND);
    world.cut(part);
    world.insert(a, DOC, 0, "more ");
    world.remove(a, DOC, 0);
    world.settle();
    let before = world.server.answers;
    let new: Vec<usize> = (0..5).map(|_| world.join(&["doc"])).collect();
    world.advance(10 * SECOND);
    for client in there.into_iter().chain(new).chain([part]) {
        assert_eq!(world.text(client, DOC), "ore some ");
        assert!(world.is_synced(client, DOC));
    }
    let answers = world.server.answers - before;
    assert!((1..=4).contains(&answers), "{answers} answers for six who asked four");
}

#[test]
fn peers_who_ask_together_get_what_the_least_of_them_lacks() {
    let mut world = World::new(Switches::published());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "content");
    world.advance(SECOND);
    world.take_events(a);
    let id = world.connection(a).unwrap();
    let all = world.clients[a].replicas[&DOC].doc.transact().state_vector().encode_v1();
    for (asker, vector) in [("novice", vec![0]), ("expert", all)] {
        let question = Message::SyncStep1(vector.into());
        world.server.push_record(id, &from(asker, &[]), &question, 1);
    }
    world.advance(SECOND);
    let answers: Vec<_> = world
        .take_events(a)
        .into_iter()
        .filter_map(|event| match event {
            Event::Message { metadata, payload, .. } if !metadata.in_reply_to.is_empty() => {
                Some((metadata.in_reply_to, payload))
            }
            _ => None,
        })
        .collect();
    let doc = &world.clients[a].replicas[&DOC].doc;
    let state = doc.transact().encode_state_as_update_v1(&StateVector::default());
    let expected = Message::SyncStep2(state.into()).encode();
    assert_eq!(answers, [(vec!["novice".to_owned(), "expert".to_owned()], expected.into())]);
}

#[test]
fn who_asks_for_the_first_time_is_not_made_to_wait_because_of_others() {
    let mut world = World::new(Switches::published());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "content");
    world.advance(SECOND);
    for number in 0..12 {
        let b = world.join(&["doc"]);
        world.advance(Duration::from_millis(450));
        assert_eq!(world.text(b, DOC), "content", "client {number}");
        world.clients[b].session.disconnect(world.now);
        world.settle();
    }
}

#[test]
fn a_peer_that_asks_again_and_again_is_answered_less_often() {
    let mut world = World::new(Switches::published());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "x");
    world.advance(5 * SECOND);
    let id = world.connection(a).unwrap();
    let before = world.server.answers;
    for offset in 0..200 {
        let question = Message::SyncStep1(Bytes::from_static(&[0]));
        world.server.push_record(id, &from("peer", &[]), &question, offset);
        world.advance(Duration::from_millis(50));
    }
    let answers = world.server.answers - before;
    assert!((2..=7).contains(&answers), "{answers}");
}

#[test]
fn an_owed_difference_is_confirmed_by_its_echo_whatever_was_answered_meanwhile() {
    let mut world = World::new(Switches { echoes: false, ..Switches::published() });
    let a = world.add_client(&[]);
    world.add_document(a, DOC, "doc", "from before");
    world.connect(a);
    world.clients[a].session.flush(world.now, 1, 60 * SECOND);
    world.advance(2 * SECOND);
    assert_eq!(world.log_text("doc"), "from before");
    let id = world.connection(a).unwrap();
    let question = Message::SyncStep1(Bytes::from_static(&[0]));
    world.server.push_record(id, &from("peer", &[]), &question, 1);
    world.advance(SECOND);
    assert!(world.server.answers > 0, "and the peer is answered");
    assert_eq!(world.flushed(a, 1), None);
    let echo = Message::Update(
        world.clients[a].replicas[&DOC]
            .doc
            .transact()
            .encode_state_as_update_v1(&StateVector::default())
            .into(),
    );
    world.server.push_record(id, &from("s0", &[]), &echo, 2);
    world.settle();
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
}

#[test]
fn a_record_that_never_arrived_is_repaired_by_the_next_resync() {
    let mut world = World::new(Switches::published());
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    world.advance(SECOND);
    world.insert(a, DOC, 0, "lost");
    let id = world.connection(b).unwrap();
    while !world.server.has_outgoing(id) {
        let frame = world.clients[a].session.poll_transmit(world.now).unwrap();
        let from = world.connection(a).unwrap();
        world.server.handle(from, frame);
    }
    while world.server.poll(id).is_some() {}
    world.advance(20 * SECOND);
    assert_eq!(world.text(b, DOC), "", "nothing tells that it lacks something");
    world.advance(25 * SECOND);
    assert_eq!(world.text(b, DOC), "lost");
}

#[test]
fn an_update_of_format_v2_is_understood_and_garbage_like_it_is_reported() {
    let mut world = World::new(Switches { deaf_for: usize::MAX, ..Switches::published() });
    let a = world.join(&["doc"]);
    let id = world.connection(a).unwrap();
    let hydration = Message::SyncStep2(v1_to_v2(&state("second format")).unwrap().into());
    world.server.send(id, Channel::Sync, Some("server-hydration"), "doc", &hydration);
    world.settle();
    assert_eq!(world.text(a, DOC), "second format");
    assert!(world.is_synced(a, DOC));
    world.take_events(a);
    let garbage = Message::Update(Bytes::from_static(&[0, 1, 2, 3, 4]));
    world.server.send(id, Channel::Sync, Some("server-hydration"), "doc", &garbage);
    world.settle();
    let is_reported = world.take_events(a).iter().any(
        |event| matches!(event, Event::Error { error, .. } if error.code == ErrorCode::InvalidUpdate),
    );
    assert!(is_reported);
    assert_eq!(world.text(a, DOC), "second format");
}

#[test]
fn step_1_carries_the_highest_offset_of_a_document_in_one_partition() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    assert_eq!(world.server.offsets, [None], "nothing is known yet");
    for text in ["a", "b"] {
        world.insert(a, DOC, 0, text);
        world.settle();
    }
    world.cut(a);
    world.advance(5 * SECOND);
    assert_eq!(world.server.offsets.last().unwrap().as_deref(), Some("2"));
    // Late and repeated records do not turn it back; another partition makes it ambiguous.
    let id = world.connection(a).unwrap();
    let old = Message::Update(Bytes::from_static(&[0, 0]));
    for (offset, expected) in [(1, Some("2")), (9, None)] {
        if expected.is_none() {
            world.server.push_record(id, &from("peer", &[]), &old, offset);
        } else {
            world.server.send_at(id, "doc", &old, offset);
        }
        world.settle();
        world.clients[a].session.connect(world.now);
        world.advance(5 * SECOND);
        assert_eq!(world.server.offsets.last().unwrap().as_deref(), expected);
    }
}

#[test]
fn a_denial_by_message_ends_every_wait_at_once() {
    let mut world = World::new(Switches { deaf_for: usize::MAX, ..Switches::published() });
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "x");
    world.clients[a].session.flush(world.now, 1, 60 * SECOND);
    world.clients[a].session.when_synced(world.now, 2, DOC, 60 * SECOND);
    world.settle();
    let id = world.connection(a).unwrap();
    let denial = Message::PermissionDenied("not yours".into());
    world.server.send(id, Channel::Control, None, "doc", &denial);
    world.settle();
    assert_eq!(world.flushed(a, 1), Some(Err(ErrorCode::PermissionDenied)));
    assert_eq!(world.waited(a, 2), Some(Err(ErrorCode::PermissionDenied)));
    world.insert(a, DOC, 0, "y");
    world.clients[a].session.flush(world.now, 3, 60 * SECOND);
    world.clients[a].session.when_synced(world.now, 4, DOC, 60 * SECOND);
    world.settle();
    assert_eq!(world.flushed(a, 3), Some(Err(ErrorCode::PermissionDenied)), "and afterwards");
    assert_eq!(world.waited(a, 4), Some(Err(ErrorCode::PermissionDenied)));
    assert!(world.clients[a].session.has_unsynced_changes());
    // Another token, say.
    world.cut(a);
    world.server.switches.deaf_for = 0;
    world.advance(20 * SECOND);
    assert_eq!(world.log_text("doc"), world.text(a, DOC));
    assert!(!world.clients[a].session.has_unsynced_changes());
}

#[test]
fn a_server_that_acks_says_with_the_ack_what_is_denied() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.server.switches.acks = false;
    world.insert(a, DOC, 0, "x");
    world.clients[a].session.flush(world.now, 1, 60 * SECOND);
    let id = world.connection(a).unwrap();
    // Of the awareness, for all we know.
    let denial = Message::PermissionDenied("not that".into());
    world.server.send(id, Channel::Control, None, "doc", &denial);
    world.settle();
    assert_eq!(world.flushed(a, 1), None);
    world.server.switches.acks = true;
    world.advance(20 * SECOND);
    assert_eq!(world.flushed(a, 1), Some(Ok(())));
}
