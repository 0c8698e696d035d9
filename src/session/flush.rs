//! Callers that wait until what they wrote is in the log.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use smallvec::SmallVec;

use super::work::DocKey;

/// Pending flushes. Each waits for some documents, each up to the newest edit at the time of the call.
#[derive(Debug, Default)]
pub(crate) struct FlushWaiters {
    pending: HashMap<u64, Pending>,
    /// Who waits for a document, and for which of its edits.
    by_document: HashMap<DocKey, SmallVec<[(u64, u64); 1]>>,
}

#[derive(Debug)]
struct Pending {
    /// The documents it waits for, and those that are confirmed already.
    documents: Box<[DocKey]>,
    /// How many it waits for.
    remaining: usize,
}

impl FlushWaiters {
    /// Adds a flush that waits for `(document, newest edit)` pairs; false if there is nothing to wait for.
    pub(crate) fn add(
        &mut self,
        id: u64,
        targets: impl IntoIterator<Item = (DocKey, u64)>,
    ) -> bool {
        let targets = targets.into_iter();
        let documents: Box<[DocKey]> = targets
            .map(|(key, edit)| {
                self.by_document.entry(key).or_default().push((id, edit));
                key
            })
            .collect();
        let remaining = documents.len();
        if remaining > 0 {
            self.pending.insert(id, Pending { documents, remaining });
        }
        remaining > 0
    }

    /// The document's edits before `oldest_unconfirmed` (all, if `None`) are confirmed. Returns finished flushes.
    pub(crate) fn confirm(
        &mut self,
        key: DocKey,
        oldest_unconfirmed: Option<u64>,
    ) -> SmallVec<[u64; 1]> {
        let mut finished = SmallVec::new();
        let Some(waiting) = self.by_document.get_mut(&key) else { return finished };
        let pending = &mut self.pending;
        waiting.retain(|&mut (id, edit)| {
            if oldest_unconfirmed.is_some_and(|oldest| oldest <= edit) {
                return true;
            }
            if let Some(flush) = pending.get_mut(&id) {
                flush.remaining -= 1;
                if flush.remaining == 0 {
                    pending.remove(&id);
                    finished.push(id);
                }
            }
            false
        });
        if waiting.is_empty() {
            self.by_document.remove(&key);
        }
        finished
    }

    /// The document's edits from `first` on were refused or dropped. Returns the flushes that waited for them.
    pub(crate) fn fail(&mut self, key: DocKey, first: u64) -> SmallVec<[u64; 1]> {
        let Some(waiting) = self.by_document.get(&key) else { return SmallVec::new() };
        let affected: SmallVec<[u64; 1]> =
            waiting.iter().filter(|&&(_, edit)| edit >= first).map(|&(id, _)| id).collect();
        affected.into_iter().filter(|&id| self.cancel(id)).collect()
    }

    /// Ends a flush early; false if it has ended already.
    pub(crate) fn cancel(&mut self, id: u64) -> bool {
        let Some(flush) = self.pending.remove(&id) else { return false };
        for key in flush.documents {
            let Entry::Occupied(mut waiting) = self.by_document.entry(key) else { continue };
            waiting.get_mut().retain(|&mut (other, _)| other != id);
            if waiting.get().is_empty() {
                waiting.remove();
            }
        }
        true
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Ends all flushes and returns their ids, in order.
    pub(crate) fn cancel_all(&mut self) -> Vec<u64> {
        self.by_document.clear();
        let mut ids: Vec<u64> = self.pending.drain().map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: DocKey = DocKey(1);
    const B: DocKey = DocKey(2);

    #[test]
    fn finishes_when_every_document_is_confirmed_up_to_the_call() {
        let mut waiters = FlushWaiters::default();
        assert!(waiters.add(1, [(A, 3), (B, 1)]));
        assert!(waiters.confirm(A, Some(3)).is_empty(), "edit 3 itself is open");
        assert!(waiters.confirm(A, Some(4)).is_empty(), "the other document is open");
        assert_eq!(waiters.confirm(B, None).as_slice(), [1], "later edits of A don't count");
        assert!(waiters.confirm(B, None).is_empty(), "only once");
    }

    #[test]
    fn has_nothing_to_wait_for_without_documents() {
        assert!(!FlushWaiters::default().add(1, []));
    }

    #[test]
    fn fails_only_flushes_that_cover_the_refused_edit() {
        let mut waiters = FlushWaiters::default();
        waiters.add(1, [(A, 2)]);
        waiters.add(2, [(A, 5)]);
        assert_eq!(waiters.fail(A, 3).as_slice(), [2]);
        assert_eq!(waiters.confirm(A, None).as_slice(), [1]);
    }

    #[test]
    fn a_cancelled_flush_never_finishes() {
        let mut waiters = FlushWaiters::default();
        waiters.add(1, [(A, 2)]);
        waiters.add(2, [(A, 2)]);
        assert!(waiters.cancel(1));
        assert!(!waiters.cancel(1));
        assert_eq!(waiters.confirm(A, None).as_slice(), [2]);
        waiters.add(3, [(B, 1)]);
        assert_eq!(waiters.cancel_all(), [3]);
    }

    #[test]
    fn a_cancelled_flush_leaves_nothing_behind() {
        let mut waiters = FlushWaiters::default();
        waiters.add(0, [(A, 1)]);
        for id in 1..=100 {
            assert!(waiters.add(id, [(A, id), (B, id)]));
        }
        assert!(waiters.confirm(B, Some(50)).is_empty(), "edits of A are open");
        for id in 1..=99 {
            assert!(waiters.cancel(id));
        }
        assert_eq!(waiters.by_document[&A].as_slice(), [(0, 1), (100, 100)]);
        assert_eq!(waiters.by_document[&B].as_slice(), [(100, 100)]);
        assert_eq!(waiters.fail(B, 1).as_slice(), [100]);
        assert!(!waiters.by_document.contains_key(&B));
        assert_eq!(waiters.confirm(A, None).as_slice(), [0]);
        assert!(waiters.by_document.is_empty() && waiters.pending.is_empty());
    }
}
