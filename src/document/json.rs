//! Shared types as JSON-like values.

use yrs::branch::BranchPtr;
use yrs::types::ToJson;
use yrs::{Any, ArrayRef, MapRef, ReadTxn};

use super::value::TypeKind;
use crate::error::{ErrorCode, ProviderError};

/// JavaScript could not hold deeper values: making them is recursive on its stack.
const MAX_DEPTH: usize = 1000;

/// A shared type with all that is nested in it, seen as this kind: a root can be looked at as any.
///
/// Fails with `ERR_UNSUPPORTED_VALUE` when that is nested deeper than anybody means it.
pub fn to_json<T: ReadTxn>(
    txn: &T,
    branch: BranchPtr,
    kind: TypeKind,
) -> Result<Any, ProviderError> {
    let json = match kind {
        TypeKind::Map => MapRef::from(branch).to_json(txn),
        _ => ArrayRef::from(branch).to_json(txn),
    };
    // Too deep a value is dropped here, where the stack is large enough for that as well.
    if is_deeper_than(&json, MAX_DEPTH) {
        let message = format!("the shared type is nested more than {MAX_DEPTH} levels deep");
        return Err(ProviderError::new(ErrorCode::UnsupportedValue, message));
    }
    Ok(json)
}

fn is_deeper_than(value: &Any, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return true };
    match value {
        Any::Array(items) => items.iter().any(|it| is_deeper_than(it, levels)),
        Any::Map(entries) => entries.values().any(|it| is_deeper_than(it, levels)),
        _ => false,
    }
}
