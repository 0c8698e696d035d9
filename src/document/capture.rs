//! Observers of shared types: they turn what the CRDT reports during commit into plain data.
//!
//! One observer per observed branch, however many JS listeners it has. An observer that panicked would make the CRDT
//! drop observers silently (T 2), so each body runs inside the fence.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use yrs::branch::BranchPtr;
use yrs::types::{Change, Delta, EntryChange as YrsEntryChange, Event, Events};
use yrs::{Any, Doc, Origin, TransactionMut};

use super::fence::Fence;
use super::record::{DeepEvent, EntryChange, SequenceChange, TextChange, TypeChange, TypeEvent};
use super::subdocument::SubdocsChange;
use super::undo::UndoChange;
use super::value::{TypeHandle, Value};

const OBSERVER: &str = "capture";

/// Collects the events of the transaction that is being committed.
#[derive(Debug, Default)]
pub(super) struct Capture {
    captured: Mutex<Captured>,
}

/// Events of one transaction.
#[derive(Debug, Default)]
pub(super) struct Captured {
    pub(super) events: Vec<TypeEvent>,
    pub(super) deep_events: Vec<DeepEvent>,
    pub(super) subdocs: Option<Box<SubdocsChange>>,
    pub(super) undo: Vec<UndoChange>,
    /// What removed subdocuments need until the commit has ended.
    pub(super) graves: Vec<Doc>,
}

impl Capture {
    /// Takes what was collected since the last call.
    pub(super) fn take(&self) -> Captured {
        std::mem::take(&mut *self.captured.lock())
    }

    /// Subdocuments came or went.
    pub(super) fn push_subdocs(&self, change: SubdocsChange, graves: Vec<Doc>) {
        let mut captured = self.captured.lock();
        captured.subdocs = Some(Box::new(change));
        captured.graves.extend(graves);
    }

    /// Something happened to a stack of an undo manager.
    pub(super) fn push_undo(&self, change: UndoChange) {
        self.captured.lock().undo.push(change);
    }

    /// Starts to report changes of a branch. The transaction proves that nobody commits meanwhile (T 1).
    pub(super) fn observe(
        self: &Arc<Self>,
        _txn: &TransactionMut,
        mut branch: BranchPtr,
        fence: &Arc<Fence>,
    ) {
        let (capture, fence) = (Arc::clone(self), Arc::clone(fence));
        branch.observe(Origin::from(OBSERVER), move |txn, event| {
            fence.observe(|| {
                let event = type_event(txn, event);
                capture.captured.lock().events.push(event);
            });
        });
    }

    /// Starts to report changes of a branch and of everything below it.
    pub(super) fn observe_deep(
        self: &Arc<Self>,
        _txn: &TransactionMut,
        mut branch: BranchPtr,
        fence: &Arc<Fence>,
    ) {
        let (capture, fence) = (Arc::clone(self), Arc::clone(fence));
        let observed = TypeHandle::of(&branch);
        branch.observe_deep(Origin::from(OBSERVER), move |txn, events: &Events| {
            fence.observe(|| {
                let events: Vec<_> = events.iter().map(|event| type_event(txn, event)).collect();
                capture
                    .captured
                    .lock()
                    .deep_events
                    .push(DeepEvent { observed: observed.clone(), events });
            });
        });
    }

    /// Stops reporting changes of a branch.
    pub(super) fn unobserve(_txn: &TransactionMut, mut branch: BranchPtr) {
        branch.unobserve(&Origin::from(OBSERVER));
    }

    /// Stops reporting changes below a branch.
    pub(super) fn unobserve_deep(_txn: &TransactionMut, mut branch: BranchPtr) {
        branch.unobserve_deep(&Origin::from(OBSERVER));
    }
}

fn type_event(txn: &TransactionMut, event: &Event) -> TypeEvent {
    let path = event.path().into_iter().collect();
    let (target, change) = match event {
        Event::Text(event) => (
            TypeHandle::of(event.target().as_ref()),
            TypeChange::Text(event.delta(txn).iter().map(text).collect()),
        ),
        Event::Array(event) => (
            TypeHandle::of(event.target().as_ref()),
            TypeChange::Array(event.delta(txn).iter().map(sequence).collect()),
        ),
        Event::Map(event) => {
            (TypeHandle::of(event.target().as_ref()), TypeChange::Map(entries(event.keys(txn))))
        }
        Event::XmlFragment(event) => (
            TypeHandle::of(event.target().as_ref()),
            TypeChange::Xml(
                event.delta(txn).iter().map(sequence).collect(),
                entries(event.keys(txn)),
            ),
        ),
        Event::XmlText(event) => (
            TypeHandle::of(event.target().as_ref()),
            TypeChange::XmlText(
                event.delta(txn).iter().map(text).collect(),
                entries(event.keys(txn)),
            ),
        ),
        Event::Weak(event) => {
            let target = event.as_target::<BranchPtr>();
            (TypeHandle::of(target.as_ref()), TypeChange::WeakLink)
        }
    };
    TypeEvent { target, path, change }
}

fn text(delta: &Delta) -> TextChange {
    let attributes = |attributes: &Option<Box<yrs::types::Attrs>>| -> Vec<(Arc<str>, Any)> {
        attributes
            .iter()
            .flat_map(|it| it.iter())
            .map(|(key, value)| (Arc::clone(key), value.clone()))
            .collect()
    };
    match delta {
        Delta::Inserted(value, attrs) => TextChange::Insert(Value::from(value), attributes(attrs)),
        Delta::Deleted(len) => TextChange::Delete(*len),
        Delta::Retain(len, attrs) => TextChange::Retain(*len, attributes(attrs)),
    }
}

fn sequence(change: &Change) -> SequenceChange {
    match change {
        Change::Added(values) => SequenceChange::Insert(values.iter().map(Value::from).collect()),
        Change::Removed(len) => SequenceChange::Delete(*len),
        Change::Retain(len) => SequenceChange::Retain(*len),
    }
}

fn entries(keys: &HashMap<Arc<str>, YrsEntryChange>) -> Vec<(Arc<str>, EntryChange)> {
    keys.iter().map(|(key, change)| (Arc::clone(key), entry(change))).collect()
}

fn entry(change: &YrsEntryChange) -> EntryChange {
    match change {
        YrsEntryChange::Inserted(value) => EntryChange::Add(Value::from(value)),
        YrsEntryChange::Updated(old, new) => {
            EntryChange::Update(Value::from(old), Value::from(new))
        }
        YrsEntryChange::Removed(value) => EntryChange::Delete(Value::from(value)),
    }
}
