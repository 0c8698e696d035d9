//! Edits of shared types. Ranges are checked here: the CRDT panics or appends silently (T 6).

use yrs::branch::BranchPtr;
use yrs::types::Attrs;
use yrs::{Any, Array, ArrayRef, Map, MapRef, Text, TextRef, TransactionMut};

use super::embed::Embed;
use super::input::{Input, fill_inserted, split};
use super::value::Value;
use crate::error::{ErrorCode, ProviderError};

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
