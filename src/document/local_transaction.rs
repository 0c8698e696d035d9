//! Transactions of the JS thread: the explicit one, if one is open, and short ones of single reads and edits.

use std::sync::Arc;

use bytes::Bytes;
use yrs::{Origin, ReadTxn, Store, Transact, Transaction, TransactionMut};

use super::apply::{DecodedUpdate, decode, inspect};
use super::local::LocalDocument;
use super::record::Record;
use super::shared::invalid;
use super::undo::NO_ORIGIN;
use crate::error::{ErrorCode, ProviderError};

pub(super) struct OpenTransaction {
    pub(super) id: u64,
    // Declared before nothing else of the document: TransactionMut itself keeps the store alive.
    pub(super) txn: TransactionMut<'static>,
}

/// A transaction to read with: the open explicit one, or a short one.
pub enum Reader<'a> {
    /// A short read transaction.
    Short(Transaction<'a>),
    /// The open explicit transaction.
    Open(&'a TransactionMut<'static>),
}

impl ReadTxn for Reader<'_> {
    fn store(&self) -> &Store {
        match self {
            Self::Short(txn) => txn.store(),
            Self::Open(txn) => ReadTxn::store(*txn),
        }
    }
}

impl LocalDocument {
    /// Whether an explicit transaction is open.
    pub fn has_open_transaction(&self) -> bool {
        self.open.borrow().is_some()
    }

    /// Whether the transaction with this id is the open one.
    pub fn is_open(&self, id: u64) -> bool {
        self.open.borrow().as_ref().is_some_and(|open| open.id == id)
    }

    /// Opens an explicit transaction without an origin and returns its id. The baton must be held.
    pub fn begin(&self) -> Result<u64, ProviderError> {
        self.begin_with(NO_ORIGIN)
    }

    /// Opens an explicit transaction of this origin (empty: none) and returns its id. The baton must be held.
    pub fn begin_with(&self, origin: &[u8]) -> Result<u64, ProviderError> {
        if self.has_open_transaction() {
            return Err(ProviderError::new(
                ErrorCode::TransactionOpen,
                "another transaction of this document is open: commit it first",
            ));
        }
        self.flush_edits()?;
        let id = self.next_transaction.get();
        self.next_transaction.set(id + 1);
        let txn = self.transact(Origin::from(origin))?;
        *self.open.borrow_mut() = Some(Box::new(OpenTransaction { id, txn }));
        Ok(id)
    }

    /// Commits the explicit transaction with this id. Committing twice does nothing, as in yjs.
    pub fn commit(&self, id: u64) -> Result<Option<Arc<Record>>, ProviderError> {
        if !self.is_open(id) {
            return Ok(None);
        }
        let flushed = self.flush_edits();
        let Some(mut open) = self.open.take() else { return Ok(None) };
        let record = self.finish(&mut open.txn)?;
        flushed.map(|()| record)
    }

