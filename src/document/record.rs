//! What listeners may ask about a committed transaction, as plain data.

use std::sync::Arc;

use bytes::Bytes;
use yrs::Any;
use yrs::types::PathSegment;

use super::attachment::AttachmentId;
use super::states::States;
use super::subdocument::SubdocsChange;
use super::undo::UndoChange;
use super::value::{TypeHandle, Value};
use crate::protocol::update::EMPTY;

/// One committed transaction.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// The provider that made it; `None` for a transaction of the JS thread.
    pub attachment: Option<AttachmentId>,
    /// Changes of observed types, in the order in which the CRDT reports them.
    pub events: Vec<TypeEvent>,
    /// Changes below deeply observed types.
    pub deep_events: Vec<DeepEvent>,
    /// The change as a V1 update, if anyone listens to updates or transactions.
    pub update: Option<Bytes>,
    /// The change as a V2 update, if anyone wants it.
    pub update_v2: Option<Bytes>,
    /// Subdocuments that came or went.
    pub subdocs: Option<Box<SubdocsChange>>,
    /// What happened to stacks of undo managers.
    pub undo: Vec<UndoChange>,
    /// Whether anyone listens to `afterTransaction` or `cleanup`.
    pub is_transaction_wanted: bool,
    /// State vectors around the transaction. Always there when a listener gets the record, whatever it listens to.
    pub states: Option<States>,
}

impl Record {
    /// The change as a V1 update, if it was captured. One without changes is empty.
    pub fn change(&self) -> Option<&[u8]> {
        match &self.update {
            Some(update) => Some(update),
            None => self.is_transaction_wanted.then_some(&EMPTY),
        }
    }
}

/// A change of one shared type.
#[derive(Debug, Clone)]
pub struct TypeEvent {
    /// The type that changed.
    pub target: TypeHandle,
    /// Way from the observed type to the target.
    pub path: Vec<PathSegment>,
    /// What changed.
    pub change: TypeChange,
}

/// Changes below one deeply observed type.
#[derive(Debug, Clone)]
pub struct DeepEvent {
    /// The observed type.
    pub observed: TypeHandle,
    /// Changes of it and of what it contains, outermost first.
    pub events: Vec<TypeEvent>,
}

/// What changed inside a shared type.
#[derive(Debug, Clone)]
pub enum TypeChange {
    /// A text.
    Text(Vec<TextChange>),
    /// An array.
    Array(Vec<SequenceChange>),
    /// A map.
    Map(Vec<(Arc<str>, EntryChange)>),
    /// An XML element or fragment: its children and its attributes.
    Xml(Vec<SequenceChange>, Vec<(Arc<str>, EntryChange)>),
    /// An XML text: its text and its attributes.
    XmlText(Vec<TextChange>, Vec<(Arc<str>, EntryChange)>),
    /// A weak link: what it points to changed.
    WeakLink,
}

/// One step of a text delta.
#[derive(Debug, Clone, PartialEq)]
pub enum TextChange {
    /// Text or an embed came in.
    Insert(Value, Vec<(Arc<str>, Any)>),
    /// UTF-16 units went away.
    Delete(u32),
    /// UTF-16 units stayed, maybe with other attributes.
    Retain(u32, Vec<(Arc<str>, Any)>),
}

/// One step of an array delta.
#[derive(Debug, Clone, PartialEq)]
pub enum SequenceChange {
    /// Elements came in.
    Insert(Vec<Value>),
    /// Elements went away.
    Delete(u32),
    /// Elements stayed.
    Retain(u32),
}

/// Change of one key of a map.
#[derive(Debug, Clone, PartialEq)]
pub enum EntryChange {
    /// The key is new.
    Add(Value),
    /// The key had the first value and has the second.
    Update(Value, Value),
    /// The key had this value.
    Delete(Value),
}
