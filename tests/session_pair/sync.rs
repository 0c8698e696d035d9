//! Synced, retransmission, several documents, bad input.

use std::time::Duration;

use bytes::Bytes;
use yjs_provider_native::error::ErrorCode;
use yjs_provider_native::protocol::channel::Channel;
use yjs_provider_native::protocol::envelope;
use yjs_provider_native::protocol::y_message::Message;
use yjs_provider_native::session::{DocKey, Event, Frame, SessionConfig, WorkDone};
use yrs::updates::decoder::Decode;
use yrs::{Doc, Text, Transact, Update};

use super::server::{ROOM, Switches, metadata};
use super::world::World;

const DOC: DocKey = DocKey(1);
const SECOND: Duration = Duration::from_secs(1);

fn synced_events(world: &World, client: usize) -> Vec<bool> {
    let state = |event: &Event| match event {
        Event::Synced { state, .. } => Some(*state),
        _ => None,
    };
    world.clients[client].events.iter().filter_map(state).collect()
}

#[test]
fn is_synced_after_the_answer_and_loaded_once() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.cut(a);
    world.advance(5 * SECOND);
    assert_eq!(synced_events(&world, a), [true, false, true]);
    let loaded =
        world.clients[a].events.iter().filter(|event| matches!(event, Event::DocLoaded { .. }));
    assert_eq!(loaded.count(), 1);
}

fn when_synced(world: &mut World, client: usize, id: u64, key: DocKey) {
    world.clients[client].session.when_synced(world.now, id, key, 5 * SECOND);
    world.settle();
}

#[test]
fn who_waits_for_a_synced_document_is_told_after_the_event_and_at_once_if_it_is() {
    let mut world = World::new(Switches::gateway());
    let a = world.add_client(&["doc"]);
    when_synced(&mut world, a, 1, DOC);
    assert_eq!(world.waited(a, 1), None);
    world.connect(a);
    assert_eq!(world.waited(a, 1), Some(Ok(())));
    let events = &world.clients[a].events;
    let first = |wanted: fn(&Event) -> bool| events.iter().position(wanted);
    let synced = first(|event| matches!(event, Event::Synced { .. }));
    let waited = first(|event| matches!(event, Event::Waited { .. }));
    assert!(synced < waited, "the state is known when the wait is over");
    when_synced(&mut world, a, 2, DOC);
    assert_eq!(world.waited(a, 2), Some(Ok(())));
    world.cut(a);
    when_synced(&mut world, a, 3, DOC);
    assert_eq!(world.waited(a, 3), None, "no longer synced");
    world.advance(4 * SECOND);
    assert_eq!(world.waited(a, 3), Some(Ok(())), "after the reconnect");
}

#[test]
fn who_waits_in_vain_is_told_why() {
    let mut world = World::new(Switches { answers: false, echoes: false, ..Switches::gateway() });
    let a = world.join(&["doc", "other"]);
    when_synced(&mut world, a, 1, DOC);
    when_synced(&mut world, a, 2, DOC);
    world.clients[a].session.cancel_when_synced(2);
    when_synced(&mut world, a, 3, DocKey(9));
    assert_eq!(world.waited(a, 3), Some(Err(ErrorCode::UnknownDoc)));
    world.advance(4 * SECOND);
    assert_eq!(world.waited(a, 1), None);
    world.advance(2 * SECOND);
    assert_eq!(world.waited(a, 1), Some(Err(ErrorCode::Timeout)));
    when_synced(&mut world, a, 4, DOC);
    when_synced(&mut world, a, 5, DocKey(2));
    world.clients[a].session.remove_document(world.now, DOC);
    world.settle();
    assert_eq!(world.waited(a, 4), Some(Err(ErrorCode::UnknownDoc)));
    assert_eq!(world.waited(a, 5), None, "another document");
    world.clients[a].session.destroy(world.now, SECOND);
    when_synced(&mut world, a, 6, DocKey(2));
    assert_eq!(world.waited(a, 5), Some(Err(ErrorCode::Destroyed)));
    assert_eq!(world.waited(a, 6), Some(Err(ErrorCode::Destroyed)));
    assert_eq!(world.waited(a, 2), None, "cancelled");
}

#[test]
fn is_not_synced_before_the_answer_is_applied() {
    let mut world = World::new(Switches { answers: false, echoes: false, ..Switches::gateway() });
    let a = world.join(&["doc"]);
    world.advance(5 * SECOND);
    assert!(!world.is_synced(a, DOC), "acks are no content");
    let id = world.connection(a).unwrap();
    world.server.send(
        id,
        Channel::Sync,
        Some("someone"),
        "doc",
        &Message::Update(Bytes::from_static(&[0, 0])),
    );
    world.settle();
    assert!(!world.is_synced(a, DOC), "somebody's update is no answer");
    world.server.send(
        id,
        Channel::Sync,
        Some("someone"),
        "doc",
        &Message::SyncStep2(Bytes::from_static(&[0, 0])),
    );
    world.settle();
    assert!(world.is_synced(a, DOC));
}

