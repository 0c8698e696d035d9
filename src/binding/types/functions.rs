//! Functions on documents and updates, as `ywasm` exports them.

use std::rc::Rc;

use napi::bindgen_prelude::{Uint8Array, Unknown};
use napi::{Env, ValueType};
use napi_derive::napi;
use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{ReadTxn, StateVector};

use super::doc::YDoc;
use super::doc_core::DocCore;
use crate::binding::error::{OrThrow, Result};
use crate::binding::raw::Reference;
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::update;

/// Applies a V1 update to a document. Listeners run before it returns.
///
/// Throws `ERR_INVALID_UPDATE` when the bytes are no V1 update; the document is unchanged then.
#[napi(ts_args_type = "doc: YDoc, update: Uint8Array, origin?: any")]
pub fn apply_update(
    env: Env,
    doc: &YDoc,
    update: Uint8Array,
    origin: Option<Unknown<'_>>,
) -> Result<()> {
    let origin = origin.map(|it| keep_origin(env, it)).transpose()?.flatten();
    doc.core.apply_update(env, &update, origin)
}

/// What a peer with this V1 state vector lacks; without one, the whole document. A V1 update.
///
/// Throws `ERR_INVALID_UPDATE` when the bytes are no state vector.
#[napi]
pub fn encode_state_as_update(
    env: Env,
    doc: &YDoc,
    vector: Option<Uint8Array>,
) -> Result<Uint8Array> {
    encode_diff_v1(env, &doc.core, vector.as_deref())
}

/// The document's state vector, V1: what it has, so that a peer can tell what it lacks.
#[napi]
pub fn encode_state_vector(env: Env, doc: &YDoc) -> Result<Uint8Array> {
    encode_state_vector_v1(env, &doc.core)
}

/// Merges V1 updates into one, without a document.
///
/// Throws `ERR_INVALID_UPDATE` when any of them is no V1 update.
#[napi(js_name = "mergeUpdatesV1")]
pub fn merge_updates_v1(env: Env, updates: Vec<Uint8Array>) -> Result<Uint8Array> {
    let invalid = |error: String| {
        ProviderError::new(ErrorCode::InvalidUpdate, format!("not a V1 update: {error}"))
    };
    for update in &updates {
        update::scan_v1(update).map_err(|error| invalid(error.to_string())).or_throw(env)?;
    }
    let merged =
        update::merge(&updates).map_err(|error| invalid(error.to_string())).or_throw(env)?;
    Ok(Uint8Array::from(merged))
}

pub(super) fn encode_state_vector_v1(env: Env, core: &Rc<DocCore>) -> Result<Uint8Array> {
    core.read(env, None, |reader| reader.state_vector().encode_v1()).map(Uint8Array::from)
}

pub(super) fn encode_diff_v1(
    env: Env,
    core: &Rc<DocCore>,
    vector: Option<&[u8]>,
) -> Result<Uint8Array> {
    let vector = match vector {
        Some(bytes) => decode_state_vector(bytes).or_throw(env)?,
        None => StateVector::default(),
    };
    core.touch(env)?;
    core.local.encode_state(&vector).or_throw(env).map(Uint8Array::from)
}

/// Keeps an origin for the time until its listeners have run.
pub(super) fn keep_origin(env: Env, origin: Unknown<'_>) -> Result<Option<Reference>> {
    match origin.get_type()? {
        ValueType::Undefined | ValueType::Null => Ok(None),
        _ => Reference::boxed(env, &origin).map(Some),
    }
}

fn decode_state_vector(bytes: &[u8]) -> std::result::Result<StateVector, ProviderError> {
    let invalid = |error: String| {
        ProviderError::new(ErrorCode::InvalidUpdate, format!("not a state vector: {error}"))
    };
    update::scan_state_vector(bytes).map_err(|error| invalid(error.to_string()))?;
    StateVector::decode_v1(bytes).map_err(|error| invalid(error.to_string()))
}
