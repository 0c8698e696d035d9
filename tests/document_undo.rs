//! Undo managers and subdocuments where pool threads commit: what JavaScript tests can't time.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;
use yjs_provider_native::document::{
    Attachment, Document, DocumentOptions, Input, JobDone, LocalDocument, Record, Slot, TypeHandle,
    TypeKind, UndoAction, UndoOptions, Waker, map_set, text_insert,
};
use yjs_provider_native::error::ErrorCode;
use yrs::updates::decoder::Decode;
use yrs::{Array, Doc, GetString, Map, MapPrelim, ReadTxn, Text, Transact, Update, WriteTxn};

struct Done(Sender<JobDone>);

impl Attachment for Done {
    fn handle_updates(&self, _updates: Vec<Bytes>) {}
    fn handle_job_done(&self, done: JobDone) {
        self.0.send(done).ok();
    }
}

struct Woken(Sender<()>);

impl Waker for Woken {
    fn wake(&self, _: u64) {
        self.0.send(()).ok();
    }
}

fn document() -> Document {
    Document::new(DocumentOptions { is_gc_enabled: true, ..DocumentOptions::default() })
}

fn woken(local: &LocalDocument) -> Receiver<()> {
    let (sender, receiver) = channel();
    local.set_waker(Arc::new(Woken(sender)), 1);
    receiver
}

/// Applies updates on the pool, in one go.
fn apply(document: &Document, updates: impl IntoIterator<Item = Vec<u8>>) -> Receiver<JobDone> {
    let (sender, receiver) = channel();
    let id = document.attach(Arc::new(Done(sender)));
    for (token, update) in updates.into_iter().enumerate() {
        document.apply(id, token as u64, vec![Bytes::from(update)]);
    }
    receiver
}

fn text(local: &LocalDocument) -> String {
    local
        .read(|txn| txn.get_text("text").map_or_else(String::new, |it| it.get_string(txn)))
        .expect("it can be read")
}

fn insert(local: &LocalDocument, index: u32, chunk: &str) -> Option<Arc<Record>> {
    let insert = |txn: &mut yrs::TransactionMut<'_>| {
        let branch = TypeHandle::root(TypeKind::Text, "text").resolve(txn).expect("a root");
        text_insert(txn, branch, index, chunk, None)
    };
    local.write(insert).expect("it can be edited").1
}

/// A held document with a root text and an undo manager 1 of it.
fn with_manager(origins: Vec<Vec<u8>>) -> (Document, LocalDocument) {
    let document = document();
    let local = LocalDocument::new(&document);
    local.enter().expect("it is sound");
    let text = |txn: &mut yrs::TransactionMut<'_>| Ok(txn.get_or_insert_text("text"));
    local.write(text).expect("it can be edited");
    local.add_undo_manager(1, UndoOptions { capture_timeout: 0, origins });
    local
        .add_undo_scope(1, vec![TypeHandle::root(TypeKind::Text, "text")])
        .expect("no transaction is open");
    (document, local)
}

#[test]
fn an_undo_is_recorded_and_forwarded_like_an_edit() {
    let (document, local) = with_manager(Vec::new());
    for action in [UndoAction::Added, UndoAction::Popped] {
        local.set_undo_interest(1, action, true);
    }
    let record = insert(&local, 0, "abc").expect("somebody listens");
    assert_eq!(record.undo[0].action, UndoAction::Added);
    let (is_changed, record) = local.undo(1, false).unwrap();
    assert!(is_changed);
    let record = record.expect("somebody listens");
    let actions: Vec<_> = record.undo.iter().map(|it| (it.action, it.is_redo)).collect();
    assert_eq!(actions, [(UndoAction::Added, true), (UndoAction::Popped, false)]);
    assert_eq!(text(&local), "");
    let items: HashSet<_> = local.undo_items(1);
    assert_eq!(items, HashSet::from([record.undo[0].item]), "the popped item is gone");
    local.leave();
    drop(document);
}

#[test]
fn commits_of_the_pool_meet_managers_only_under_the_baton() {
    let (document, local) = with_manager(Vec::new());
    local.leave();
    let (done, mut count) = (apply(&document, peer_updates(300)), 0);
    // Undoes and redoes while the pool applies what a peer wrote.
    for round in 0..200u32 {
        local.enter().unwrap();
        match round % 4 {
            0 => drop(insert(&local, 0, "me")),
            1 | 2 => drop(local.undo(1, round % 4 == 2).unwrap()),
            _ => {
                local.retire_undo_manager(1);
                local.leave();
                local.enter().unwrap();
                assert_eq!(local.undo(1, false).unwrap_err().code, ErrorCode::Internal);
                local.add_undo_manager(1, UndoOptions { capture_timeout: 0, origins: Vec::new() });
                local.add_undo_scope(1, vec![TypeHandle::root(TypeKind::Text, "text")]).unwrap();
            }
        }
        local.leave();
    }
    while let Ok(JobDone::Applied { through, failed, .. }) = done.recv() {
        assert_eq!(failed, []);
        count += 1;
        if through == 299 {
            break;
        }
    }
    assert!(count > 0);
    local.enter().unwrap();
    assert_eq!(text(&local).matches('p').count(), 300, "nothing of the peer was undone");
    local.leave();
}

