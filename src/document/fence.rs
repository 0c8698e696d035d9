//! Panics of the CRDT stay inside the document they happened in, and its recursion inside of a stack that is large
//! enough.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use yrs::TransactionMut;

use crate::error::{ErrorCode, ProviderError};

/// Stack that one level of nested shared types takes in the CRDT, with room to spare.
const BYTES_PER_LEVEL: usize = if cfg!(debug_assertions) { 8192 } else { 1024 };

/// Stacks are not made larger than this, whatever is in a document.
const MAX_STACK: usize = 1 << 30;

/// Remembers that the CRDT failed inside a document. Such a document is not used again: its content can't be trusted.
#[derive(Debug, Default)]
pub(super) struct Fence {
    is_poisoned: AtomicBool,
    /// At most this many shared types are in the document, so that is how deep they can be nested: a hostile peer may
    /// nest them one in the other, update by update, and the CRDT walks them recursively (T 3).
    types: AtomicUsize,
}

impl Fence {
    /// Fails for a poisoned document.
    pub(super) fn check(&self) -> Result<(), ProviderError> {
        if self.is_poisoned.load(Ordering::Acquire) { Err(poisoned()) } else { Ok(()) }
    }

    /// This many shared types came into the document.
    pub(super) fn add_types(&self, count: usize) {
        self.types.fetch_add(count, Ordering::Relaxed);
    }

    /// Runs code of the CRDT; a panic poisons the document.
    pub(super) fn run<R>(&self, work: impl FnOnce() -> R) -> Result<R, ProviderError> {
        let stack = (self.types.load(Ordering::Relaxed) * BYTES_PER_LEVEL).min(MAX_STACK);
        // Costs nothing as long as the thread's own stack is enough, which it is for all but hostile and huge documents.
        let work = || stacker::maybe_grow(stack, stack, work);
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
            self.is_poisoned.store(true, Ordering::Release);
            poisoned()
        })
    }

    /// Runs the body of an observer. The CRDT must not see it panic (T 2); the document is poisoned all the same.
    pub(super) fn observe(&self, work: impl FnOnce()) {
        self.run(work).ok();
    }

    /// Commits, so that dropping the transaction afterwards does nothing and can't panic.
    pub(super) fn commit(&self, txn: &mut TransactionMut<'_>) -> Result<(), ProviderError> {
        let committed = self.run(|| txn.commit());
        if committed.is_err() {
            // The first attempt marked it committed, so this returns at once and drop will, too.
            self.run(|| txn.commit()).ok();
        }
        committed.and_then(|()| self.check())
    }
}

fn poisoned() -> ProviderError {
    ProviderError::new(
        ErrorCode::DocPoisoned,
        "the document failed inside the CRDT and can't be used any more",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_poisons_the_document_and_nothing_else() {
        let (fence, other) = (Fence::default(), Fence::default());
        let error = fence.run(|| panic!("inside the CRDT")).expect_err("it panicked");
        assert_eq!(error.code, ErrorCode::DocPoisoned);
        assert!(fence.check().is_err());
        assert!(other.check().is_ok());
    }
}
