//! Local edits of one document that the log has not confirmed. They stay here until it has.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::error::{ErrorCode, ProviderError};
use crate::protocol::update;

/// Updates that go out as one message. Merging takes time that grows with the square of their number.
const MAX_BATCH: usize = 64;

/// Bytes of updates that go out as one message; one larger update goes out alone.
const MAX_BATCH_BYTES: usize = 128 * 1024;

/// After a missing ack, the next one may take twice as long, up to this many times doubled.
const MAX_DOUBLINGS: u32 = 6;

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

#[derive(Debug)]
struct Unsent {
    edits: Edits,
    /// Its place among the parts of an update that was too large. Parts stay as they are; merged, they would be too
    /// large again.
    part: Option<usize>,
    update: Bytes,
}

impl Unsent {
    fn new(edits: Edits, update: Bytes) -> Self {
        Self { edits, part: None, update }
    }

    fn order(&self) -> (u64, Option<usize>) {
        (self.edits.first, self.part)
    }
}

#[derive(Debug)]
struct Sent {
    edits: Edits,
    part: Option<usize>,
    update: Bytes,
    ack_id: u64,
    at: Instant,
    /// Whether the server was known to listen by then.
    is_expected: bool,
}

/// Edits that only the document has: what the server lacks must be computed from it.
#[derive(Debug, Clone, Copy)]
struct Owed {
    edits: Edits,
    is_requested: bool,
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
    /// Updates at the end of `unsent` that were not merged yet.
    unmerged: usize,
    owed: Option<Owed>,
    refused: Option<Refused>,
    missed_acks: u32,
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

    /// The document has content nobody handed in as an update.
    pub(crate) fn push_content(&mut self) {
        self.last_edit += 1;
        self.owe(Edits { first: self.last_edit, last: self.last_edit });
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

    /// Whether updates wait to be sent.
    pub(crate) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Takes the next update to send: neighbours merged, as long as they are small. It waits for the ack `ack_id`.
    pub(crate) fn send(&mut self, now: Instant, ack_id: u64) -> Option<Bytes> {
        let mut count = 0;
        let mut size = 0;
        for unsent in self.unsent.iter().take(MAX_BATCH) {
            size += unsent.update.len();
            if count > 0 && (size > MAX_BATCH_BYTES || unsent.part.is_some()) {
                break;
            }
            count += 1;
            if unsent.part.is_some() {
                break;
            }
        }
        let batch = self.take_merged(0, count)?;
        self.unmerged = self.unmerged.min(self.unsent.len());
        let update = batch.update.clone();
        let Unsent { edits, part, update: sent } = batch;
        let sent = Sent { edits, part, update: sent, ack_id, at: now, is_expected: false };
        self.sent.push_back(sent);
        Some(update)
    }

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
        self.forget_bytes(&sent);
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
        let mut ids = SmallVec::new();
        while let Some(sent) = self.sent.pop_front() {
            ids.push(sent.ack_id);
            self.insert_unsent(sent);
        }
        ids
    }

    /// What [`Self::send`] gave last takes more than `limit` bytes: puts it back in parts that don't; false if that can't
    /// be.
    pub(crate) fn split_last(&mut self, limit: usize) -> bool {
        let parts = match self.sent.back() {
            Some(Sent { part: None, update, .. }) => update::split_to_size(update, limit),
            _ => return false,
        };
        let Ok(Some(parts)) = parts else { return false };
        let Some(sent) = self.sent.pop_back() else { return false };
        self.forget_bytes(&sent);
        self.insert_parts(sent.edits, parts);
        true
    }

    /// The difference that settles edits up to `covers` takes more than `limit` bytes: from now on its parts settle
    /// them; false if that can't be.
    pub(crate) fn split_difference(&mut self, covers: u64, update: &[u8], limit: usize) -> bool {
        let Some(owed) = self.owed else { return false };
        let Ok(Some(parts)) = update::split_to_size(update, limit) else { return false };
        self.insert_parts(Edits { first: owed.edits.first, last: covers }, parts);
        self.confirm_difference(covers);
        true
    }

    /// Gives up a sent update. Edits stay unconfirmed, with the reason.
    pub(crate) fn refuse(&mut self, ack_id: u64, error: ProviderError) {
        if let Some(sent) = self.take_sent(ack_id) {
            self.forget_bytes(&sent);
            self.note_refusal(sent.edits, error);
        }
    }

    /// Whether a difference is owed that nobody works on.
    pub(crate) fn is_difference_due(&self) -> bool {
        self.owed.is_some_and(|owed| !owed.is_requested)
    }

