//! What is inserted into shared types, other shared types among it.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use yrs::branch::BranchPtr;
use yrs::types::text::TextPrelim;
use yrs::types::xml::XmlDeltaPrelim;
use yrs::{
    Any, ArrayPrelim, BranchID, In, MapPrelim, Out, Text, TextRef, TransactionMut,
    XmlElementPrelim, XmlFragmentPrelim,
};

use super::edit::{array_insert, map_set};
use super::subdocument::Subdocument;
use super::value::TypeHandle;
use super::weak_link::WeakSource;
use crate::error::ProviderError;

/// Where the id of a preliminary type is noted once it is part of a document.
pub type Slot = Rc<OnceCell<BranchID>>;

/// What is inserted into a shared type.
#[derive(Debug, Clone)]
pub enum Input {
    /// A JSON-like value, bigint and bytes included.
    Any(Any),
    /// A preliminary text.
    Text(Slot, String),
    /// A preliminary array.
    Array(Slot, Vec<Input>),
    /// A preliminary map.
    Map(Slot, Vec<(String, Input)>),
    /// A preliminary XML element: its name, attributes and children.
    XmlElement(Slot, Arc<str>, Vec<(String, Input)>, Vec<Input>),
    /// A preliminary XML fragment.
    XmlFragment(Slot, Vec<Input>),
    /// A preliminary XML text with the attributes of the node.
    XmlText(Slot, String, Vec<(String, Input)>),
    /// A preliminary weak link.
    WeakLink(Slot, WeakSource),
    /// A subdocument.
    Document(Subdocument),
}

/// The empty type that is inserted first, and what goes into it once it has an id.
pub(super) fn split(input: Input) -> (In, Option<Input>) {
    match input {
        Input::Any(any) => (In::Any(any), None),
        Input::Text(..) => (In::from(TextPrelim::new("")), Some(input)),
        Input::Array(..) => (In::from(ArrayPrelim::default()), Some(input)),
        Input::Map(..) => (In::from(MapPrelim::default()), Some(input)),
        Input::XmlElement(_, ref name, ..) => {
            (In::from(XmlElementPrelim::empty(Arc::clone(name))), Some(input))
        }
        Input::XmlFragment(..) => (In::from(XmlFragmentPrelim::default()), Some(input)),
        Input::XmlText(..) => (In::from(XmlDeltaPrelim::default()), Some(input)),
        Input::WeakLink(slot, source) => {
            (In::from(source.prelim()), Some(Input::WeakLink(slot, source)))
        }
        // As a value of `In` a document would be stored as something that yjs can't read.
        Input::Document(_) => (In::Any(Any::Undefined), None),
    }
}

/// Fills a type that was inserted empty, and notes where it is.
pub(super) fn fill(
    txn: &mut TransactionMut<'_>,
    branch: BranchPtr,
    rest: Input,
) -> Result<(), ProviderError> {
    let note = |slot: Slot| slot.set(TypeHandle::of(&branch).id).ok();
    match rest {
        Input::Any(_) | Input::Document(_) => {}
        Input::Text(slot, chunk) => {
            note(slot);
            TextRef::from(branch).push(txn, &chunk);
        }
        Input::Array(slot, items) | Input::XmlFragment(slot, items) => {
            note(slot);
            array_insert(txn, branch, 0, items)?;
        }
        Input::Map(slot, entries) => {
            note(slot);
            fill_map(txn, branch, entries)?;
        }
        // It was inserted with all that it has.
        Input::WeakLink(slot, _) => drop(note(slot)),
        Input::XmlElement(slot, _, attributes, children) => {
            note(slot);
            array_insert(txn, branch, 0, children)?;
            fill_map(txn, branch, attributes)?;
        }
        Input::XmlText(slot, chunk, attributes) => {
            note(slot);
            TextRef::from(branch).push(txn, &chunk);
            fill_map(txn, branch, attributes)?;
        }
    }
    Ok(())
}

pub(super) fn fill_inserted(
    txn: &mut TransactionMut<'_>,
    out: &Out,
    rest: Option<Input>,
) -> Result<(), ProviderError> {
    match (rest, out.try_branch()) {
        (Some(rest), Some(branch)) => fill(txn, BranchPtr::from(branch), rest),
        _ => Ok(()),
    }
}

fn fill_map(
    txn: &mut TransactionMut<'_>,
    branch: BranchPtr,
    entries: Vec<(String, Input)>,
) -> Result<(), ProviderError> {
    entries.into_iter().try_for_each(|(key, value)| map_set(txn, branch, &key, value))
}
