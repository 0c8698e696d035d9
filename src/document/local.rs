//! The JS thread's end of a document.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use yrs::updates::encoder::Encode;
use yrs::{IdSet, StateVector};

use super::known_text::KnownText;
use super::local_text::HeldEdits;
use super::local_transaction::OpenTransaction;
use super::record::Record;
use super::shared::{Document, Interest, Shared, Waker};
use super::subdocument::Subdocument;
use super::value::TypeHandle;
use crate::error::ProviderError;
use crate::protocol::update::merge;

/// The JS thread's end of a document: it takes the baton at the first touch of a tick and keeps it until the tick ends
/// or its explicit transaction does. There is one per document, and it never leaves its thread.
pub struct LocalDocument {
    pub(super) shared: Arc<Shared>,
    pub(super) is_held: Cell<bool>,
    // Boxed, here and below: of most documents that a process has open, it does nothing right now.
    pub(super) open: RefCell<Option<Box<OpenTransaction>>>,
    pub(super) next_transaction: Cell<u64>,
    /// Updates of this tick that providers have not seen yet.
    pub(super) updates: RefCell<Vec<Bytes>>,
    /// Edits of this tick, or of the open transaction, that the CRDT has not seen yet.
    pub(super) held: RefCell<Option<Box<HeldEdits>>>,
    /// Where the next edit of a text goes, as far as that is known.
    pub(super) known: RefCell<Option<Box<KnownText>>>,
    /// Observed types, counted twice if they are observed deeply, too.
    observed: Cell<usize>,
    /// Undo managers that were collected: a finalizer must not touch the document, the next touch may.
    pub(super) retired: RefCell<Vec<u64>>,
    _not_send: PhantomData<*const ()>,
}

/// What the first touch of a tick finds.
#[derive(Debug, Default)]
pub struct Entered {
    /// Whether the baton was taken now: somebody must call [`LocalDocument::leave`] when the tick ends.
    pub is_new: bool,
    /// A remote transaction whose listeners must run before anything else happens to the document.
    pub remote: Option<Arc<Record>>,
}

impl LocalDocument {
    /// The JS end of a new document.
    pub fn new(document: &Document) -> Self {
        Self {
            shared: Arc::clone(&document.0),
            is_held: Cell::new(false),
            open: RefCell::new(None),
            next_transaction: Cell::new(1),
            updates: RefCell::default(),
            held: RefCell::default(),
            known: RefCell::default(),
            observed: Cell::new(0),
            retired: RefCell::default(),
            _not_send: PhantomData,
        }
    }

    /// The document as all threads share it.
    pub fn document(&self) -> Document {
        // Who gets it hears of later edits only. A failure is told by the next call.
        self.flush_edits().ok();
        Document(Arc::clone(&self.shared))
    }

    /// Client id of the document's own edits.
    pub fn client_id(&self) -> u64 {
        self.shared.identity.client_id().get()
    }

    /// Globally unique id of the document.
    pub fn guid(&self) -> String {
        self.shared.identity.guid().to_string()
    }

    /// What a document that contains this one stores of it.
    pub fn subdocument(&self) -> Subdocument {
        self.shared.identity.subdocument()
    }

    /// Whether the document loads by itself as a subdocument.
    pub fn auto_load(&self) -> bool {
        self.shared.identity.auto_load()
    }

    /// Sets who is woken when a remote transaction waits for its listeners, and what the document is called there.
    pub fn set_waker(&self, waker: Arc<dyn Waker>, name: u64) {
        self.shared.set_waker(Some((waker, name)));
    }

    /// Says whether JS listens to something.
    pub fn set_interest(&self, interest: Interest, is_wanted: bool) {
        self.flush_edits().ok();
        self.shared.set_interest(interest, is_wanted);
    }

    /// Takes the baton, unless this tick has it already. Waits for at most one slice.
    pub fn enter(&self) -> Result<Entered, ProviderError> {
        self.shared.fence.check()?;
        if self.is_held.get() {
            return Ok(Entered::default());
        }
        let is_starved = self.shared.baton.acquire_js();
        self.is_held.set(true);
        self.drop_retired();
        let remote = match self.shared.take_undispatched() {
            // The pool can't take another slice before `leave`, and by then the listeners have run.
            Some(record) => {
                self.shared.baton.dispatched(|| false);
                Some(record)
            }
            None if is_starved => self.shared.run_slice_here(),
            None => None,
        };
        Ok(Entered { is_new: true, remote })
    }