    /// A difference is being computed now. Returns the newest edit that it settles, if one is owed at all.
    pub(crate) fn request_difference(&mut self) -> Option<u64> {
        let owed = self.owed.as_mut()?;
        owed.is_requested = true;
        Some(owed.edits.last)
    }

    /// The difference that settles edits up to `covers` is in the log.
    pub(crate) fn confirm_difference(&mut self, covers: u64) {
        self.missed_acks = 0;
        if let Some(owed) = &mut self.owed {
            if owed.edits.last <= covers {
                self.owed = None;
            } else {
                owed.edits.first = owed.edits.first.max(covers + 1);
            }
        }
    }

    /// The difference did not get through: it is due again.
    pub(crate) fn renew_difference(&mut self) {
        if let Some(owed) = &mut self.owed {
            owed.is_requested = false;
        }
    }

    /// The difference was refused.
    pub(crate) fn refuse_difference(&mut self, error: ProviderError) {
        if let Some(owed) = self.owed.take() {
            self.note_refusal(owed.edits, error);
        }
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

    /// How long an ack may take by now.
    pub(crate) fn patience(&self, timeout: Duration) -> Duration {
        timeout * 2_u32.pow(self.missed_acks.min(MAX_DOUBLINGS))
    }

    fn owe(&mut self, edits: Edits) {
        let edits = self.owed.map_or(edits, |owed| owed.edits.and(edits));
        self.owed = Some(Owed { edits, is_requested: false });
    }

    fn note_refusal(&mut self, edits: Edits, error: ProviderError) {
        let before = self
            .refused
            .take()
            .map_or(edits, |before| Edits { first: before.first, last: before.last });
        let Edits { first, last } = before.and(edits);
        self.refused = Some(Refused { first, last, error });
    }

    /// Too much to keep: forget the updates, the document has them.
    fn collapse(&mut self) {
        let unsent = self.unsent.drain(..).map(|unsent| unsent.edits);
        let edits = unsent.chain(self.sent.drain(..).map(|sent| sent.edits)).reduce(Edits::and);
        self.bytes = 0;
        self.unmerged = 0;
        if let Some(edits) = edits {
            self.owe(edits);
        }
    }

    /// Keeps a long offline session from piling up tiny updates.
    fn merge_tail(&mut self) {
        let at = self.unsent.len() - self.unmerged;
        if let Some(merged) = self.take_merged(at, self.unmerged) {
            self.unsent.insert(at, merged);
        }
        self.unmerged = 0;
    }

    /// Removes up to `count` neighbours and returns them as one; fewer if they can't be merged.
    fn take_merged(&mut self, at: usize, count: usize) -> Option<Unsent> {
        let single = |update: &Unsent| (update.update.clone(), update.edits);
        let neighbours: SmallVec<[(Bytes, Edits); 8]> =
            self.unsent.range(at..at + count).map(single).collect();
        let (first, edits) = neighbours.first().cloned()?;
        let updates: SmallVec<[&Bytes; 8]> = neighbours.iter().map(|(update, _)| update).collect();
        let merged = if count > 1 { update::merge(&updates).ok() } else { None };
        let Some(merged) = merged else {
            return self.unsent.remove(at).or(Some(Unsent::new(edits, first)));
        };
        let size: usize = updates.iter().map(|update| update.len()).sum();
        self.bytes = self.bytes - size + merged.len();
        let edits = neighbours.iter().map(|&(_, edits)| edits).fold(edits, Edits::and);
        self.unsent.drain(at..at + count);
        Some(Unsent::new(edits, merged.into()))
    }

    fn take_sent(&mut self, ack_id: u64) -> Option<Sent> {
        // Of a document that leaves, several have the same id; the newest is the one that was just made.
        let index = self.sent.iter().rposition(|sent| sent.ack_id == ack_id)?;
        self.sent.remove(index)
    }

    fn insert_unsent(&mut self, sent: Sent) {
        let unsent = Unsent { edits: sent.edits, part: sent.part, update: sent.update };
        let at = self.unsent.partition_point(|other| other.order() < unsent.order());
        self.unsent.insert(at, unsent);
    }

    fn insert_parts(&mut self, edits: Edits, parts: Vec<Vec<u8>>) {
        let at = self.unsent.partition_point(|unsent| unsent.edits.first < edits.first);
        for (index, part) in parts.into_iter().enumerate() {
            let part = Unsent { edits, part: Some(index), update: part.into() };
            self.unsent.insert(at + index, part);
        }
    }

    fn forget_bytes(&mut self, sent: &Sent) {
        if sent.part.is_none() {
            self.bytes -= sent.update.len();
        }
    }
}

#[cfg(test)]
mod tests;