#[test]
fn a_client_alone_is_synced_once_its_own_step_1_is_back_and_nobody_answers() {
    let mut world = World::new(Switches::published());
    let a = world.join(&["doc"]);
    world.advance(Duration::from_millis(400));
    assert!(!world.is_synced(a, DOC));
    world.advance(Duration::from_millis(200));
    assert!(world.is_synced(a, DOC));
    world.insert(a, DOC, 0, "x");
    let b = world.join(&["doc"]);
    world.advance(Duration::from_millis(200));
    assert!(world.is_synced(b, DOC), "the peer's answer is quicker");
    assert_eq!(world.text(b, DOC), "x");
}

#[test]
fn hydration_syncs_and_makes_a_client_say_everything_again() {
    let mut world =
        World::new(Switches { deaf_for: 100, answers: false, acks: false, ..Switches::gateway() });
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "early");
    world.settle();
    let (step_ones, updates) = (world.server.step_ones, world.server.updates);
    world.server.switches.deaf_for = 0;
    let id = world.connection(a).unwrap();
    let empty = Message::SyncStep2(Bytes::from_static(&[0, 0]));
    world.server.send(id, Channel::Sync, Some("server-hydration"), "doc", &empty);
    world.settle();
    assert!(world.is_synced(a, DOC));
    assert_eq!((world.server.step_ones, world.server.updates), (step_ones + 1, updates + 1));
    assert_eq!(world.log_text("doc"), "early");
}

#[test]
fn everything_is_repeated_until_a_late_server_listens() {
    let mut world = World::new(Switches { deaf_for: 7, ..Switches::gateway() });
    let b = world.join(&["doc"]);
    world.insert(b, DOC, 0, "b");
    world.advance(5 * SECOND);
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "a");
    world.advance(5 * SECOND);
    assert!(world.is_synced(a, DOC) && world.is_synced(b, DOC));
    assert_eq!(world.text(a, DOC), world.text(b, DOC));
    assert_eq!(world.text(a, DOC).len(), 2);
    let step_ones = world.server.step_ones;
    world.advance(10 * SECOND);
    assert_eq!(world.server.step_ones, step_ones, "it stops once the server listens");
}

#[test]
fn step_1_is_repeated_in_the_resync_interval() {
    // (label, interval, least and most step 1 messages in 100 s)
    let table = [("30 s", Some(30 * SECOND), 2, 4), ("off", None, 0, 0)];
    for (label, resync_interval, least, most) in table {
        let mut world = World::new(Switches::gateway());
        let a = world.add_client_with(
            &["doc"],
            SessionConfig { resync_interval, ..SessionConfig::new(ROOM) },
        );
        world.connect(a);
        let before = world.server.step_ones;
        world.advance(100 * SECOND);
        let repeated = world.server.step_ones - before;
        assert!((least..=most).contains(&repeated), "{label}: {repeated}");
    }
}

#[test]
fn a_lost_update_is_repaired_when_the_next_one_misses_it() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
    world.insert(a, DOC, 0, "lost");
    world.clients[a].is_stuck = false;
    // Everything up to the log, but not to b.
    let id = world.connection(b).unwrap();
    while !world.server.has_outgoing(id) {
        let frame = world.clients[a].session.poll_transmit(world.now).unwrap();
        let from = world.connection(a).unwrap();
        world.server.handle(from, frame);
    }
    while world.server.poll(id).is_some() {}
    world.insert(a, DOC, 4, " and found");
    world.advance(2 * SECOND);
    assert_eq!(world.text(b, DOC), "lost and found");
}

#[test]
fn a_gap_that_something_else_closes_keeps_no_document_from_being_synced() {
    let mut world = World::new(Switches::published());
    let a = world.join(&["doc"]);
    let author = Doc::with_client_id(7);
    let text = author.get_or_insert_text("text");
    let type_one = |word: &str| -> Bytes {
        let mut txn = author.transact_mut();
        text.push(&mut txn, word);
        txn.encode_update_v1().into()
    };
    let (first, second) = (type_one("loaded "), type_one("and live"));
    let id = world.connection(a).unwrap();
    world.server.push_record(id, &metadata("doc", "peer"), &Message::Update(second), 1);
    world.settle();
    assert_eq!(world.text(a, DOC), "", "it builds on what is not here");
    world.advance(SECOND);
    assert!(!world.is_synced(a, DOC));
    // Out of a file, say, or through another provider.
    let document = &world.clients[a].replicas[&DOC].doc;
    document.transact_mut().apply_update(Update::decode_v1(&first).unwrap()).unwrap();
    world.clients[a].session.handle_local_update(world.now, DOC, first);
    world.settle();
    assert_eq!(world.text(a, DOC), "loaded and live");
    assert!(world.is_synced(a, DOC));
}