    /// Ends the tick: hands its updates to the providers and gives the baton back, unless an explicit transaction is
    /// open. Returns whether the baton was given back.
    pub fn leave(&self) -> bool {
        self.flush_updates();
        if self.open.borrow().is_some() {
            return false;
        }
        if self.is_held.replace(false) && self.shared.baton.release_js(|| self.shared.has_jobs()) {
            super::pool::schedule(Arc::clone(&self.shared));
        }
        true
    }

    /// Hands the updates made so far to the providers.
    pub fn flush_updates(&self) {
        // There is nobody to tell of a failure; the next call does.
        self.flush_edits().ok();
        let updates = self.updates.take();
        if !updates.is_empty() {
            self.shared.forward(&updates, None);
        }
    }

    /// Whether nothing was ever done to the document but to take its baton.
    pub fn is_untouched(&self) -> bool {
        self.shared.touched_content().is_none()
    }

    /// Bytes that were ever put into the document, roughly; what waits for others is not counted.
    pub fn size(&self) -> usize {
        self.shared.size()
    }

    /// Whether a type is observed, so that somebody is told of every transaction.
    pub(super) fn has_observed_types(&self) -> bool {
        self.observed.get() > 0
    }

    /// What a peer with this state vector lacks, as a V1 update, what waits included. The baton must be held.
    pub fn encode_state(&self, state_vector: &StateVector) -> Result<Vec<u8>, ProviderError> {
        self.read(|reader| self.shared.encode_state(reader, state_vector))?
    }

    /// What waits for other updates, as a V1 update, and the clocks that it waits for.
    pub fn pending_structs(&self) -> Option<(Vec<u8>, StateVector)> {
        let pending = self.shared.pending.lock();
        let mut missing = StateVector::default();
        for (client, clock) in pending.missing() {
            missing.set_min(client, clock);
        }
        let updates: Vec<Vec<u8>> = pending.updates().map(Encode::encode_v1).collect();
        (!updates.is_empty()).then(|| merge(&updates).ok().map(|update| (update, missing)))?
    }

    /// Deletions of what has not come yet.
    pub fn pending_deletes(&self) -> Option<IdSet> {
        let pending = self.shared.pending.lock();
        let mut deletes = IdSet::new();
        for update in pending.updates() {
            deletes.merge_with(update.delete_set().clone());
        }
        (!deletes.is_empty()).then_some(deletes)
    }

    /// This many shared types are about to be inserted by an edit.
    pub fn add_types(&self, count: usize) {
        self.shared.fence.add_types(count);
    }

    /// Starts or stops capturing changes of a type.
    pub fn set_observed(
        &self,
        handle: &TypeHandle,
        is_deep: bool,
        is_observed: bool,
    ) -> Result<(), ProviderError> {
        let (capture, fence) = (&self.shared.content().capture, &self.shared.fence);
        // Freed types are never taken off the list, which costs speed and nothing else.
        let observed = self.observed.get();
        self.observed.set(if is_observed { observed + 1 } else { observed.saturating_sub(1) });
        self.write(|txn| {
            let Some(branch) = handle.id.get_branch(txn) else { return Ok(()) };
            match (is_observed, is_deep) {
                (true, false) => capture.observe(txn, branch, fence),
                (true, true) => capture.observe_deep(txn, branch, fence),
                (false, false) => super::capture::Capture::unobserve(txn, branch),
                (false, true) => super::capture::Capture::unobserve_deep(txn, branch),
            }
            Ok(())
        })
        .map(|_| ())
    }
}

impl Drop for LocalDocument {
    fn drop(&mut self) {
        // Not in the middle of a slice, which may be about to leave a record for the listeners.
        if !self.is_held.replace(true) {
            self.shared.baton.acquire_js();
        }
        // Nobody listens any more; a transaction left open still counts.
        self.shared.set_waker(None);
        for interest in Interest::ALL {
            self.shared.set_interest(interest, false);
        }
        let open = self.open.borrow().as_ref().map(|open| open.id);
        if let Some(id) = open {
            self.commit(id).ok();
        }
        self.shared.take_undispatched();
        self.shared.baton.dispatched(|| false);
        self.leave();
    }
}
