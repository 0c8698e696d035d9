//! Edits that are only in the document: what the log lacks of them is computed from it.

use super::{Edits, Outbox, Unsent};
use crate::error::ProviderError;
use crate::protocol::update::{self, Contents};

/// Edits that only the document has: what the server lacks must be computed from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owed {
    pub(super) edits: Edits,
    pub(super) is_requested: bool,
}

impl Outbox {
    /// The document has content nobody handed in as an update.
    pub(crate) fn push_content(&mut self) {
        self.last_edit += 1;
        self.owe(Edits { first: self.last_edit, last: self.last_edit });
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

    /// A difference was computed while edits were made: updates that it has in it need not be sent as well. Returns the
    /// newest edit that it settles; before it was computed that was `covers`.
    pub(crate) fn absorb(&mut self, difference: &[u8], covers: Option<u64>) -> Option<u64> {
        let is_owed_elsewhere = self.owed.is_some() && covers.is_none();
        if self.unsent.is_empty() || is_owed_elsewhere {
            return covers;
        }
        let Ok(difference) = Contents::of(difference) else { return covers };
        let is_in_it = |unsent: &&Unsent| {
            Contents::of(&unsent.update).is_ok_and(|update| difference.contain(&update))
        };
        let count = self.unsent.iter().take_while(is_in_it).count();
        let absorbed: Vec<Unsent> = self.unsent.drain(..count).collect();
        self.unmerged = self.unmerged.min(self.unsent.len());
        let Some(edits) = absorbed.iter().map(|unsent| unsent.edits).reduce(Edits::and) else {
            return covers;
        };
        for unsent in absorbed {
            self.forget_bytes(unsent.part, unsent.update.len());
        }
        self.owe(edits);
        self.request_difference()
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

    /// The difference that settles edits up to `covers` takes more than `limit` bytes: from now on its parts settle
    /// them; false if that can't be.
    pub(crate) fn split_difference(&mut self, covers: u64, update: &[u8], limit: usize) -> bool {
        let Some(owed) = self.owed else { return false };
        let Ok(Some(parts)) = update::split_to_size(update, limit) else { return false };
        self.insert_parts(Edits { first: owed.edits.first, last: covers }, parts);
        self.confirm_difference(covers);
        true
    }

    pub(super) fn owe(&mut self, edits: Edits) {
        let edits = self.owed.map_or(edits, |owed| owed.edits.and(edits));
        self.owed = Some(Owed { edits, is_requested: false });
    }

    /// Too much to keep: forget the updates, the document has them.
    pub(super) fn collapse(&mut self) {
        let unsent = self.unsent.drain(..).map(|unsent| unsent.edits);
        let edits = unsent.chain(self.sent.drain(..).map(|sent| sent.edits)).reduce(Edits::and);
        self.bytes = 0;
        self.part_bytes = 0;
        self.unmerged = 0;
        if let Some(edits) = edits {
            self.owe(edits);
        }
    }
}
