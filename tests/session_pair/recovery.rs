//! A server that recovers connections repeats what the lost one missed, under its id.

use std::time::{Duration, Instant};

use bytes::Bytes;
use yjs_provider_native::session::{
    AddDocument, Closed, DocKey, Frame, Output, Session, SessionConfig, Work, WorkDone,
};
use yrs::{Doc, Text, Transact};

use super::server::ROOM;

const DOC: DocKey = DocKey(1);
const OPEN: &str = r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
const HEADER: &str = r#"451-["y-kafka-collabation-server-sync",{"_placeholder":true,"num":0},"5"]"#;

/// Everything the session sends until it rests, and the generation of its last dial.
fn run(session: &mut Session, now: Instant) -> (Vec<Frame>, Option<u64>) {
    let (mut frames, mut dialed) = (Vec::new(), None);
    loop {
        if let Some(frame) = session.poll_transmit(now) {
            frames.push(frame);
            continue;
        }
        match session.poll_output() {
            Some(Output::Dial { generation, .. }) => dialed = Some(generation),
            Some(Output::Work(Work::EncodeStateVector { doc, token })) => {
                let result = Ok(Bytes::from_static(&[0]));
                session.handle_work_done(now, WorkDone::Encoded { doc, token, result });
            }
            Some(_) => {}
            None => return (frames, dialed),
        }
    }
}

/// The attachments among the frames.
fn attachments(frames: &[Frame]) -> Vec<Bytes> {
    let binary = |frame: &Frame| match frame {
        Frame::Binary(bytes) => Some(bytes.clone()),
        Frame::Text(_) => None,
    };
    frames.iter().filter_map(binary).collect()
}

fn hear(session: &mut Session, now: Instant, generation: u64, attachment: &Bytes) {
    session.handle_text(now, generation, HEADER);
    session.handle_binary(now, generation, attachment.clone());
}

/// A session with one document and what it says on its first connection, whose generation comes with it.
fn start(now: Instant) -> (Session, u64, Vec<Bytes>) {
    let mut session = Session::new(SessionConfig::new(ROOM), 1);
    session.add_document(
        now,
        AddDocument {
            key: DOC,
            doc_id: "doc".into(),
            parent_id: None,
            has_content: false,
            awareness: None,
        },
    );
    session.connect(now);
    let generation = run(&mut session, now).1.unwrap();
    let sent = join(&mut session, now, generation, "s", &[]);
    (session, generation, sent)
}

/// Loses the connection; returns the generation of the next one, and when it is dialed.
fn lose(session: &mut Session, now: Instant, generation: u64) -> (u64, Instant) {
    let closed = Closed { code: None, description: String::new(), is_protocol_error: false };
    session.handle_closed(now, generation, closed);
    run(session, now);
    let later = session.poll_timeout().unwrap();
    session.handle_timeout(later);
    (run(session, later).1.unwrap(), later)
}

fn join(
    session: &mut Session,
    now: Instant,
    generation: u64,
    id: &str,
    early: &[Bytes],
) -> Vec<Bytes> {
    session.handle_dialed(now, generation, None);
    session.handle_text(now, generation, OPEN);
    for attachment in early {
        hear(session, now, generation, attachment);
    }
    session.handle_text(now, generation, &format!(r#"40{{"sid":"{id}","pid":"p"}}"#));
    attachments(&run(session, now).0)
}

#[test]
fn what_the_lost_connection_sent_does_not_prove_that_the_server_listens() {
    let now = Instant::now();
    let (mut session, first, step_one) = start(now);
    assert_eq!(step_one.len(), 1, "one step 1");

    let (second, mut now) = lose(&mut session, now, first);
    // The log brings the step 1 of the lost connection back, and our id is still the same.
    assert_eq!(join(&mut session, now, second, "s", &step_one).len(), 1, "it asks anew");

    // A server that attaches its handlers late has not seen it.
    now += Duration::from_secs(1);
    session.handle_timeout(now);
    assert_eq!(attachments(&run(&mut session, now).0).len(), 1, "and once more: nobody answered");

    // The same message to this connection is its own, and proof.
    hear(&mut session, now, second, &step_one[0]);
    now += Duration::from_secs(4);
    session.handle_timeout(now);
    assert_eq!(attachments(&run(&mut session, now).0).len(), 0, "heard");
}

#[test]
fn an_edit_that_the_lost_connection_brought_does_not_prove_that_later_ones_were_heard() {
    let now = Instant::now();
    let (mut session, first, _) = start(now);
    let (edit, later) = (edit_of(1), edit_of(2));
    session.handle_local_update(now, DOC, edit.clone());
    let sent = attachments(&run(&mut session, now).0);
    assert_eq!(sent.len(), 1, "the edit");

    let (second, mut now) = lose(&mut session, now, first);
    let repeated = join(&mut session, now, second, "t", &[]);
    assert!(repeated.iter().any(|it| contains(it, &edit)), "the edit once more");
    session.handle_local_update(now, DOC, later.clone());
    let repeated = attachments(&run(&mut session, now).0);
    assert!(repeated.iter().any(|it| contains(it, &later)), "the later edit");

    // The log has what the lost connection sent. A server that attaches its handlers late has seen nothing of this one.
    hear(&mut session, now, second, &sent[0]);
    now += Duration::from_secs(1);
    session.handle_timeout(now);
    let repeated = attachments(&run(&mut session, now).0);
    assert!(!repeated.iter().any(|it| contains(it, &edit)), "it is in the log");
    assert!(repeated.iter().any(|it| contains(it, &later)), "nothing says that it was heard");
}

/// An update with one letter.
fn edit_of(client: u64) -> Bytes {
    let doc = Doc::with_client_id(client);
    let text = doc.get_or_insert_text("text");
    let mut txn = doc.transact_mut();
    text.insert(&mut txn, 0, "x");
    txn.encode_update_v1().into()
}

fn contains(message: &[u8], update: &[u8]) -> bool {
    message.windows(update.len()).any(|it| it == update)
}
