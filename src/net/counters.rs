//! What can be seen of a driver task from outside. Nothing is decided by it.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counters of one driver task, shared with its handles.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Commands with edits that the task has not handled.
    queued_edits: AtomicUsize,
    /// Documents with edits that are not in the log, as the session sees it.
    unsynced_documents: AtomicUsize,
}

impl Counters {
    /// A command with edits is about to be sent.
    pub(super) fn begin_edits(&self) {
        self.queued_edits.fetch_add(1, Ordering::Relaxed);
    }

    /// It was handled, after [`Self::set_unsynced_documents`]; or it could not be sent.
    pub(super) fn end_edits(&self) {
        self.queued_edits.fetch_sub(1, Ordering::Release);
    }

    pub(super) fn set_unsynced_documents(&self, count: usize) {
        self.unsynced_documents.store(count, Ordering::Release);
    }

    /// Whether there are edits that are not in the log. An edit is seen from the moment it was sent.
    pub(super) fn has_unsynced_changes(&self) -> bool {
        // In this order: what is no longer queued has been counted.
        self.queued_edits.load(Ordering::Acquire) > 0
            || self.unsynced_documents.load(Ordering::Acquire) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_unsynced_from_the_moment_they_are_sent_until_the_log_has_them() {
        let counters = Counters::default();
        assert!(!counters.has_unsynced_changes());
        counters.begin_edits();
        assert!(counters.has_unsynced_changes(), "queued");
        counters.set_unsynced_documents(1);
        counters.end_edits();
        assert!(counters.has_unsynced_changes(), "in the outbox");
        counters.set_unsynced_documents(0);
        assert!(!counters.has_unsynced_changes());
    }
}
