//! Callers that wait until what they wrote is in the log.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::work::DocKey;

/// Pending flushes. Each waits for some documents, each up to the newest edit at the time of the call.
#[derive(Debug, Default)]
pub(crate) struct FlushWaiters {
    /// Documents each flush still waits for.
    remaining: HashMap<u64, usize>,
    /// Who waits for a document, and for which of its edits. A finished flush may linger here; it is skipped.
    by_document: HashMap<DocKey, SmallVec<[(u64, u64); 1]>>,
}

impl FlushWaiters {
    /// Adds a flush that waits for `(document, newest edit)` pairs; false if there is nothing to wait for.
    pub(crate) fn add(
        &mut self,
        id: u64,
        targets: impl IntoIterator<Item = (DocKey, u64)>,
    ) -> bool {
        let mut count = 0;
        for (key, edit) in targets {
            self.by_document.entry(key).or_default().push((id, edit));
            count += 1;
        }
        if count > 0 {
            self.remaining.insert(id, count);
        }
        count > 0
    }

    /// The document's edits before `oldest_unconfirmed` (all, if `None`) are confirmed. Returns finished flushes.
    pub(crate) fn confirm(
        &mut self,
        key: DocKey,
        oldest_unconfirmed: Option<u64>,
    ) -> SmallVec<[u64; 1]> {
        let mut finished = SmallVec::new();
        let Some(waiting) = self.by_document.get_mut(&key) else { return finished };
        let remaining = &mut self.remaining;
        waiting.retain(|&mut (id, edit)| {
            if oldest_unconfirmed.is_some_and(|oldest| oldest <= edit) {
                return remaining.contains_key(&id);
            }
            if let Some(count) = remaining.get_mut(&id) {
                *count -= 1;
                if *count == 0 {
                    remaining.remove(&id);
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
        let was_pending = self.remaining.remove(&id).is_some();
        if self.remaining.is_empty() {
            self.by_document.clear();
        }
        was_pending
    }

    /// Ends all flushes and returns their ids, in order.
    pub(crate) fn cancel_all(&mut self) -> Vec<u64> {
        self.by_document.clear();
        let mut ids: Vec<u64> = self.remaining.drain().map(|(id, _)| id).collect();
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
}