#[test]
fn a_retired_manager_goes_only_when_no_transaction_is_open() {
    let (_document, local) = with_manager(Vec::new());
    local.begin().unwrap();
    local.retire_undo_manager(1);
    // The end of a tick leaves the transaction open.
    assert!(!local.leave());
    local.enter().unwrap();
    insert(&local, 0, "a");
    local.commit(1).unwrap();
    local.leave();
    local.enter().unwrap();
    assert!(!local.can_undo(1, false));
    local.leave();
}

#[test]
fn a_type_of_the_scope_may_be_freed() {
    let (document, local) = with_manager(Vec::new());
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for key in keys {
        let slot = Slot::default();
        let input = Input::Map(Rc::clone(&slot), Vec::new());
        let set = |txn: &mut yrs::TransactionMut<'_>| {
            let map = txn.get_or_insert_map("map");
            let branch: &yrs::branch::Branch = map.as_ref();
            map_set(txn, branch.into(), key, input)
        };
        local.write(set).unwrap();
        let nested = TypeHandle { kind: TypeKind::Map, id: slot.get().unwrap().clone() };
        local.add_undo_scope(1, vec![nested]).unwrap();
    }
    local.leave();
    // Deleted by somebody whom the manager doesn't track, so nothing is kept for it.
    let peer = Doc::new();
    peer.transact_mut().apply_update(Update::decode_v1(&state(&local)).unwrap()).unwrap();
    let map = peer.get_or_insert_map("map");
    for key in keys {
        map.remove(&mut peer.transact_mut(), key);
    }
    apply(&document, [full(&peer)]).recv().unwrap();
    local.enter().unwrap();
    insert(&local, 0, "abc");
    assert!(local.undo(1, false).unwrap().0);
    assert_eq!(text(&local), "");
    local.leave();
}

#[test]
fn dropping_a_document_with_managers_and_an_open_transaction_is_safe() {
    let (document, local) = with_manager(vec![b"some".to_vec()]);
    local.begin_with(b"some").unwrap();
    insert(&local, 0, "a");
    drop(document);
    drop(local);
}

#[test]
fn removed_subdocuments_are_told_of_and_freed_whatever_held_them() {
    // It keeps what it deletes: a plain document of the CRDT follows pointers to freed shells.
    let peer = Doc::with_options(yrs::Options { skip_gc: true, ..yrs::Options::default() });
    let array = peer.get_or_insert_array("array");
    let map = peer.get_or_insert_map("map");
    {
        let mut txn = peer.transact_mut();
        for index in 0..50u64 {
            let nested = array.push_back(&mut txn, MapPrelim::default());
            nested.insert(&mut txn, "child", shell(index));
            array.push_back(&mut txn, shell(100 + index));
        }
        map.insert(&mut txn, "kept", shell(1000));
    }
    let document = document();
    let local = LocalDocument::new(&document);
    let woken = woken(&local);
    let done = apply(&document, [full(&peer)]);
    done.recv().unwrap();
    woken.recv().unwrap();
    local.enter().unwrap();
    local.leave();
    array.remove_range(&mut peer.transact_mut(), 0, 100);
    let done = apply(&document, [full(&peer)]);
    done.recv().unwrap();
    woken.recv().unwrap();
    let record = local.enter().unwrap().remote.expect("subdocuments are always told of");
    let change = record.subdocs.as_ref().expect("100 went");
    assert_eq!((change.added.len(), change.removed.len()), (0, 100));
    let left = local.read(|txn| txn.subdoc_guids().count()).unwrap();
    assert_eq!(left, 1);
    local.leave();
}

fn shell(guid: u64) -> Doc {
    let guid = format!("{guid}").into();
    Doc::with_options(yrs::Options { guid, ..yrs::Options::default() })
}

/// The whole state of a document that is not held.
fn state(local: &LocalDocument) -> Vec<u8> {
    local.enter().expect("it is sound");
    let state = local.read(|txn| txn.encode_state_as_update_v1(&yrs::StateVector::default()));
    local.leave();
    state.expect("it can be read")
}

fn full(doc: &Doc) -> Vec<u8> {
    doc.transact().encode_state_as_update_v1(&yrs::StateVector::default())
}

/// Updates of one character each.
fn peer_updates(count: usize) -> Vec<Vec<u8>> {
    let peer = Doc::new();
    let text = peer.get_or_insert_text("text");
    let updates = (0..count).map(|_| {
        let mut txn = peer.transact_mut();
        text.push(&mut txn, "p");
        txn.encode_update_v1()
    });
    let updates: Vec<_> = updates.collect();
    assert!(Update::decode_v1(&updates[0]).is_ok());
    updates
}
