//! Edits of shared types. Ranges are checked here: the CRDT panics or appends silently (T 6).

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use yrs::branch::BranchPtr;
use yrs::types::Attrs;
use yrs::types::text::TextPrelim;
use yrs::types::xml::XmlDeltaPrelim;
use yrs::{
    Any, Array, ArrayPrelim, ArrayRef, BranchID, In, Map, MapPrelim, MapRef, Out, Text, TextRef,
    TransactionMut, XmlElementPrelim, XmlFragmentPrelim,
};

use super::embed::Embed;
use super::subdocument::Subdocument;
use super::value::{TypeHandle, Value};
use super::weak_link::WeakSource;
use crate::error::{ErrorCode, ProviderError};

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

/// Inserts text with attributes (`None`: those of the text on its left).
pub fn text_insert(
    txn: &mut TransactionMut<'_>,
    branch: BranchPtr,
    index: u32,
    chunk: &str,
    attributes: Option<Attrs>,
) -> Result<(), ProviderError> {
    let text = TextRef::from(branch);
    check(index, 0, text.len(txn), "text")?;
    match attributes {
        Some(attributes) => text.insert_with_attributes(txn, index, chunk, attributes),
        None => text.insert(txn, index, chunk),
    }
    Ok(())
}

/// Inserts an embed, one unit long.
pub fn text_insert_embed(
    txn: &mut TransactionMut<'_>,
    branch: BranchPtr,
    index: u32,
    embed: Input,
    attributes: Option<Attrs>,
) -> Result<(), ProviderError> {
    let text = TextRef::from(branch);
    check(index, 0, text.len(txn), "text")?;
    match attributes {
        Some(attributes) => {
            text.insert_embed_with_attributes(txn, index, Embed::new(embed), attributes);
        }
        None => {
            text.insert_embed(txn, index, Embed::new(embed));
        }
    }
    Ok(())
}

/// Removes a range of text.
pub fn text_delete(
    txn: &mut TransactionMut<'_>,
    branch: BranchPtr,
    index: u32,
    length: u32,
) -> Result<(), ProviderError> {
    let text = TextRef::from(branch);
    check(index, length, text.len(txn), "text")?;
    if length > 0 {
        text.remove_range(txn, index, length);
    }
    Ok(())
}

/// Sets attributes of a range of text; `Any::Null` removes one.
pub fn text_format(
    txn: &mut TransactionMut<'_>,
    branch: BranchPtr,
    index: u32,
    length: u32,
    attributes: Attrs,
) -> Result<(), ProviderError> {
    let text = TextRef::from(branch);
    check(index, length, text.len(txn), "text")?;
    if length > 0 {
        text.format(txn, index, length, attributes);
    }
    Ok(())
}

/// Inserts elements into an array.
pub fn array_insert(
    txn: &mut TransactionMut<'_>,
    branch: BranchPtr,
    index: u32,
    items: Vec<Input>,
) -> Result<(), ProviderError> {
    let array = ArrayRef::from(branch);
    check(index, 0, array.len(txn), "array")?;
    let mut index = index;
    // Neighbouring plain values become one item of the CRDT, as in yjs.
    let mut plain = Vec::new();
    for item in items {
        if let Input::Any(any) = item {
            plain.push(any);
            continue;
        }
        index += insert_plain(txn, &array, index, &mut plain);
        if let Input::Document(subdocument) = item {
            array.insert(txn, index, subdocument.shell());
            index += 1;
            continue;
        }
        let (empty, rest) = split(item);
        let out = array.insert(txn, index, empty);
        index += 1;
        fill_inserted(txn, &out, rest)?;
    }
    insert_plain(txn, &array, index, &mut plain);
    Ok(())
}

/// Removes a range of elements.
pub fn array_delete(
    txn: &mut TransactionMut<'_>,
    branch: BranchPtr,
    index: u32,
    length: u32,
) -> Result<(), ProviderError> {
    let array = ArrayRef::from(branch);
    check(index, length, array.len(txn), "array")?;
    if length > 0 {
        array.remove_range(txn, index, length);
    }
    Ok(())
}

/// Sets a key of a map.
pub fn map_set(
    txn: &mut TransactionMut<'_>,
    branch: BranchPtr,
    key: &str,
    value: Input,
) -> Result<(), ProviderError> {
    let map = MapRef::from(branch);
    if let Input::Document(subdocument) = value {
        map.insert(txn, key, subdocument.shell());
        return Ok(());
    }
    let (empty, rest) = split(value);
    let out = map.insert(txn, key, empty);
    fill_inserted(txn, &out, rest)
}

/// Removes a key of a map. Returns what it held.
pub fn map_delete(txn: &mut TransactionMut<'_>, branch: BranchPtr, key: &str) -> Option<Value> {
    MapRef::from(branch).remove(txn, key).map(Value::from)
}

fn insert_plain(
    txn: &mut TransactionMut<'_>,
    array: &ArrayRef,
    index: u32,
    plain: &mut Vec<Any>,
) -> u32 {
    let count = plain.len() as u32;
    if count > 0 {
        array.insert_range(txn, index, std::mem::take(plain));
    }
    count
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

fn fill_inserted(
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

pub(super) fn check(
    index: u32,
    length: u32,
    available: u32,
    what: &str,
) -> Result<(), ProviderError> {
    if index.checked_add(length).is_some_and(|end| end <= available) {
        return Ok(());
    }
    let range =
        if length > 0 { format!("range {index}+{length}") } else { format!("index {index}") };
    let message = format!("{range} is outside of the {what}, which is {available} long");
    Err(ProviderError::new(ErrorCode::OutOfRange, message))
}