    /// Reads, in the open transaction if there is one. The baton must be held.
    pub fn read<R>(&self, read: impl FnOnce(&Reader<'_>) -> R) -> Result<R, ProviderError> {
        self.flush_edits()?;
        self.peek(read)
    }

    /// Reads what no plain edit of a text changes, such as which types there are. The baton must be held.
    pub fn peek<R>(&self, read: impl FnOnce(&Reader<'_>) -> R) -> Result<R, ProviderError> {
        debug_assert!(self.is_held.get(), "documents are touched under the baton");
        self.shared.fence.check()?;
        let open = self.open.borrow();
        self.shared.fence.run(|| match open.as_ref() {
            Some(open) => read(&Reader::Open(&open.txn)),
            None => read(&Reader::Short(self.shared.content().doc.transact())),
        })
    }

    /// Edits, in the open transaction or in one of its own, which is then committed. The baton must be held.
    pub fn write<R>(
        &self,
        edit: impl FnOnce(&mut TransactionMut<'_>) -> Result<R, ProviderError>,
    ) -> Result<(R, Option<Arc<Record>>), ProviderError> {
        self.write_with(NO_ORIGIN, edit)
    }

    /// Edits; the origin (empty: none) is that of the transaction, if there is no open one.
    fn write_with<R>(
        &self,
        origin: &[u8],
        edit: impl FnOnce(&mut TransactionMut<'_>) -> Result<R, ProviderError>,
    ) -> Result<(R, Option<Arc<Record>>), ProviderError> {
        debug_assert!(self.is_held.get(), "documents are touched under the baton");
        self.shared.fence.check()?;
        self.flush_edits()?;
        let mut open = self.open.borrow_mut();
        if let Some(open) = open.as_mut() {
            return self.shared.fence.run(|| edit(&mut open.txn))?.map(|value| (value, None));
        }
        let mut txn = self.transact(Origin::from(origin))?;
        let edited = self.shared.fence.run(|| edit(&mut txn));
        let record = self.finish(&mut txn)?;
        edited?.map(|value| (value, record))
    }

    /// Applies a V1 update in the open transaction or in one of its own.
    pub fn apply_update(
        &self,
        update: &[u8],
        origin: &[u8],
    ) -> Result<Option<Arc<Record>>, ProviderError> {
        self.apply_decoded(self.decode_update(update)?, origin)
    }

    /// Checks and decodes a V1 update, without the baton. For bytes that may be gone when the document is there to apply
    /// them: they belong to JavaScript, and whoever waits for the document may be told something before.
    pub fn decode_update(&self, update: &[u8]) -> Result<DecodedUpdate, ProviderError> {
        let parts = decode(&self.shared.fence, update, &inspect(update)?)?;
        Ok(DecodedUpdate { parts, len: update.len() })
    }

    /// Applies an update of [`Self::decode_update`].
    pub fn apply_decoded(
        &self,
        update: DecodedUpdate,
        origin: &[u8],
    ) -> Result<Option<Arc<Record>>, ProviderError> {
        let DecodedUpdate { parts, len } = update;
        let apply = |txn: &mut TransactionMut<'_>| {
            let mut pending = self.shared.pending.lock();
            let mut state = txn.state_vector();
            parts
                .into_iter()
                .try_for_each(|part| pending.apply(txn, part, &mut state))
                .map_err(|error| invalid(format!("the update can't be applied: {error}")))?;
            if txn.has_changes() {
                self.shared.grow(len);
            }
            Ok(())
        };
        self.write_with(origin, apply).map(|((), record)| record)
    }

    pub(super) fn transact(
        &self,
        origin: Origin,
    ) -> Result<TransactionMut<'static>, ProviderError> {
        let content = self.shared.content();
        content.undo.prepare(&self.shared)?;
        let txn = content.doc.try_transact_mut_with(origin).map_err(|_| {
            ProviderError::new(ErrorCode::Internal, "the document was touched without its baton")
        })?;
        // SAFETY: the lifetime is that of the lock guard inside, which borrows from the store behind the document's
        // Arc. The transaction holds a clone of that Arc itself, and `shared` another one, so the store outlives it;
        // the store does not move, because an Arc's content does not.
        Ok(unsafe { std::mem::transmute::<TransactionMut<'_>, TransactionMut<'static>>(txn) })
    }

    pub(super) fn finish(
        &self,
        txn: &mut TransactionMut<'static>,
    ) -> Result<Option<Arc<Record>>, ProviderError> {
        let (record, update) = self.shared.finish(txn, None)?;
        Ok(self.keep(record, update))
    }

    /// Keeps an update until the tick ends.
    pub(super) fn keep(
        &self,
        record: Option<Arc<Record>>,
        update: Option<Bytes>,
    ) -> Option<Arc<Record>> {
        self.updates.borrow_mut().extend(update);
        record
    }
}
