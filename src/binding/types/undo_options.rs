//! Options of a `YUndoManager`.

use std::rc::Rc;

use napi::bindgen_prelude::{Array, FromNapiValue, Function, JsObjectValue, Object, Unknown};
use napi::{Env, JsValue, ValueType};

use super::doc::doc_argument;
use super::doc_core::DocCore;
use crate::binding::error::{Result, throw};
use crate::binding::js_thread::JsThread;
use crate::document::UndoOptions;
use crate::error::{ErrorCode, ProviderError};

const DEFAULT_CAPTURE_TIMEOUT: u64 = 500;

/// Whether an optional argument was given.
pub(super) fn is_given(value: &Unknown<'_>) -> bool {
    !matches!(value.get_type(), Ok(ValueType::Undefined | ValueType::Null))
}

/// The options, and the document that they name.
pub(super) fn parse_options(
    env: Env,
    thread: &JsThread,
    options: Option<Unknown<'_>>,
) -> Result<(UndoOptions, Option<Rc<DocCore>>)> {
    let mut parsed = UndoOptions { capture_timeout: DEFAULT_CAPTURE_TIMEOUT, origins: Vec::new() };
    let invalid = |message: String| {
        throw(env, ProviderError::new(ErrorCode::InvalidOption, format!("options{message}")))
    };
    let Some(options) = options else { return Ok((parsed, None)) };
    if options.get_type()? != ValueType::Object {
        return Err(invalid(": expected an object".to_owned()));
    }
    // SAFETY: it is an object.
    let options = unsafe { Object::from_napi_value(env.raw(), options.raw()) }?;
    let option = |name: &str| -> Result<Option<Unknown<'_>>> {
        let value: Unknown<'_> = options.get_named_property_unchecked(name)?;
        Ok(is_given(&value).then_some(value))
    };
    if let Some(timeout) = option("captureTimeout")? {
        let millis = match timeout.get_type()? {
            // SAFETY: it is a number.
            ValueType::Number => unsafe { f64::from_napi_value(env.raw(), timeout.raw()) }?,
            _ => f64::NAN,
        };
        if millis.is_nan() || millis < 0.0 {
            return Err(invalid(".captureTimeout: expected milliseconds, 0 or more".to_owned()));
        }
        // Infinity becomes the largest number.
        parsed.capture_timeout = millis as u64;
    }
    if let Some(origins) = option("trackedOrigins")? {
        for origin in iterate(env, origins, &invalid)? {
            let identity = thread.identities.assign(env, origin)?;
            if !parsed.origins.contains(&identity) {
                parsed.origins.push(identity);
            }
        }
    }
    let doc = option("doc")?.map(|it| doc_argument(env, &it, "options.doc")).transpose()?;
    Ok((parsed, doc))
}

/// The elements of an array or a set.
fn iterate<'env>(
    env: Env,
    iterable: Unknown<'env>,
    invalid: &impl Fn(String) -> napi::Error,
) -> Result<Vec<Unknown<'env>>> {
    let wrong = || invalid(".trackedOrigins: expected an array or a set".to_owned());
    if iterable.get_type()? != ValueType::Object {
        return Err(wrong());
    }
    let arrays: Object<'env> = env.get_global()?.get_named_property_unchecked("Array")?;
    let from: Function<'env, Unknown<'env>, Array<'env>> = arrays.get_named_property("from")?;
    let list = from.call(iterable)?;
    (0..list.len()).map(|index| list.get_element(index)).collect()
}
