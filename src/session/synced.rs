//! When a document holds everything the server had.

/// Follows the updates a document was given, and decides when it is synced.
///
/// It becomes synced when the update that completes it (a step 2, a hydration, or whatever came before our own step 1
/// was back) is applied and nothing is missing. It stays synced until the connection is lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Synced {
    is_current: bool,
    is_loaded: bool,
    /// Tokens of updates handed to the document, and of those it has handled.
    issued: u64,
    handled: u64,
    is_missing: bool,
    /// The update that completes the document.
    completing: Option<u64>,
    /// A step 1 is due when this update is handled, because later ones were dropped.
    gap_after: Option<u64>,
}

/// What a change of [`Synced`] means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// Not yet, or it was synced already.
    Unchanged,
    /// It is synced now.
    Synced,
    /// It is synced now for the first time.
    Loaded,
}

impl Synced {
    pub(crate) fn is_synced(&self) -> bool {
        self.is_current
    }

    /// Whether the document held updates that wait for missing ones when it was heard of last.
    pub(crate) fn is_missing_updates(&self) -> bool {
        self.is_missing
    }

    /// The token for the next update.
    pub(crate) fn next_token(&mut self) -> u64 {
        self.issued += 1;
        self.issued
    }

    /// What was handed over so far completes the document.
    pub(crate) fn complete(&mut self) -> Completion {
        self.completing = Some(self.issued);
        self.settle()
    }

    /// Updates up to `handled` were applied, except the failed ones.
    pub(crate) fn handle_applied(
        &mut self,
        handled: u64,
        is_missing: bool,
        failed: impl Iterator<Item = u64>,
    ) -> Completion {
        self.handled = self.handled.max(handled);
        self.is_missing = is_missing;
        let completing = self.completing;
        if failed.into_iter().any(|token| Some(token) == completing) {
            self.completing = None;
        }
        self.settle()
    }

    /// Updates were dropped: what was handed over completes nothing.
    pub(crate) fn handle_overflow(&mut self) {
        self.completing = None;
        self.gap_after = Some(self.issued);
    }

    /// Whether the document caught up after an overflow; true once.
    pub(crate) fn take_gap(&mut self) -> bool {
        self.gap_after.take_if(|token| *token <= self.handled).is_some()
    }

    /// Whether a step 2 is being applied.
    pub(crate) fn is_completing(&self) -> bool {
        self.completing.is_some()
    }

    /// The connection is lost; true if it was synced.
    pub(crate) fn lose(&mut self) -> bool {
        self.completing = None;
        std::mem::take(&mut self.is_current)
    }

    fn settle(&mut self) -> Completion {
        let is_complete =
            self.completing.is_some_and(|token| token <= self.handled) && !self.is_missing;
        if !is_complete {
            return Completion::Unchanged;
        }
        self.completing = None;
        if std::mem::replace(&mut self.is_current, true) {
            Completion::Unchanged
        } else if std::mem::replace(&mut self.is_loaded, true) {
            Completion::Synced
        } else {
            Completion::Loaded
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(synced: &mut Synced, token: u64, is_missing: bool) -> Completion {
        synced.handle_applied(token, is_missing, std::iter::empty())
    }

    #[test]
    fn waits_until_the_completing_update_is_applied() {
        let mut synced = Synced::default();
        synced.next_token();
        synced.next_token();
        assert_eq!(synced.complete(), Completion::Unchanged);
        assert_eq!(applied(&mut synced, 1, false), Completion::Unchanged);
        assert_eq!(applied(&mut synced, 2, false), Completion::Loaded);
        synced.next_token();
        synced.complete();
        assert_eq!(applied(&mut synced, 3, false), Completion::Unchanged, "never twice in a row");
        assert!(synced.lose());
        assert!(!synced.lose());
        assert_eq!(
            synced.complete(),
            Completion::Synced,
            "an empty answer to an up-to-date document"
        );
    }

    #[test]
    fn waits_for_missing_updates() {
        let mut synced = Synced::default();
        synced.next_token();
        synced.complete();
        assert_eq!(applied(&mut synced, 1, true), Completion::Unchanged);
        synced.next_token();
        assert_eq!(applied(&mut synced, 2, false), Completion::Loaded);
    }

    #[test]
    fn a_failed_or_dropped_step_2_completes_nothing() {
        let mut synced = Synced::default();
        synced.next_token();
        synced.complete();
        assert_eq!(synced.handle_applied(1, false, [1].into_iter()), Completion::Unchanged);
        synced.next_token();
        synced.complete();
        synced.handle_overflow();
        assert!(!synced.take_gap(), "not caught up");
        assert_eq!(applied(&mut synced, 2, false), Completion::Unchanged);
        assert!(synced.take_gap() && !synced.take_gap());
    }
}
