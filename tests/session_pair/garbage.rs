//! Whatever a server sends: nothing panics, nothing loops, and a good connection afterwards works.

use std::time::{Duration, Instant};

use bytes::Bytes;
use yjs_provider_native::protocol::channel::Channel;
use yjs_provider_native::protocol::envelope;
use yjs_provider_native::protocol::y_message::Message;
use yjs_provider_native::session::{
    AddDocument, DocKey, Event, Output, Session, SessionConfig, Status, Work, WorkDone,
};

use super::server::{ROOM, metadata};

const OPEN: &str = r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;

/// Valid texts to start from.
const TEXTS: [&str; 8] = [
    OPEN,
    "2",
    r#"40{"sid":"s"}"#,
    r#"44{"message":"no","data":{"code":"busy"}}"#,
    r#"430[{"ok":true,"topic":"t","partition":0,"offset":"1"}]"#,
    r#"431[{"ok":false,"code":"busy","retryable":true}]"#,
    r#"451-["y-kafka-collabation-server-sync",{"_placeholder":true,"num":0},"1",{"topic":"t","partition":0}]"#,
    r#"451-["protocol-message",{"topic":"y-sync-r","offset":"9","message":{"_placeholder":true,"num":0}}]"#,
];

/// Answers everything the session asks for, without a document. Returns the generation of a new dial.
fn drive(session: &mut Session, now: Instant) -> Option<u64> {
    let mut dialed = None;
    for _ in 0..10_000 {
        let mut is_busy = session.poll_transmit(now).is_some();
        while let Some(output) = session.poll_output() {
            is_busy = true;
            let done = match output {
                Output::Dial { generation, .. } => {
                    dialed = Some(generation);
                    continue;
                }
                Output::Work(Work::Apply { doc, first, updates }) => WorkDone::Applied {
                    doc,
                    through: first + updates.len() as u64 - 1,
                    is_missing_updates: false,
                    failed: Vec::new(),
                },
                Output::Work(Work::EncodeStateVector { doc, token }) => {
                    WorkDone::Encoded { doc, token, result: Ok(Bytes::from_static(&[0])) }
                }
                Output::Work(Work::EncodeDiff { doc, token, .. }) => {
                    WorkDone::Encoded { doc, token, result: Ok(Bytes::from_static(&[0, 0])) }
                }
                Output::Close { .. } | Output::Event(_) | Output::Finished => continue,
            };
            session.handle_work_done(now, done);
        }
        if !is_busy {
            return dialed;
        }
    }
    panic!("never comes to rest");
}

fn mutate(rng: &mut fastrand::Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.usize(0..4) {
        let at = rng.usize(0..=bytes.len());
        match rng.u32(0..4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, rng.u8(..)),
            _ if at < bytes.len() => bytes[at] = rng.u8(..),
            _ => {}
        }
    }
}

fn message(rng: &mut fastrand::Rng) -> Vec<u8> {
    let update = Bytes::from_static(&[1, 1, 1, 0, 4, 1, 4, b't', b'e', b'x', b't', 1, b'x', 0]);
    let message = match rng.u32(0..6) {
        0 => Message::SyncStep1(Bytes::from_static(&[1, 1, 1])),
        1 => Message::SyncStep2(update),
        2 => Message::Update(update),
        3 => Message::Awareness(Bytes::from_static(&[1, 1, 0, 2, b'{', b'}'])),
        4 => Message::PermissionDenied("no".into()),
        _ => Message::QueryAwareness,
    };
    let sender = ["server", "server-hydration-1", "s", "peer"][rng.usize(0..4)];
    envelope::encode(&metadata(["doc", "unknown"][rng.usize(0..2)], sender), &message.encode())
        .unwrap()
}

#[test]
fn garbage_never_panics_and_a_good_connection_follows() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut now = Instant::now();
        let mut session = Session::new(SessionConfig::new(ROOM), seed);
        session.add_document(
            now,
            AddDocument {
                key: DocKey(1),
                doc_id: "doc".into(),
                parent_id: None,
                has_content: rng.bool(),
                awareness: None,
            },
        );
        session.connect(now);
        let mut generation = 0;
        for _ in 0..200 {
            if let Some(dialed) = drive(&mut session, now) {
                generation = dialed;
                session.handle_dialed(now, generation, None);
                if rng.bool() {
                    session.handle_text(now, generation, OPEN);
                    session.handle_text(now, generation, r#"40{"sid":"s"}"#);
                }
            }
            let mut text = TEXTS[rng.usize(0..TEXTS.len())].as_bytes().to_vec();
            let mut binary = message(&mut rng);
            if rng.u32(0..3) == 0 {
                mutate(&mut rng, &mut text);
            }
            if rng.bool() {
                mutate(&mut rng, &mut binary);
            }
            session.handle_text(now, generation, &String::from_utf8_lossy(&text));
            if text.starts_with(b"451-") {
                session.handle_binary(now, generation, binary.into());
            }
            session.handle_local_update(now, DocKey(1), Bytes::from_static(&[0, 0]));
            now += Duration::from_millis(rng.u64(0..3000));
            session.handle_timeout(now);
        }

        session.disconnect(now);
        drive(&mut session, now);
        session.handle_timeout(now + Duration::from_secs(1));
        session.connect(now);
        let generation = drive(&mut session, now).unwrap();
        session.handle_dialed(now, generation, None);
        session.handle_text(now, generation, OPEN);
        session.handle_text(now, generation, r#"40{"sid":"s"}"#);
        drive(&mut session, now);
        assert_eq!(session.status(), Status::Connected, "seed {seed}");
        let header =
            format!(r#"451-["{}",{{"_placeholder":true,"num":0}}]"#, Channel::Sync.event_name());
        let answer = Message::SyncStep2(Bytes::from_static(&[0, 0])).encode();
        session.handle_text(now, generation, &header);
        session.handle_binary(
            now,
            generation,
            envelope::encode(&metadata("doc", "server"), &answer).unwrap().into(),
        );
        let is_synced =
            |output| matches!(output, Output::Event(Event::Synced { doc: DocKey(1), state: true }));
        assert!(std::iter::from_fn(|| session.poll_output()).any(is_synced), "seed {seed}");
    }
}
