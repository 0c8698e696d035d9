//! Inputs inside of a text: embeds, shared types among them, and the runs of a delta.

use yrs::block::{EmbedPrelim, ItemContent, Prelim, Unused};
use yrs::branch::BranchPtr;
use yrs::{In, TransactionMut};

use super::input::{Input, fill, split};

/// An [`Input`] in the form in which the CRDT's texts take it.
pub(super) struct Embed {
    /// A value, or a shared type without its content.
    empty: In,
    /// What goes into a shared type once it has an id.
    rest: Option<Input>,
}

impl Embed {
    pub(super) fn new(input: Input) -> Self {
        let (empty, rest) = split(input);
        Self { empty, rest }
    }
}

impl Prelim for Embed {
    type Return = Unused;

    fn into_content(self, txn: &mut TransactionMut) -> (ItemContent, Option<Self>) {
        let rest = self.rest;
        let (content, empty) = self.empty.into_content(txn);
        (content, empty.map(|empty| Self { empty, rest }))
    }

    fn integrate(self, txn: &mut TransactionMut, branch: BranchPtr) {
        self.empty.integrate(txn, branch);
        if let Some(rest) = self.rest {
            // Filling an empty type meets no index that could be out of range.
            fill(txn, branch, rest).ok();
        }
    }
}

#[expect(
    clippy::from_over_into,
    reason = "the CRDT asks for Into; its own implementations of From leave no room for another"
)]
impl Into<EmbedPrelim<Embed>> for Embed {
    fn into(self) -> EmbedPrelim<Embed> {
        match self.empty {
            In::Any(any) => EmbedPrelim::Primitive(any),
            _ => EmbedPrelim::Shared(self),
        }
    }
}
