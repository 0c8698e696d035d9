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

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        let updates = [&self.update, &self.update_v2];
        let deep = self.deep_events.iter().flat_map(|it| &it.events);
        size_of::<Self>()
            + updates.into_iter().flatten().map(Bytes::len).sum::<usize>()
            + self.events.iter().chain(deep).map(|event| event.change.size()).sum::<usize>()
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

impl TypeChange {
    fn size(&self) -> usize {
        let text = |delta: &[TextChange]| -> usize { delta.iter().map(TextChange::size).sum() };
        let sequence =
            |delta: &[SequenceChange]| -> usize { delta.iter().map(SequenceChange::size).sum() };
        let entries = |keys: &[(Arc<str>, EntryChange)]| -> usize {
            keys.iter().map(|(_, change)| change.size()).sum()
        };
        match self {
            Self::Text(delta) => text(delta),
            Self::Array(delta) => sequence(delta),
            Self::Map(keys) => entries(keys),
            Self::Xml(delta, keys) => sequence(delta) + entries(keys),
            Self::XmlText(delta, keys) => text(delta) + entries(keys),
            Self::WeakLink => 0,
        }
    }
}

impl TextChange {
    fn size(&self) -> usize {
        size_of::<Self>() + if let Self::Insert(value, _) = self { value.size() } else { 0 }
    }
}

impl SequenceChange {
    fn size(&self) -> usize {
        let values = if let Self::Insert(values) = self { values.as_slice() } else { &[] };
        size_of::<Self>() + values.iter().map(Value::size).sum::<usize>()
    }
}

impl EntryChange {
    fn size(&self) -> usize {
        match self {
            Self::Add(value) | Self::Delete(value) => value.size(),
            Self::Update(old, new) => old.size() + new.size(),
        }
    }
}
