//! Subdocuments, as the document that contains them sees them.
//!
//! The CRDT keeps a document inside of a document and locks the inner one when the outer one commits: with a baton for
//! each, two threads could wait for each other for ever (T 4). So what it keeps is a shell that nobody else touches.
//! The subdocument itself is a document of its own, found by its guid.

use std::sync::Arc;

use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{Array, BranchID, Doc, IdSet, OffsetKind, Options, ReadTxn, Transact, Update};

use super::capture::Capture;
use super::fence::Fence;

const OBSERVER: &str = "subdocs";

/// A subdocument: what its parent knows of it, and what travels with the parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subdocument {
    /// Globally unique id.
    pub guid: Arc<str>,
    /// Name of a collection of documents, for providers that know such.
    pub collection_id: Option<Arc<str>>,
    /// Whether deleted content is freed.
    pub is_gc_enabled: bool,
    /// Whether it is loaded without being asked to.
    pub auto_load: bool,
}

/// Subdocuments that a transaction brought or took away, ordered by guid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubdocsChange {
    /// Those that were inserted.
    pub added: Vec<Subdocument>,
    /// Those of which no copy is left in the document.
    pub removed: Vec<Subdocument>,
    /// Those that take the place of a removed one of the same guid. Not made by edits.
    pub replaced: Vec<Subdocument>,
    /// Those that were asked to be loaded. Not made by edits.
    pub loaded: Vec<Subdocument>,
}

impl Subdocument {
    pub(super) fn of(doc: &Doc) -> Self {
        Self {
            guid: doc.guid(),
            collection_id: doc.collection_id(),
            is_gc_enabled: !doc.skip_gc(),
            auto_load: doc.auto_load(),
        }
    }

    /// All subdocuments of a document, ordered by guid.
    pub fn all<T: ReadTxn>(txn: &T) -> Vec<Self> {
        ordered(txn.subdocs())
    }

    /// What the CRDT stores. It asks nobody to load it: that is for each replica to decide, as in yjs.
    pub(super) fn shell(&self) -> Doc {
        Doc::with_options(Options {
            guid: Arc::clone(&self.guid),
            collection_id: self.collection_id.clone(),
            skip_gc: !self.is_gc_enabled,
            auto_load: self.auto_load,
            should_load: false,
            // Travels with it, and tells other users of the CRDT how to count.
            offset_kind: OffsetKind::Utf16,
            ..Options::default()
        })
    }
}

/// Captures what happens to the shells of a document. To be called before the document is shared (T 1).
pub(super) fn observe(doc: &Doc, capture: &Arc<Capture>, fence: &Arc<Fence>) {
    let (capture, fence) = (Arc::clone(capture), Arc::clone(fence));
    let observed = doc.observe_subdocs(OBSERVER, move |txn, event| {
        fence.observe(|| {
            let gone = event.removed().filter(|shell| {
                let guid = shell.guid();
                !txn.subdocs().any(|other| other.guid() == guid)
            });
            let change = SubdocsChange {
                added: ordered(event.added()),
                removed: ordered(gone),
                ..SubdocsChange::default()
            };
            capture.push_subdocs(change, event.removed().map(take_in).collect());
        });
    });
    debug_assert!(observed.is_ok(), "nobody else has the document yet");
}

/// After the commit: frees shells that were removed, with what [`take_in`] made for them.
pub(super) fn bury(graves: Vec<Doc>) {
    for grave in graves {
        let array = grave.get_or_insert_array(OBSERVER);
        array.remove(&mut grave.transact_mut(), 0);
    }
}

/// Deletes the shells of a document that nobody needs any more. Each holds the document that it is in, which would
/// otherwise never be freed; one that keeps deleted content (`gc: false`) never is.
pub(super) fn release(doc: &Doc, capture: &Capture) {
    let mut deletions = IdSet::new();
    for shell in doc.transact().subdocs() {
        if let Some(BranchID::Nested(id)) = shell.branch_id() {
            deletions.insert(id, 1);
        }
    }
    if deletions.is_empty() {
        return;
    }
    // An update without blocks.
    let mut update = vec![0];
    update.extend(deletions.encode_v1());
    if let Ok(update) = Update::decode_v1(&update) {
        doc.transact_mut().apply_update(update).ok();
        bury(capture.take().graves);
    }
}

/// Puts a removed shell into a document of its own. At the end of the commit the CRDT follows a pointer from the shell
/// to the item that held it, and garbage collection may have freed that item before; an item in here stays.
fn take_in(shell: &Doc) -> Doc {
    let grave = Doc::new();
    let array = grave.get_or_insert_array(OBSERVER);
    array.push_back(&mut grave.transact_mut(), shell.clone());
    grave
}

fn ordered<'a>(shells: impl Iterator<Item = &'a Doc>) -> Vec<Subdocument> {
    let mut all: Vec<_> = shells.map(Subdocument::of).collect();
    all.sort_by(|a, b| a.guid.cmp(&b.guid));
    all.dedup_by(|a, b| a.guid == b.guid);
    all
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    use yrs::{Array, WriteTxn};

    use super::*;
    use crate::document::{Document, DocumentOptions, LocalDocument};

    fn freed_with(label: &str, edit: impl Fn(&mut yrs::TransactionMut<'_>), remove: bool) {
        let options = DocumentOptions { is_gc_enabled: true, ..DocumentOptions::default() };
        let document = Document::new(options);
        // The observer goes with the document.
        let (alive, freed) = channel::<()>();
        let observe = document.0.content().doc.observe_after_transaction("alive", move |_| {
            let _: &_ = &alive;
        });
        observe.expect("nobody else has the document");
        let local = LocalDocument::new(&document);
        local.enter().expect("it is sound");
        let edit = |txn: &mut yrs::TransactionMut<'_>| {
            edit(txn);
            Ok(())
        };
        local.write(edit).expect("it can be edited");
        if remove {
            let remove = |txn: &mut yrs::TransactionMut<'_>| {
                let array = txn.get_or_insert_array("array");
                let len = array.len(txn);
                array.remove_range(txn, 0, len);
                Ok(())
            };
            let record = local.write(remove).expect("it can be edited").1.expect("always told of");
            assert!(record.subdocs.as_ref().is_some_and(|it| !it.removed.is_empty()), "{label}");
        }
        local.leave();
        drop((local, document));
        let answer = freed.recv_timeout(Duration::from_secs(20));
        assert_eq!(answer, Err(RecvTimeoutError::Disconnected), "{label}: freed");
    }

    fn shell(guid: &str) -> Doc {
        let subdocument = Subdocument {
            guid: guid.into(),
            collection_id: None,
            is_gc_enabled: true,
            auto_load: false,
        };
        subdocument.shell()
    }

    #[test]
    fn documents_with_subdocuments_are_freed() {
        let neighbours = |txn: &mut yrs::TransactionMut<'_>| {
            let array = txn.get_or_insert_array("array");
            for guid in ["a", "b", "c"] {
                array.push_back(txn, shell(guid));
            }
        };
        let nested = |txn: &mut yrs::TransactionMut<'_>| {
            let array = txn.get_or_insert_array("array");
            let inner = array.push_back(txn, yrs::ArrayPrelim::default());
            inner.push_back(txn, shell("a"));
            inner.push_back(txn, shell("b"));
        };
        for remove in [false, true] {
            freed_with("neighbours", neighbours, remove);
            freed_with("nested", nested, remove);
        }
    }
}
