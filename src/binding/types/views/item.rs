//! What views show.

use std::cell::Cell;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use crate::binding::error::Result;
use crate::binding::types::doc_core::DocCore;
use crate::binding::types::event::{EventData, EventSource};
use crate::binding::types::transaction_argument::{Kind, TransactionArgument};
use crate::document::{Record, TypeChange};

/// What a view shows: a transaction, or an event of it. It keeps no document: the view has the `YDoc`.
#[derive(Clone)]
pub(in crate::binding::types) struct Item {
    pub(in crate::binding::types) core: Weak<DocCore>,
    pub(in crate::binding::types) record: Arc<Record>,
    pub(in crate::binding::types) event: Option<EventSource>,
}

/// What views of one class have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::binding::types) enum ViewKind {
    Transaction,
    Text,
    Array,
    Map,
    Xml,
    XmlText,
    WeakLink,
}

/// Which item the native object behind all views of a class answers for. It is taken with the answer, so that nothing is
/// kept for longer.
#[derive(Clone, Default)]
pub(in crate::binding::types) struct Turned(Rc<Cell<Option<Item>>>);

impl Turned {
    /// The transaction to answer for.
    pub(in crate::binding::types) fn transaction(&self) -> Result<TransactionArgument> {
        self.take().and_then(Item::transaction).ok_or_else(gone)
    }

    /// The event to answer for.
    pub(in crate::binding::types) fn event(&self) -> Result<EventData> {
        self.take().and_then(Item::event).ok_or_else(gone)
    }

    pub(super) fn set(&self, item: Option<Item>) {
        self.0.set(item);
    }

    pub(super) fn take(&self) -> Option<Item> {
        self.0.take()
    }
}

impl Item {
    /// Nothing, if it is an event.
    pub(super) fn transaction(self) -> Option<TransactionArgument> {
        let core = self.core.upgrade().filter(|_| self.event.is_none())?;
        Some(TransactionArgument { core, kind: Kind::View { record: self.record } })
    }

    fn event(self) -> Option<EventData> {
        let (core, source) = self.core.upgrade().zip(self.event)?;
        Some(EventData { core, record: self.record, source })
    }

    pub(super) fn kind(&self) -> ViewKind {
        match self.event.map(|source| &source.of(&self.record).change) {
            None => ViewKind::Transaction,
            Some(TypeChange::Text(_)) => ViewKind::Text,
            Some(TypeChange::Array(_)) => ViewKind::Array,
            Some(TypeChange::Map(_)) => ViewKind::Map,
            Some(TypeChange::Xml(..)) => ViewKind::Xml,
            Some(TypeChange::XmlText(..)) => ViewKind::XmlText,
            Some(TypeChange::WeakLink) => ViewKind::WeakLink,
        }
    }
}

fn gone() -> napi::Error {
    napi::Error::from_reason("the document of a view is gone")
}
