//! What we send from the document itself: answers to step 1, and the difference the outbox owes.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::damper::Damper;
use crate::protocol::update;
use crate::protocol::y_message::Message;

/// A difference on its way through document and socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The newest edit it settles, if the outbox owed one.
    pub(crate) covers: Option<u64>,
    /// Sent as a step 2, because somebody asked; else as an update.
    pub(crate) is_answer: bool,
}

#[derive(Debug)]
struct Sent {
    ack_id: u64,
    covers: Option<u64>,
    digest: u64,
    at: Instant,
}

/// State of our differences on one connection. One at a time is computed, and the newest one sent is waited for.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// The vector of a step 1 that was not answered yet, and whether the server itself asked.
    asked: Option<(Bytes, bool)>,
    /// The server's newest vector.
    server_vector: Option<Bytes>,
    encoding: Option<(u64, Reply)>,
    /// Differences to send in this order; more than one only if they are parts of one that was too large.
    ready: VecDeque<(Bytes, Reply)>,
    sent: Option<Sent>,
    /// An answer was refused: no more of them on this connection.
    is_muted: bool,
    damper: Damper,
}

impl Replies {
    /// Somebody sent step 1.
    pub(crate) fn ask(&mut self, vector: &Bytes, is_server: bool) {
        // A copy, because it may wait, and a slice would keep the socket's whole read buffer alive.
        let vector = Bytes::copy_from_slice(vector);
        if is_server {
            self.server_vector = Some(vector.clone());
        }
        if is_server || self.asked.as_ref().is_none_or(|&(_, was_server)| !was_server) {
            self.asked = Some((vector, is_server));
        }
    }

    /// Whether a step 1 waits for its answer.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// An answer is not needed any more: somebody else gave it.
    pub(crate) fn withdraw_peer(&mut self) {
        self.asked.take_if(|&mut (_, is_server)| !is_server);
    }

    /// Whether an answer may be given now, damped: `Err` says when to ask again.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Instant> {
        self.damper.admit(now)
    }

    /// An answer was refused, and the next one would be.
    pub(crate) fn mute(&mut self) {
        self.is_muted = true;
        self.ready.retain(|(_, reply)| reply.covers.is_some());
    }

    pub(crate) fn is_muted(&self) -> bool {
        self.is_muted
    }

    /// Whether a difference is being computed or waits for the socket.
    pub(crate) fn is_busy(&self) -> bool {
        self.encoding.is_some() || !self.ready.is_empty()
    }

    /// Takes the step 1 to answer.
    pub(crate) fn take_asked(&mut self) -> Option<(Bytes, bool)> {
        self.asked.take()
    }

    /// The state vector the server had when it last asked on this connection.
    pub(crate) fn server_vector(&self) -> Option<&Bytes> {
        self.server_vector.as_ref()
    }

    /// The document was asked for a difference.
    pub(crate) fn begin(&mut self, token: u64, reply: Reply) {
        self.encoding = Some((token, reply));
    }

    /// The reply that this token was for.
    pub(crate) fn take_encoding(&mut self, token: u64) -> Option<Reply> {
        self.encoding.take_if(|&mut (expected, _)| expected == token).map(|(_, reply)| reply)
    }

    /// The difference is there.
    pub(crate) fn set_ready(&mut self, update: Bytes, reply: Reply) {
        self.ready.push_back((update, reply));
    }

    /// An answer takes more than `limit` bytes: puts its parts in its place, the last one as the answer; false if that
    /// can't be.
    pub(crate) fn split(&mut self, update: &[u8], limit: usize) -> bool {
        let Ok(Some(parts)) = update::split_to_size(update, limit) else { return false };
        let count = parts.len();
        for (index, part) in parts.into_iter().enumerate() {
            let reply = Reply { covers: None, is_answer: index + 1 == count };
            self.ready.push_back((part.into(), reply));
        }
        true
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the difference to send it with this ack id.
    pub(crate) fn send(&mut self, now: Instant, ack_id: u64) -> Option<(Message, Reply)> {
        let (update, reply) = self.ready.pop_front()?;
        self.sent = Some(Sent { ack_id, covers: reply.covers, digest: digest(&update), at: now });
        let message =
            if reply.is_answer { Message::SyncStep2(update) } else { Message::Update(update) };
        Some((message, reply))
    }

    /// The ack of the difference came, or it was given up.
    pub(crate) fn finish(&mut self, ack_id: u64) {
        self.sent.take_if(|sent| sent.ack_id == ack_id);
    }

    /// Our own difference came back from the log. Returns its ack id and what it covers.
    pub(crate) fn confirm_echo(&mut self, update: &[u8]) -> Option<(u64, Option<u64>)> {
        // Most echoes are updates of the outbox: hash only what may be ours.
        self.sent.as_ref()?;
        let digest = digest(update);
        self.sent.take_if(|sent| sent.digest == digest).map(|sent| (sent.ack_id, sent.covers))
    }

    /// When a difference that the outbox owes has waited long enough for its ack.
    pub(crate) fn ack_deadline(&self, timeout: Duration) -> Option<Instant> {
        self.sent.as_ref().filter(|sent| sent.covers.is_some()).map(|sent| sent.at + timeout)
    }

    /// Gives up waiting for an overdue difference; returns its ack id.
    pub(crate) fn take_overdue(&mut self, now: Instant, timeout: Duration) -> Option<u64> {
        self.sent
            .take_if(|sent| sent.covers.is_some() && sent.at + timeout <= now)
            .map(|sent| sent.ack_id)
    }
}

