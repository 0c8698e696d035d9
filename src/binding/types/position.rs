//! Relative positions: places in a shared type that stay where they are while others edit. Plain objects, as in Yjs.

use napi::bindgen_prelude::{JsObjectValue, Null, Object, Uint8Array, Unknown};
use napi::{Env, JsValue, ValueType};
use napi_derive::napi;

use super::doc::YDoc;
use super::text::position;
use super::transaction_argument::TransactionArgument as YTransaction;
use super::transaction_query::item_id;
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::raw::to_js;
use crate::binding::value::shared_type_place;
use crate::document::{Position, PositionScope, TypeKind};
use crate::error::{ErrorCode, ProviderError};

/// The position at an index. Below 0, `assoc` ties it to the element on its left, else to the one on its right.
///
/// Throws `ERR_OUT_OF_RANGE` past the end, `ERR_PRELIMINARY_TYPE`, `ERR_DELETED_TYPE`.
#[napi(
    ts_args_type = "ytype: YText | YArray | YXmlElement | YXmlFragment | YXmlText, index: number, assoc?: number, txn?: YTransaction",
    ts_return_type = "YRelativePosition"
)]
pub fn create_relative_position_from_type_index<'env>(
    env: &'env Env,
    ytype: Unknown<'env>,
    index: f64,
    assoc: Option<f64>,
    txn: Option<YTransaction>,
) -> Result<Object<'env>> {
    let index = position(*env, index, "index")?;
    let is_before = assoc.is_some_and(|assoc| assoc < 0.0);
    let (core, handle) = shared_type_place(*env, ytype, "ytype")?;
    if matches!(handle.kind, TypeKind::Map | TypeKind::WeakLink) {
        return Err(invalid(*env, "ytype: expected a shared type with positions"));
    }
    let found = core.read(*env, txn, |reader| {
        handle.branch(reader).and_then(|branch| Position::at(reader, branch, index, is_before))
    })?;
    to_object(env, &found.or_throw(*env)?)
}

/// Where a position is now; `null` if the document does not know what it holds on to.
#[napi(
    ts_args_type = "rpos: YRelativePosition, doc: YDoc",
    ts_return_type = "{ index: number; assoc: number } | null"
)]
pub fn create_absolute_position_from_relative_position<'env>(
    env: &'env Env,
    rpos: Unknown<'env>,
    doc: &YDoc,
) -> Result<Unknown<'env>> {
    let position = from_js(*env, rpos, "rpos")?;
    let Some(index) = doc.core.read(*env, None, |reader| position.index(reader))? else {
        return to_js(*env, Null);
    };
    let mut object = Object::new(env)?;
    object.set_named_property("index", index)?;
    object.set_named_property("assoc", assoc(&position))?;
    Ok(object.to_unknown())
}

/// A position as bytes, those of Yjs.
#[napi(ts_args_type = "rpos: YRelativePosition")]
pub fn encode_relative_position(env: Env, rpos: Unknown<'_>) -> Result<Uint8Array> {
    Ok(Uint8Array::from(from_js(env, rpos, "rpos")?.encode()))
}

/// Reads a position. Throws `ERR_INVALID_UPDATE` when the bytes are none.
#[napi(ts_return_type = "YRelativePosition")]
pub fn decode_relative_position<'env>(env: &'env Env, bin: Uint8Array) -> Result<Object<'env>> {
    let position = Position::decode(&bin)
        .map_err(|error| {
            ProviderError::new(ErrorCode::InvalidUpdate, format!("not a position: {error}"))
        })
        .or_throw(*env)?;
    to_object(env, &position)
}

/// Whether two positions are the same. `null` is the same as `null`.
#[napi(ts_args_type = "a: YRelativePosition | null, b: YRelativePosition | null")]
pub fn compare_relative_positions(env: Env, a: Unknown<'_>, b: Unknown<'_>) -> Result<bool> {
    Ok(optional(env, a, "a")? == optional(env, b, "b")?)
}

fn assoc(position: &Position) -> i32 {
    if position.is_before { -1 } else { 0 }
}

fn to_object<'env>(env: &'env Env, position: &Position) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    let id = |id: &yrs::ID| {
        let mut object = Object::new(env)?;
        object.set_named_property("client", id.client.get() as f64)?;
        object.set_named_property("clock", id.clock)?;
        Result::Ok(object)
    };
    match &position.scope {
        PositionScope::Relative(item) => object.set_named_property("item", id(item)?)?,
        PositionScope::Nested(item) => object.set_named_property("type", id(item)?)?,
        PositionScope::Root(name) => object.set_named_property("tname", name.as_ref())?,
    }
    object.set_named_property("assoc", assoc(position))?;
    Ok(object)
}

fn optional(env: Env, value: Unknown<'_>, name: &str) -> Result<Option<Position>> {
    match value.get_type()? {
        ValueType::Null | ValueType::Undefined => Ok(None),
        _ => from_js(env, value, name).map(Some),
    }
}

/// What `createRelativePositionFromTypeIndex` returned, here or in Yjs, or the JSON form of it.
fn from_js(env: Env, value: Unknown<'_>, name: &str) -> Result<Position> {
    let refuse = || invalid(env, &format!("{name}: expected a relative position"));
    if value.get_type()? != ValueType::Object {
        return Err(refuse());
    }
    let object = value.coerce_to_object()?;
    let id = |key: &str| {
        let id: Unknown<'_> = object.get_named_property_unchecked(key).ok()?;
        if id.get_type().ok()? != ValueType::Object {
            return None;
        }
        item_id(&id.coerce_to_object().ok()?)
    };
    let scope = if let Some(item) = id("item") {
        PositionScope::Relative(item)
    } else if let Ok(Some(root)) = object.get::<String>("tname") {
        PositionScope::Root(root.into())
    } else if let Some(nested) = id("type") {
        PositionScope::Nested(nested)
    } else {
        return Err(refuse());
    };
    let is_before = object.get::<f64>("assoc").map_err(|_| refuse())?.is_some_and(|it| it < 0.0);
    Ok(Position { scope, is_before })
}

fn invalid(env: Env, message: &str) -> napi::Error {
    throw(env, ProviderError::new(ErrorCode::InvalidArgument, message))
}
