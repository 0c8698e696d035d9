use std::time::Duration;

use super::*;
use crate::protocol::y_message::Message;

fn owed() -> Reply {
    Reply::owed(Some(3))
}

fn answer() -> Reply {
    Reply { is_answer: true, ..Reply::owed(None) }
}

#[test]
fn a_peers_question_never_replaces_the_servers() {
    let mut replies = Replies::default();
    let (server, peer) = (Bytes::from_static(&[1, 1, 1]), Bytes::from_static(&[1, 1, 2]));
    replies.ask_for_server(&server);
    replies.ask_for_peer(&peer, "peer");
    let question = replies.take_question().unwrap();
    assert_eq!((question.vector(), question.is_server()), (&server, true));
    assert!(!replies.is_asked());
    replies.ask_for_peer(&peer, "peer");
    replies.ask_for_server(&server);
    assert!(replies.take_question().unwrap().is_server());
    assert_eq!(replies.server_vector(), Some(&server));
}

#[test]
fn a_peer_is_answered_at_once_and_then_less_often() {
    let (now, vector) = (Instant::now(), Bytes::from_static(&[0]));
    let mut replies = Replies::default();
    let mut ask = |asker: &str| {
        replies.ask_for_peer(&vector, asker);
        let admitted = replies.admit(now).is_ok();
        replies.take_question();
        admitted
    };
    assert!(ask("a") && ask("b"), "both are new");
    assert!(ask("a"), "the damper is fresh");
    assert!(!ask("a") && !ask("b"));
    assert!(ask("c"), "but never because of others");
    for asker in 0..MAX_ANSWERED {
        ask(&asker.to_string());
    }
    assert!(replies.answered.len() <= MAX_ANSWERED);
}

#[test]
fn an_answer_is_a_step_2_and_an_owed_difference_an_update() {
    let now = Instant::now();
    let mut replies = Replies::default();
    let update = Bytes::from_static(b"update");
    for (label, reply, expected) in [
        ("answer", answer(), Message::SyncStep2(update.clone())),
        ("owed", owed(), Message::Update(update.clone())),
    ] {
        replies.begin(1, reply.clone());
        assert_eq!(replies.take_encoding(2), None, "{label}: another token");
        assert_eq!(replies.take_encoding(1), Some(reply.clone()), "{label}");
        replies.set_ready(update.clone(), reply.clone());
        assert!(replies.is_busy());
        assert_eq!(replies.send(now, 0), Some((expected, reply)), "{label}");
    }
}

#[test]
fn only_an_owed_difference_is_waited_for() {
    let now = Instant::now();
    let timeout = Duration::from_secs(10);
    let mut replies = Replies::default();
    replies.set_ready(Bytes::from_static(b"update"), answer());
    replies.send(now, 4);
    assert_eq!(replies.ack_deadline(timeout), None);
    replies.set_ready(Bytes::from_static(b"owed"), owed());
    replies.send(now, 5);
    assert_eq!(replies.confirm_echo(b"other"), None);
    assert_eq!(replies.take_overdue(now, timeout), None);
    assert_eq!(replies.take_overdue(now + timeout, timeout), Some(5));
    replies.set_ready(Bytes::from_static(b"owed"), owed());
    replies.send(now, 6);
    replies.set_ready(Bytes::from_static(b"answer"), answer());
    replies.send(now, 7);
    assert_eq!(replies.confirm_echo(b"owed"), Some((6, Some(3))), "whatever was sent later");
    assert_eq!(replies.confirm_echo(b"answer"), Some((7, None)));
}
