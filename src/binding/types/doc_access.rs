//! Reading and editing a document from JavaScript. Listeners of an edit run before it returns.

use std::rc::Rc;

use napi::bindgen_prelude::{JavaScriptClassExt, Object, Unknown};
use napi::{Env, JsValue};
use yrs::TransactionMut;

use super::doc_core::DocCore;
use super::transaction::YTransaction;
use super::transaction_argument::TransactionArgument;
use crate::binding::error::{OrThrow, Result};
use crate::binding::hidden::Hidden;
use crate::binding::identity::unboxed;
use crate::binding::raw::Reference;
use crate::document::{Reader, TextEdit, TypeHandle};
use crate::error::ProviderError;

impl DocCore {
    /// Reads.
    pub(super) fn read<R>(
        self: &Rc<Self>,
        env: Env,
        txn: Option<TransactionArgument>,
        read: impl FnOnce(&Reader<'_>) -> R,
    ) -> Result<R> {
        self.touch_to_read(env, txn)?;
        self.local.read(read).or_throw(env)
    }

    /// Reads what no plain edit of a text changes.
    pub(super) fn peek<R>(
        self: &Rc<Self>,
        env: Env,
        txn: Option<TransactionArgument>,
        read: impl FnOnce(&Reader<'_>) -> R,
    ) -> Result<R> {
        self.touch_to_read(env, txn)?;
        self.local.peek(read).or_throw(env)
    }

    /// Length of a text in UTF-16 units.
    pub(super) fn text_length(
        self: &Rc<Self>,
        env: Env,
        txn: Option<TransactionArgument>,
        text: &TypeHandle,
    ) -> Result<u32> {
        self.touch_to_read(env, txn)?;
        self.local.text_length(text).or_throw(env)
    }

    /// Makes a plain edit of a text, as [`DocCore::write`] makes any.
    pub(super) fn edit_text(
        self: &Rc<Self>,
        env: Env,
        txn: Option<TransactionArgument>,
        text: &TypeHandle,
        edit: TextEdit<'_>,
    ) -> Result<()> {
        self.touch_to_edit(env, txn)?;
        let record = self.local.edit_text(text, edit).or_throw(env)?;
        self.emit_local(env, record, None)
    }

    /// Edits: in the transaction given, in the open one, or in one of its own. Listeners run before this returns.
    pub(super) fn write<R>(
        self: &Rc<Self>,
        env: Env,
        txn: Option<TransactionArgument>,
        edit: impl FnOnce(&mut TransactionMut<'_>) -> std::result::Result<R, ProviderError>,
    ) -> Result<R> {
        self.write_and(env, txn, edit, Ok)
    }

    /// Edits, and does something about it before listeners hear of it.
    pub(super) fn write_and<R, S>(
        self: &Rc<Self>,
        env: Env,
        txn: Option<TransactionArgument>,
        edit: impl FnOnce(&mut TransactionMut<'_>) -> std::result::Result<R, ProviderError>,
        then: impl FnOnce(R) -> Result<S>,
    ) -> Result<S> {
        self.touch_to_edit(env, txn)?;
        let (value, record) = self.local.write(edit).or_throw(env)?;
        let value = then(value)?;
        self.emit_local(env, record, None)?;
        Ok(value)
    }

    /// Applies an update in a transaction of its own, or in the open one.
    pub(super) fn apply_update(
        self: &Rc<Self>,
        env: Env,
        update: &[u8],
        origin: Option<Reference>,
    ) -> Result<()> {
        // First: the bytes are lent, and what listeners do meanwhile may take them away.
        let update = self.local.decode_update(update).or_throw(env)?;
        self.touch(env)?;
        let identity = unboxed(env, origin.as_ref())
            .and_then(|origin| self.thread.identities.find(env, origin))?;
        let record = self.local.apply_decoded(update, &identity).or_throw(env)?;
        self.emit_local(env, record, origin)
    }

    /// Opens an explicit transaction.
    pub(super) fn begin<'env>(
        self: &Rc<Self>,
        env: &'env Env,
        origin: Unknown<'env>,
    ) -> Result<Object<'env>> {
        self.touch(*env)?;
        let identity = self.thread.identities.find(*env, origin)?;
        let id = self.local.begin_with(&identity).or_throw(*env)?;
        let txn = YTransaction::open(Rc::clone(self), id).into_instance(env)?.as_object(env);
        self.own(*env, &txn)?;
        self.thread.hidden.set(*env, &txn, Hidden::Origin, &origin)?;
        Ok(txn)
    }

    /// Commits an explicit transaction.
    pub(super) fn commit(
        self: &Rc<Self>,
        env: Env,
        id: u64,
        origin: Option<Reference>,
    ) -> Result<()> {
        if !self.local.is_open(id) {
            return Ok(());
        }
        // It may have been opened in an earlier tick, whose end left the baton with it.
        self.thread.hold(self)?;
        let record = self.local.commit(id).or_throw(env)?;
        self.emit_local(env, record, origin)
    }

    /// Undoes or redoes; the origin of what happens is the manager.
    pub(super) fn undo<'env>(
        self: &Rc<Self>,
        env: Env,
        manager: &impl JsValue<'env>,
        id: u64,
        is_redo: bool,
    ) -> Result<bool> {
        self.touch(env)?;
        let (is_changed, record) = self.local.undo(id, is_redo).or_throw(env)?;
        let origin = record.as_ref().map(|_| Reference::boxed(env, manager)).transpose()?;
        self.emit_local(env, record, origin)?;
        Ok(is_changed)
    }

    /// Any transaction of the document is good enough to read in.
    fn touch_to_read(self: &Rc<Self>, env: Env, txn: Option<TransactionArgument>) -> Result<()> {
        self.touch(env)?;
        txn.map_or(Ok(()), |txn| txn.check_document(self)).or_throw(env)
    }

    /// To edit it takes one that is open.
    fn touch_to_edit(self: &Rc<Self>, env: Env, txn: Option<TransactionArgument>) -> Result<()> {
        self.touch(env)?;
        txn.map_or(Ok(()), |txn| txn.check_open(self)).or_throw(env)
    }
}
