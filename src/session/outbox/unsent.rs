//! Updates that wait to be sent: merged where they are small, in parts where they are too large.

use std::time::Instant;

use bytes::Bytes;
use smallvec::SmallVec;

use super::{Edits, Outbox, Sent};
use crate::protocol::update;

/// Updates that go out as one message. Merging takes time that grows with the square of their number.
pub(super) const MAX_BATCH: usize = 64;

/// Bytes of updates that go out as one message; one larger update goes out alone.
const MAX_BATCH_BYTES: usize = 128 * 1024;

#[derive(Debug)]
pub(super) struct Unsent {
    pub(super) edits: Edits,
    /// Its place among the parts of an update that was too large. Parts stay as they are; merged, they would be too
    /// large again.
    pub(super) part: Option<usize>,
    pub(super) update: Bytes,
}

impl Unsent {
    pub(super) fn new(edits: Edits, update: Bytes) -> Self {
        Self { edits, part: None, update }
    }

    pub(super) fn order(&self) -> (u64, Option<usize>) {
        (self.edits.first, self.part)
    }
}

impl Outbox {
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

    /// What [`Self::send`] gave last takes more than `limit` bytes: puts it back in parts that don't; false if that can't
    /// be.
    pub(crate) fn split_last(&mut self, limit: usize) -> bool {
        let parts = match self.sent.back() {
            Some(Sent { part: None, update, .. }) => update::split_to_size(update, limit),
            _ => return false,
        };
        let Ok(Some(parts)) = parts else { return false };
        let Some(sent) = self.sent.pop_back() else { return false };
        self.forget_bytes(sent.part, sent.update.len());
        self.insert_parts(sent.edits, parts);
        true
    }

    /// Keeps a long offline session from piling up tiny updates.
    pub(super) fn merge_tail(&mut self) {
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

    pub(super) fn insert_unsent(&mut self, sent: Sent) {
        let unsent = Unsent { edits: sent.edits, part: sent.part, update: sent.update };
        let at = self.unsent.partition_point(|other| other.order() < unsent.order());
        self.unsent.insert(at, unsent);
    }

    pub(super) fn insert_parts(&mut self, edits: Edits, parts: Vec<Vec<u8>>) {
        let at = self.unsent.partition_point(|unsent| unsent.edits.first < edits.first);
        for (index, part) in parts.into_iter().enumerate() {
            self.part_bytes += part.len();
            let part = Unsent { edits, part: Some(index), update: part.into() };
            self.unsent.insert(at + index, part);
        }
    }
}
