//! What is in a document: made when it is first touched, because most of the documents of a process may never be.

use std::sync::Arc;

use parking_lot::Mutex;
use yrs::Doc;

use super::capture::Capture;
use super::fence::Fence;
use super::identity::Identity;
use super::pool;
use super::record::Record;
use super::states::{KnownState, StatesCache};
use super::subdocument;
use super::undo::UndoManagers;

/// For whoever holds the baton.
pub(super) struct Content {
    pub(super) doc: Doc,
    pub(super) capture: Arc<Capture>,
    pub(super) undo: UndoManagers,
    pub(super) states: StatesCache,
    pub(super) known_state: KnownState,
    pub(super) undispatched: Mutex<Option<Arc<Record>>>,
}

impl Content {
    pub(super) fn new(identity: &Identity, fence: &Arc<Fence>) -> Self {
        let doc = identity.make_doc();
        let capture = Arc::default();
        // Nobody else has the document yet (T 1).
        subdocument::observe(&doc, &capture, fence);
        Self {
            doc,
            capture,
            undo: UndoManagers::default(),
            states: StatesCache::default(),
            known_state: KnownState::default(),
            undispatched: Mutex::default(),
        }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        // The last reference often goes in a finalizer on the JS thread, where freeing a large document would stall.
        let (doc, managers) = (self.doc.clone(), self.undo.take());
        let capture = Arc::clone(&self.capture);
        pool::run(move || {
            // No transaction is open any more, so dropping managers can't panic (T 9).
            drop(managers);
            subdocument::release(&doc, &capture);
            drop(doc);
        });
    }
}
