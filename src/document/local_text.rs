//! Plain edits of texts on the JS thread, held back from the CRDT while nobody can tell.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::edit::{check, text_delete, text_insert};
use super::local::LocalDocument;
use super::record::Record;
use super::text_edits::TextEdits;
use super::value::TypeHandle;
use crate::error::ProviderError;

/// With more parts than this, edits that are all over a text would find their part too slowly.
const MAX_PARTS: usize = 1024;

/// A plain edit of a text: no attributes, no embed. Counts UTF-16 units.
#[derive(Debug, Clone, Copy)]
pub enum TextEdit<'a> {
    /// A chunk comes in at an index.
    Insert(u32, &'a str),
    /// A chunk comes in at the end.
    Append(&'a str),
    /// A range, index and length, goes away.
    Delete(u32, u32),
}

impl<'a> TextEdit<'a> {
    /// Index and length of what it deletes, or where it inserts, in a text of this length.
    pub(super) fn range(&self, text_length: u32) -> (u32, u32) {
        match *self {
            Self::Insert(index, _) => (index, 0),
            Self::Append(_) => (text_length, 0),
            Self::Delete(index, length) => (index, length),
        }
    }

    /// What it inserts.
    pub(super) fn chunk(&self) -> Option<&'a str> {
        match *self {
            Self::Insert(_, chunk) | Self::Append(chunk) => Some(chunk),
            Self::Delete(..) => None,
        }
    }

    fn is_empty(&self) -> bool {
        matches!(*self, Self::Insert(_, "") | Self::Append("") | Self::Delete(_, 0))
    }
}

/// Edits of a text that the CRDT has not seen yet.
#[derive(Debug)]
pub(super) struct HeldEdits {
    text: TypeHandle,
    edits: TextEdits,
}

impl LocalDocument {
    /// Edits a text, in the open transaction or in one of its own. The baton must be held.
    ///
    /// What the edits of one transaction have in common reaches the CRDT when it is committed, or when anything else is
    /// done to the document. As long as nobody is told of single transactions, those of one tick are one. Indices are
    /// checked here and now.
    pub fn edit_text(
        &self,
        text: &TypeHandle,
        edit: TextEdit<'_>,
    ) -> Result<Option<Arc<Record>>, ProviderError> {
        self.shared.fence.check()?;
        if self.can_hold_back() && self.hold_back(text, edit)? {
            return Ok(None);
        }
        if !edit.is_empty()
            && let ControlFlow::Break(record) = self.edit_known(text, edit)?
        {
            return Ok(record);
        }
        let (index, record) = self.write(|txn| {
            let branch = text.branch(txn)?;
            let (index, length) = edit.range(branch.content_len());
            match edit.chunk() {
                Some(chunk) => text_insert(txn, branch, index, chunk, None)?,
                None => text_delete(txn, branch, index, length)?,
            }
            Ok(index)
        })?;
        self.learn(text, index, record.as_deref());
        Ok(record)
    }

    /// Length of a text in UTF-16 units. The baton must be held.
    pub fn text_length(&self, text: &TypeHandle) -> Result<u32, ProviderError> {
        if let Some(held) = self.held.borrow().as_ref().filter(|held| held.text == *text) {
            return Ok(held.edits.length());
        }
        self.read(|reader| text.branch(reader).map(|branch| branch.content_len()))?
    }

    /// Makes the edits that were held back.
    pub(super) fn flush_edits(&self) -> Result<(), ProviderError> {
        let held = self.held.take().filter(|held| !held.edits.is_empty());
        let Some(HeldEdits { text, edits }) = held.map(|held| *held) else { return Ok(()) };
        let ((), record) = self.write(|txn| {
            edits.apply(txn, text.branch(txn)?);
            Ok(())
        })?;
        debug_assert!(record.is_none(), "edits are held back only while nobody listens");
        Ok(())
    }

    /// Providers hear of a tick as a whole. Everybody else is told of every transaction, so then only those of one
    /// transaction can wait. Without garbage collection what came and went must stay in the document.
    fn can_hold_back(&self) -> bool {
        let is_anybody_told = self.shared.has_interest()
            || self.has_observed_types()
            || self.shared.content().undo.has_managers();
        (self.has_open_transaction() || !is_anybody_told) && self.shared.identity.is_gc_enabled()
    }

    /// Adds an edit to those that are held back. Returns whether it could.
    fn hold_back(&self, text: &TypeHandle, edit: TextEdit<'_>) -> Result<bool, ProviderError> {
        if self.held.borrow().as_ref().is_none_or(|held| held.text != *text) {
            let length = self.text_length(text)?;
            let held = HeldEdits { text: text.clone(), edits: TextEdits::new(length) };
            *self.held.borrow_mut() = Some(Box::new(held));
        }
        let mut held = self.held.borrow_mut();
        let Some(HeldEdits { edits, .. }) = held.as_deref_mut() else { return Ok(false) };
        let (index, length) = edit.range(edits.length());
        check(index, length, edits.length(), "text")?;
        let is_held = match edit.chunk() {
            Some(chunk) => edits.insert(index, chunk),
            None => edits.delete(index, length),
        };
        let is_full = edits.part_count() > MAX_PARTS;
        drop(held);
        if is_full {
            self.flush_edits()?;
        }
        Ok(is_held)
    }
}
