//! Callers that wait until a document is synced.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::work::DocKey;

/// Pending calls of `when_synced`, each for one document.
#[derive(Debug, Default)]
pub(crate) struct SyncWaiters {
    documents: HashMap<u64, DocKey>,
    by_document: HashMap<DocKey, SmallVec<[u64; 1]>>,
}

impl SyncWaiters {
    pub(crate) fn add(&mut self, id: u64, key: DocKey) {
        self.documents.insert(id, key);
        self.by_document.entry(key).or_default().push(id);
    }

    /// The document is synced, or will never be. Returns those who waited for it, in order.
    pub(crate) fn take(&mut self, key: DocKey) -> SmallVec<[u64; 1]> {
        let waiting = self.by_document.remove(&key).unwrap_or_default();
        for id in &waiting {
            self.documents.remove(id);
        }
        waiting
    }

    /// Ends one wait; false if it has ended already.
    pub(crate) fn cancel(&mut self, id: u64) -> bool {
        let Some(key) = self.documents.remove(&id) else { return false };
        if let Some(waiting) = self.by_document.get_mut(&key) {
            waiting.retain(|other| *other != id);
            if waiting.is_empty() {
                self.by_document.remove(&key);
            }
        }
        true
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Ends all waits and returns their ids, in order.
    pub(crate) fn cancel_all(&mut self) -> Vec<u64> {
        self.by_document.clear();
        let mut ids: Vec<u64> = self.documents.drain().map(|(id, _)| id).collect();
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
    fn only_those_who_wait_for_the_document_are_told_and_once() {
        let mut waiters = SyncWaiters::default();
        waiters.add(1, A);
        waiters.add(2, B);
        waiters.add(3, A);
        assert_eq!(waiters.take(A).as_slice(), [1, 3]);
        assert!(waiters.take(A).is_empty());
        assert_eq!(waiters.cancel_all(), [2]);
    }

    #[test]
    fn a_cancelled_wait_leaves_nothing_behind() {
        let mut waiters = SyncWaiters::default();
        waiters.add(1, A);
        assert!(waiters.cancel(1));
        assert!(!waiters.cancel(1));
        assert!(waiters.by_document.is_empty());
        assert!(waiters.take(A).is_empty());
    }
}
