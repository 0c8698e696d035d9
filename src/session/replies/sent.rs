//! Differences that are on their way: confirmed, or given up.

use std::time::{Duration, Instant};

use super::{Replies, Reply, digest};
use crate::protocol::y_message::Message;

/// A difference that is on its way.
#[derive(Debug)]
pub(super) struct Sent {
    ack_id: u64,
    covers: Option<u64>,
    digest: u64,
    at: Instant,
}

impl Replies {
    /// Takes the difference to send it with this ack id.
    pub(crate) fn send(&mut self, now: Instant, ack_id: u64) -> Option<(Message, Reply)> {
        let (update, reply) = self.ready.pop_front()?;
        self.sent.retain(|sent| sent.covers.is_some());
        self.sent.push(Sent { ack_id, covers: reply.covers, digest: digest(&update), at: now });
        let message =
            if reply.is_answer { Message::SyncStep2(update) } else { Message::Update(update) };
        Some((message, reply))
    }

    /// The ack of the difference came, or it was given up.
    pub(crate) fn finish(&mut self, ack_id: u64) {
        self.sent.retain(|sent| sent.ack_id != ack_id);
    }

    /// Our own difference came back from the log. Returns its ack id and what it covers.
    pub(crate) fn confirm_echo(&mut self, update: &[u8]) -> Option<(u64, Option<u64>)> {
        // Most echoes are updates of the outbox: hash only what may be ours.
        if self.sent.is_empty() {
            return None;
        }
        let digest = digest(update);
        let index = self.sent.iter().position(|sent| sent.digest == digest)?;
        let Sent { ack_id, covers, .. } = self.sent.remove(index);
        Some((ack_id, covers))
    }

    /// When a difference that the outbox owes has waited long enough for its ack.
    pub(crate) fn ack_deadline(&self, timeout: Duration) -> Option<Instant> {
        self.owed_sent().map(|sent| sent.at + timeout).min()
    }

    /// Gives up waiting for an overdue difference; returns its ack id.
    pub(crate) fn take_overdue(&mut self, now: Instant, timeout: Duration) -> Option<u64> {
        let ack_id = self.owed_sent().find(|sent| sent.at + timeout <= now)?.ack_id;
        self.finish(ack_id);
        Some(ack_id)
    }

    /// Gives up waiting for a difference that may not have been heard; returns its ack id.
    pub(crate) fn take_unheard(&mut self, is_heard: impl Fn(u64) -> bool) -> Option<u64> {
        let ack_id = self.owed_sent().find(|sent| !is_heard(sent.ack_id))?.ack_id;
        self.finish(ack_id);
        Some(ack_id)
    }

    fn owed_sent(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter().filter(|sent| sent.covers.is_some())
    }
}