#[test]
fn updates_dropped_by_the_document_layer_are_asked_for_again() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.advance(5 * SECOND);
    let step_ones = world.server.step_ones;
    world.clients[a].session.handle_work_done(world.now, WorkDone::Overflowed { doc: DOC });
    world.settle();
    assert_eq!(world.server.step_ones, step_ones + 1);
}

#[test]
fn documents_join_and_leave_at_any_time() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.join(&["one"]), world.join(&["one", "two"]));
    world.insert(b, DocKey(2), 0, "second");
    world.settle();
    world.add_document(a, DocKey(7), "two", "");
    world.settle();
    assert_eq!(world.text(a, DocKey(7)), "second");
    world.clients[a].session.remove_document(world.now, DocKey(7));
    world.insert(b, DocKey(2), 0, "unseen ");
    world.settle();
    world.add_document(a, DocKey(8), "two", "");
    world.settle();
    assert_eq!(world.text(a, DocKey(8)), "unseen second");
}

#[test]
fn a_second_document_with_the_same_id_is_refused() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.take_events(a);
    world.add_document(a, DocKey(2), "doc", "");
    world.settle();
    let events = world.take_events(a);
    assert!(
        matches!(&events[..], [Event::Error { doc: Some(DocKey(2)), error }] if error.code == ErrorCode::DocInUse),
        "{events:?}"
    );
}