/// The bytes of a difference can be large, and only serve to recognise it.
fn digest(update: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    update.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWED: Reply = Reply { covers: Some(3), is_answer: false };

    #[test]
    fn a_peers_question_never_replaces_the_servers() {
        let mut replies = Replies::default();
        replies.ask(&Bytes::from_static(b"server"), true);
        replies.ask(&Bytes::from_static(b"peer"), false);
        replies.withdraw_peer();
        assert_eq!(replies.take_asked(), Some((Bytes::from_static(b"server"), true)));
        replies.ask(&Bytes::from_static(b"peer"), false);
        replies.withdraw_peer();
        assert!(!replies.is_asked());
        assert_eq!(replies.server_vector().map(AsRef::as_ref), Some(&b"server"[..]));
    }

    #[test]
    fn an_answer_is_a_step_2_and_an_owed_difference_an_update() {
        let now = Instant::now();
        let mut replies = Replies::default();
        let update = Bytes::from_static(b"update");
        for (label, reply, expected) in [
            ("answer", Reply { covers: None, is_answer: true }, Message::SyncStep2(update.clone())),
            ("owed", OWED, Message::Update(update.clone())),
        ] {
            replies.begin(1, reply);
            assert_eq!(replies.take_encoding(2), None, "{label}: another token");
            assert_eq!(replies.take_encoding(1), Some(reply), "{label}");
            replies.set_ready(update.clone(), reply);
            assert!(replies.is_busy());
            assert_eq!(replies.send(now, 0), Some((expected, reply)), "{label}");
        }
    }

    #[test]
    fn only_an_owed_difference_is_waited_for() {
        let now = Instant::now();
        let timeout = Duration::from_secs(10);
        let mut replies = Replies::default();
        replies.set_ready(Bytes::from_static(b"update"), Reply { covers: None, is_answer: true });
        replies.send(now, 4);
        assert_eq!(replies.ack_deadline(timeout), None);
        replies.set_ready(Bytes::from_static(b"owed"), OWED);
        replies.send(now, 5);
        assert_eq!(replies.confirm_echo(b"other"), None);
        assert_eq!(replies.take_overdue(now, timeout), None);
        assert_eq!(replies.take_overdue(now + timeout, timeout), Some(5));
        replies.set_ready(Bytes::from_static(b"owed"), OWED);
        replies.send(now, 6);
        assert_eq!(replies.confirm_echo(b"owed"), Some((6, Some(3))));
    }
}
