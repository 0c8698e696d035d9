//! Updates that are on their way: confirmed, or taken back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use smallvec::SmallVec;

use super::{Edits, Outbox};

/// After a missing ack, the next one may take twice as long, up to this many times doubled.
const MAX_DOUBLINGS: u32 = 6;

#[derive(Debug)]
pub(super) struct Sent {
    pub(super) edits: Edits,
    pub(super) part: Option<usize>,
    pub(super) update: Bytes,
    pub(super) ack_id: u64,
    pub(super) at: Instant,
    /// Whether the server was known to listen by then.
    pub(super) is_expected: bool,
}

impl Outbox {
    /// The server was known to listen when the last update was sent.
    pub(crate) fn expect_last(&mut self) {
        if let Some(sent) = self.sent.back_mut() {
            sent.is_expected = true;
        }
    }

    /// Updates that are on their way to a server that listens, in the order in which they were sent.
    pub(crate) fn updates_on_their_way(&self) -> impl Iterator<Item = &[u8]> {
        self.sent.iter().filter(|sent| sent.is_expected).map(|sent| sent.update.as_ref())
    }

    /// The ack came; false if no sent update has this id.
    pub(crate) fn confirm(&mut self, ack_id: u64) -> bool {
        let Some(sent) = self.take_sent(ack_id) else { return false };
        self.forget_bytes(sent.part, sent.update.len());
        self.missed_acks = 0;
        true
    }

    /// Our own update came back from the log. Returns the ack id it was sent with.
    pub(crate) fn confirm_echo(&mut self, update: &[u8]) -> Option<u64> {
        let ack_id = self.sent.iter().find(|sent| sent.update == update)?.ack_id;
        self.confirm(ack_id);
        Some(ack_id)
    }

    /// When the oldest sent update has waited long enough.
    pub(crate) fn ack_deadline(&self, timeout: Duration) -> Option<Instant> {
        self.sent.front().map(|sent| sent.at + self.patience(timeout))
    }

    /// Takes back updates whose ack is overdue, and returns their ids.
    pub(crate) fn recall_overdue(&mut self, now: Instant, timeout: Duration) -> SmallVec<[u64; 4]> {
        let patience = self.patience(timeout);
        let mut ids = SmallVec::new();
        while self.sent.front().is_some_and(|sent| sent.at + patience <= now)
            && let Some(sent) = self.sent.pop_front()
        {
            ids.push(sent.ack_id);
            self.insert_unsent(sent);
        }
        if !ids.is_empty() {
            self.miss_ack();
        }
        ids
    }

    /// An ack did not come in time: a server that is slow must not get more to do.
    pub(crate) fn miss_ack(&mut self) {
        self.missed_acks = self.missed_acks.saturating_add(1);
    }

    /// Takes back an update the server could not store just now.
    pub(crate) fn recall(&mut self, ack_id: u64) {
        if let Some(sent) = self.take_sent(ack_id) {
            self.insert_unsent(sent);
        }
    }

    /// Takes back everything sent, and returns the ids.
    pub(crate) fn recall_all(&mut self) -> SmallVec<[u64; 4]> {
        self.recall_unheard(|_| false)
    }

    /// Takes back what may not have been heard, by its ack id, and returns the ids.
    pub(crate) fn recall_unheard(&mut self, is_heard: impl Fn(u64) -> bool) -> SmallVec<[u64; 4]> {
        let mut ids = SmallVec::new();
        for sent in std::mem::take(&mut self.sent) {
            if is_heard(sent.ack_id) {
                self.sent.push_back(sent);
            } else {
                ids.push(sent.ack_id);
                self.insert_unsent(sent);
            }
        }
        ids
    }

    /// How long an ack may take by now.
    pub(crate) fn patience(&self, timeout: Duration) -> Duration {
        timeout * 2_u32.pow(self.missed_acks.min(MAX_DOUBLINGS))
    }

    pub(super) fn take_sent(&mut self, ack_id: u64) -> Option<Sent> {
        // Of a document that leaves, several have the same id; the newest is the one that was just made.
        let index = self.sent.iter().rposition(|sent| sent.ack_id == ack_id)?;
        self.sent.remove(index)
    }
}
