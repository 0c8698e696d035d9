//! A server that recovers connections repeats what the lost one missed, under its id.

use std::time::{Duration, Instant};

use bytes::Bytes;
use yjs_provider_native::session::{
    AddDocument, Closed, DocKey, Frame, Output, Session, SessionConfig, Work, WorkDone,
};

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

fn join(session: &mut Session, now: Instant, generation: u64, early: &[Bytes]) -> Vec<Bytes> {
    session.handle_dialed(now, generation, None);
    session.handle_text(now, generation, OPEN);
    for attachment in early {
        session.handle_text(now, generation, HEADER);
        session.handle_binary(now, generation, attachment.clone());
    }
    session.handle_text(now, generation, r#"40{"sid":"s","pid":"p"}"#);
    attachments(&run(session, now).0)
}

#[test]
fn what_the_lost_connection_sent_does_not_prove_that_the_server_listens() {
    let mut now = Instant::now();
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
    let first = run(&mut session, now).1.unwrap();
    let step_one = join(&mut session, now, first, &[]);
    assert_eq!(step_one.len(), 1, "one step 1");

    let closed = Closed { code: None, description: String::new(), is_protocol_error: false };
    session.handle_closed(now, first, closed);
    run(&mut session, now);
    now = session.poll_timeout().unwrap();
    session.handle_timeout(now);
    let second = run(&mut session, now).1.unwrap();
    // The log brings the step 1 of the lost connection back, and our id is still the same.
    assert_eq!(join(&mut session, now, second, &step_one).len(), 1, "it asks anew");

    // A server that attaches its handlers late has not seen it.
    now += Duration::from_secs(1);
    session.handle_timeout(now);
    assert_eq!(attachments(&run(&mut session, now).0).len(), 1, "and once more: nobody answered");

    // The same message to this connection is its own, and proof.
    session.handle_text(now, second, HEADER);
    session.handle_binary(now, second, step_one[0].clone());
    now += Duration::from_secs(4);
    session.handle_timeout(now);
    assert_eq!(attachments(&run(&mut session, now).0).len(), 0, "heard");
}
