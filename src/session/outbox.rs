//! Local edits of one document that the log has not confirmed. They stay here until it has.

mod owed;
mod sent;
mod unsent;

use std::collections::VecDeque;
use std::sync::LazyLock;

use bytes::Bytes;
use smallvec::SmallVec;

use super::rare::Unused;
use crate::error::{ErrorCode, ProviderError};
use owed::Owed;
use sent::Sent;
use unsent::{MAX_BATCH, Unsent};

/// Consecutive edits, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edits {
    first: u64,
    last: u64,
}

impl Edits {
    fn and(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// Edits the server refused. Their bytes are not kept: with the next connection they are owed.
#[derive(Debug)]
struct Refused {
    first: u64,
    last: u64,
    error: ProviderError,
}

/// What one document still has to bring into the log.
///
/// Edits are numbered from 1. Each unconfirmed edit is in at least one of four places: an unsent update, a sent update,
/// the difference the document owes, or among the refused. Merged updates cover every edit between their first and last
/// one, so the oldest unconfirmed edit is never reported too late.
#[derive(Debug)]
pub(crate) struct Outbox {
    limit: usize,
    last_edit: u64,
    /// Ordered by their first edit, parts of one update by their place in it.
    unsent: VecDeque<Unsent>,
    /// In the order in which they were sent.
    sent: VecDeque<Sent>,
    /// Bytes of updates that are not parts of a larger one: for parts the document's size is the bound, and forgetting
    /// them would only make the same parts again.
    bytes: usize,
    /// Bytes of those parts.
    part_bytes: usize,
    /// Updates at the end of `unsent` that were not merged yet.
    unmerged: usize,
    owed: Option<Owed>,
    refused: Option<Refused>,
    missed_acks: u32,
}

impl Unused for Outbox {
    fn unused() -> &'static Self {
        static UNUSED: LazyLock<Outbox> = LazyLock::new(|| Outbox::new(0));
        &UNUSED
    }
}

impl Outbox {
    /// An empty outbox that keeps at most `limit` bytes of updates.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            last_edit: 0,
            unsent: VecDeque::new(),
            sent: VecDeque::new(),
            bytes: 0,
            part_bytes: 0,
            unmerged: 0,
            owed: None,
            refused: None,
            missed_acks: 0,
        }
    }

    /// A local edit.
    pub(crate) fn push(&mut self, update: Bytes) {
        self.last_edit += 1;
        let edits = Edits { first: self.last_edit, last: self.last_edit };
        if let Some(owed) = self.owed.as_mut().filter(|owed| !owed.is_requested) {
            // It is in the document, so the difference will have it.
            owed.edits = owed.edits.and(edits);
            return;
        }
        self.bytes += update.len();
        self.unsent.push_back(Unsent::new(edits, update));
        self.unmerged += 1;
        if self.bytes > self.limit {
            self.collapse();
        } else if self.unmerged >= MAX_BATCH {
            self.merge_tail();
        }
    }

    /// A local edit that is refused right here.
    pub(crate) fn push_refused(&mut self, error: ProviderError) {
        self.last_edit += 1;
        self.note_refusal(Edits { first: self.last_edit, last: self.last_edit }, error);
    }

    /// Number of the newest edit.
    pub(crate) fn last_edit(&self) -> u64 {
        self.last_edit
    }

    /// The oldest edit that is not confirmed.
    pub(crate) fn oldest_unconfirmed(&self) -> Option<u64> {
        let unsent = self.unsent.front().map(|unsent| unsent.edits.first);
        let sent = self.sent.iter().map(|sent| sent.edits.first).min();
        let owed = self.owed.map(|owed| owed.edits.first);
        let refused = self.refused.as_ref().map(|refused| refused.first);
        [unsent, sent, owed, refused].into_iter().flatten().min()
    }

    /// Whether something may still be confirmed on this connection.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.unsent.is_empty() || !self.sent.is_empty() || self.owed.is_some()
    }

    /// Whether something is neither confirmed nor on its way as an update.
    pub(crate) fn has_undelivered(&self) -> bool {
        !self.unsent.is_empty() || self.owed.is_some() || self.refused.is_some()
    }

    /// Why edits stay unconfirmed, and the first of them.
    pub(crate) fn refusal(&self) -> Option<(u64, &ProviderError)> {
        self.refused.as_ref().map(|refused| (refused.first, &refused.error))
    }

    /// Bytes of updates that wait to be sent or confirmed.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.bytes + self.part_bytes
    }

    /// Whether updates wait to be sent.
    pub(crate) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Gives up a sent update. Edits stay unconfirmed, with the reason.
    pub(crate) fn refuse(&mut self, ack_id: u64, error: ProviderError) {
        if let Some(sent) = self.take_sent(ack_id) {
            self.forget_bytes(sent.part, sent.update.len());
            self.note_refusal(sent.edits, error);
        }
    }

    /// Gives up everything, and returns the ids of what was sent. It stays unconfirmed, with the reason.
    pub(crate) fn refuse_all(&mut self, error: &ProviderError) -> SmallVec<[u64; 4]> {
        let ids = self.recall_all();
        self.collapse();
        self.refuse_difference(error.clone());
        ids
    }

    /// A new connection: nothing is on its way, and what another token or server refused gets another chance.
    pub(crate) fn restart(&mut self) {
        self.recall_all();
        self.renew_difference();
        self.missed_acks = 0;
        if let Some(refused) =
            self.refused.take_if(|refused| refused.error.code != ErrorCode::ReadOnly)
        {
            self.owe(Edits { first: refused.first, last: refused.last });
        }
    }

    fn note_refusal(&mut self, edits: Edits, error: ProviderError) {
        let before = self
            .refused
            .take()
            .map_or(edits, |before| Edits { first: before.first, last: before.last });
        let Edits { first, last } = before.and(edits);
        self.refused = Some(Refused { first, last, error });
    }

    fn forget_bytes(&mut self, part: Option<usize>, bytes: usize) {
        if part.is_some() {
            self.part_bytes -= bytes;
        } else {
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests;