#[test]
fn ten_thousand_documents_sync_on_one_connection() {
    let mut world = World::new(Switches::gateway());
    let ids: Vec<String> = (0..10_000).map(|number| format!("doc{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let a = world.join(&ids);
    assert!((1..=10_000).all(|key| world.is_synced(a, DocKey(key))));
    assert_eq!(world.server.step_ones, 10_000, "none is repeated while the server is at work");
    world.advance(Duration::from_secs(5));
    assert_eq!(world.server.step_ones, 10_000);
}

#[test]
fn what_can_not_be_read_is_reported_and_the_connection_goes_on() {
    // (label, channel, payload, code, document known)
    let garbage = Message::Update(Bytes::from_static(b"garbage")).encode();
    let bad_vector = Message::SyncStep1(Bytes::from_static(&[9])).encode();
    let bad_awareness = Message::Awareness(Bytes::from_static(&[9])).encode();
    let table: [(&str, Channel, &[u8], ErrorCode); 5] = [
        ("unknown message", Channel::Sync, &[77, 1, 2], ErrorCode::InvalidMessage),
        ("empty message", Channel::Awareness, &[], ErrorCode::InvalidMessage),
        ("corrupt update", Channel::Sync, &garbage, ErrorCode::InvalidUpdate),
        ("corrupt state vector", Channel::Sync, &bad_vector, ErrorCode::InvalidMessage),
        ("corrupt awareness", Channel::Awareness, &bad_awareness, ErrorCode::InvalidUpdate),
    ];
    for (label, channel, payload, code) in table {
        let mut world = World::new(Switches::gateway());
        let (a, b) = (world.join(&["doc"]), world.join(&["doc"]));
        world.advance(5 * SECOND);
        world.take_events(a);
        let id = world.connection(a).unwrap();
        let step_ones = world.server.step_ones;
        for _ in 0..100 {
            world.server.send_payload(id, channel, None, "doc", payload);
        }
        world.advance(20 * SECOND);
        let reported = world.take_events(a).into_iter().filter(
            |event| matches!(event, Event::Error { doc: Some(DOC), error } if error.code == code),
        );
        assert_eq!(reported.count(), 100, "{label}");
        assert!(world.server.step_ones - step_ones <= 3, "{label}: step 1 is damped");
        world.insert(b, DOC, 0, "still here");
        world.settle();
        assert_eq!(world.text(a, DOC), "still here", "{label}");
        assert_eq!(world.clients[a].dials, 1, "{label}");
    }
}

#[test]
fn events_without_a_readable_envelope_are_reported() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.take_events(a);
    let id = world.connection(a).unwrap();
    let name = Channel::Sync.event_name();
    world.server.push(id, Frame::Text(format!(r#"42["{name}",{{"no":"envelope"}}]"#)));
    world
        .server
        .push(id, Frame::Text(format!(r#"451-["{name}",{{"_placeholder":true,"num":0}}]"#)));
    world.server.push(id, Frame::Binary(Bytes::from_static(&[200, 0, 1])));
    world.settle();
    let codes: Vec<ErrorCode> = world
        .take_events(a)
        .iter()
        .map(|event| match event {
            Event::Error { doc: None, error } => error.code,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(codes, [ErrorCode::InvalidEnvelope, ErrorCode::InvalidEnvelope]);
    assert!(world.connection(a).is_some());
}

#[test]
fn a_server_that_asks_again_and_again_is_answered_less_often() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.insert(a, DOC, 0, "x");
    world.advance(5 * SECOND);
    let id = world.connection(a).unwrap();
    let updates = world.server.updates;
    for _ in 0..200 {
        world.server.send(
            id,
            Channel::Sync,
            None,
            "doc",
            &Message::SyncStep1(Bytes::from_static(&[0])),
        );
        world.advance(Duration::from_millis(50));
    }
    let answers = world.server.updates - updates;
    assert!((2..=6).contains(&answers), "{answers}");
}

#[test]
fn an_answer_without_content_is_not_sent() {
    let mut world = World::new(Switches::gateway());
    world.join(&["doc"]);
    assert_eq!(world.server.updates, 0);
}

#[test]
fn foreign_rooms_are_ignored_and_unknown_documents_only_told() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.take_events(a);
    let id = world.connection(a).unwrap();
    let update = Message::Update(Bytes::from_static(&[0, 0]));
    world.server.send(id, Channel::Sync, None, "unknown", &update);
    let mut foreign = metadata("doc", "server");
    foreign.room_id = "elsewhere".into();
    let envelope = envelope::encode(&foreign, &update.encode()).unwrap();
    world.server.push(
        id,
        Frame::Text(format!(
            r#"451-["{}",{{"_placeholder":true,"num":0}}]"#,
            Channel::Sync.event_name()
        )),
    );
    world.server.push(id, Frame::Binary(envelope.into()));
    world.settle();
    let events = world.take_events(a);
    assert!(
        matches!(&events[..], [Event::Message { doc: None, channel: Some(Channel::Sync), .. }]),
        "{events:?}"
    );
}

#[test]
fn messages_are_told_by_what_is_in_them_whatever_event_brought_them() {
    let mut world = World::new(Switches::gateway());
    let a = world.join(&["doc"]);
    world.take_events(a);
    let id = world.connection(a).unwrap();
    // The TypeScript provider writes the type twice.
    world.server.send_payload(id, Channel::Control, Some("peer"), "doc", &[0, 0, 2, 2, 0, 0]);
    world.server.send_payload(id, Channel::Sync, None, "doc", &[2, 0, 2, b'n', b'o']);
    world.server.send_payload(id, Channel::Control, None, "doc", br#"{"type":"going-away"}"#);
    world.settle();
    let events = world.take_events(a);
    let channels: Vec<Option<Channel>> = events
        .iter()
        .filter_map(|event| match event {
            Event::Message { channel, .. } => Some(*channel),
            _ => None,
        })
        .collect();
    assert_eq!(channels, [Some(Channel::Sync), None, Some(Channel::Control)]);
    let denied = |event: &&Event| matches!(event, Event::PermissionDenied { doc: Some(DOC), reason } if reason == "no");
    assert_eq!(events.iter().filter(denied).count(), 1);
    world.clients[a].session.set_message_events(false);
    world.server.send_payload(id, Channel::Sync, Some("peer"), "doc", &[0, 2, 2, 0, 0]);
    world.settle();
    assert_eq!(world.take_events(a), []);
}

#[test]
fn a_users_own_message_goes_out_with_one_type_byte() {
    let mut world = World::new(Switches::gateway());
    let (a, b) = (world.add_client(&["doc"]), world.join(&["doc"]));
    let body = Bytes::from_static(&[3]);
    let refused =
        world.clients[a].session.send(world.now, Channel::Awareness, 3, body.clone(), "doc", None);
    assert_eq!(refused.unwrap_err().code, ErrorCode::Connection);
    world.connect(a);
    world.take_events(b);
    world.clients[a].session.send(world.now, Channel::Awareness, 3, body, "doc", None).unwrap();
    world.settle();
    let received = world.take_events(b).into_iter().find_map(|event| match event {
        Event::Message { payload, metadata, .. } => Some((payload, metadata.sender_id)),
        _ => None,
    });
    let (payload, sender) = received.unwrap();
    assert_eq!(payload.as_ref(), [3]);
    assert!(sender.is_some());
}
