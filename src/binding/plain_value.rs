//! Plain JavaScript values as the CRDT stores them.

use std::collections::HashMap;
use std::sync::Arc;

use napi::bindgen_prelude::{
    Array, ArrayBuffer, BigInt, FromNapiValue, JsObjectValue, Object, Uint8Array, Unknown,
};
use napi::{Env, JsValue, ValueType};
use yrs::Any;
use yrs::any::Number;

use super::error::{Result, throw};
use super::raw::own_entries;
use super::shared_types::is_shared_type;
use crate::error::{ErrorCode, ProviderError};

/// Deeper values are refused: other replicas would refuse them too, and a cycle never ends.
pub(super) const MAX_DEPTH: usize = 200;
/// Attributes and embeds travel as JSON text, of which other replicas read less depth.
const MAX_JSON_DEPTH: usize = 127;

/// A JavaScript value as an attribute of a text.
pub(super) fn json_from_js(env: Env, value: Unknown<'_>) -> Result<Any> {
    any(env, value, MAX_JSON_DEPTH)
}

/// A JavaScript value as an element of a shared type.
pub(super) fn value_from_js(env: Env, value: Unknown<'_>) -> Result<Any> {
    any(env, value, MAX_DEPTH)
}

/// Converts a value in which arrays and objects are nested at most `depth` deep.
fn any(env: Env, value: Unknown<'_>, depth: usize) -> Result<Any> {
    // SAFETY of the conversions below: the type was looked at.
    Ok(match value.get_type()? {
        ValueType::Undefined => Any::Undefined,
        ValueType::Null => Any::Null,
        ValueType::Boolean => Any::Bool(unsafe { bool::from_napi_value(env.raw(), value.raw()) }?),
        ValueType::Number => number(unsafe { f64::from_napi_value(env.raw(), value.raw()) }?),
        ValueType::String => {
            Any::String(unsafe { String::from_napi_value(env.raw(), value.raw()) }?.into())
        }
        ValueType::BigInt => {
            let (integer, is_lossless) =
                unsafe { BigInt::from_napi_value(env.raw(), value.raw()) }?.get_i64();
            match bigint(integer) {
                Some(any) if is_lossless => any,
                _ => return Err(unsupported(env, "a bigint of more than 64 bits")),
            }
        }
        ValueType::Object => return object(env, value, depth),
        other => {
            return Err(unsupported(
                env,
                &format!("a value of type {}", other.to_string().to_lowercase()),
            ));
        }
    })
}

fn object(env: Env, value: Unknown<'_>, depth: usize) -> Result<Any> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(unsupported(env, "a value that is nested too deep or contains itself"));
    };
    if value.is_array()? {
        // SAFETY: it is an array.
        let list = unsafe { Array::from_napi_value(env.raw(), value.raw()) }?;
        let items: Result<Vec<Any>> = (0..list.len())
            .map(|index| any(env, list.get_element::<Unknown>(index)?, depth))
            .collect();
        return Ok(Any::Array(items?.into()));
    }
    if value.is_typedarray()? {
        // SAFETY: napi checks that it is a Uint8Array.
        let bytes = unsafe { Uint8Array::from_napi_value(env.raw(), value.raw()) }
            .map_err(|_| unsupported(env, "a typed array other than Uint8Array"))?;
        return Ok(Any::Buffer(Arc::from(bytes.as_ref())));
    }
    if value.is_arraybuffer()? {
        // SAFETY: it is an ArrayBuffer.
        let bytes = unsafe { ArrayBuffer::from_napi_value(env.raw(), value.raw()) }?;
        return Ok(Any::Buffer(Arc::from(bytes.as_ref())));
    }
    // As in ywasm and in Yjs, for which it is an object without properties of its own.
    if value.is_date()? {
        return Ok(Any::Map(Arc::default()));
    }
    if is_shared_type(env, &value) {
        return Err(unsupported(
            env,
            "a shared type inside of a plain object or array (rather than of a YMap or YArray)",
        ));
    }
    // SAFETY: it is an object.
    let object = unsafe { Object::from_napi_value(env.raw(), value.raw()) }?;
    let entries = own_entries(env, &object)?;
    if entries.is_empty() && !is_plain(&object)? {
        return Err(unsupported(
            env,
            "an object without properties of its own, a Map or a Set say,",
        ));
    }
    let entries: Result<HashMap<_, _>> =
        entries.into_iter().map(|(key, value)| Ok((key, any(env, value, depth)?))).collect();
    Ok(Any::Map(Arc::new(entries?)))
}

/// Whether an object is what `{}` or `Object.create(null)` makes, in whatever realm.
fn is_plain(object: &Object<'_>) -> Result<bool> {
    let prototype = object.get_prototype()?;
    if prototype.get_type()? != ValueType::Object {
        return Ok(true);
    }
    // SAFETY: it is an object.
    let prototype = unsafe { prototype.cast::<Object<'_>>() }?;
    Ok(prototype.get_prototype()?.get_type()? != ValueType::Object)
}

fn number(value: f64) -> Any {
    // -0 has no integer form.
    if value == 0.0 && value.is_sign_negative() {
        Any::Number(Number::Float(value))
    } else {
        Any::Number(Number::try_i64(value))
    }
}

/// The CRDT sends what a number can hold as a number, so it is one here, too: all replicas agree. `None` for the one
/// integer that it sends wrongly.
fn bigint(value: i64) -> Option<Any> {
    if value == i64::MAX {
        return None;
    }
    let float = value as f64;
    Some(if float as i64 == value { number(float) } else { Any::Number(Number::Int(value)) })
}

pub(super) fn unsupported(env: Env, what: &str) -> napi::Error {
    throw(
        env,
        ProviderError::new(
            ErrorCode::UnsupportedValue,
            format!("{what} can't be stored in a document"),
        ),
    )
}
