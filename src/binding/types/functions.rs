//! Functions on documents and updates, as `ywasm` exports them.

use std::panic::catch_unwind;
use std::rc::Rc;

use napi::bindgen_prelude::{Uint8ArraySlice, Unknown};
use napi::{Env, ValueType};
use napi_derive::napi;
use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{ReadTxn, StateVector, Update};

use super::doc::YDoc;
use super::doc_core::DocCore;
use crate::binding::error::{OrThrow, Result};
use crate::binding::raw::Reference;
use crate::binding::value::JsBytes;
use crate::document::{Document, DocumentOptions, LocalDocument};
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::update;

/// Applies a V1 update to a document. Listeners run before it returns.
///
/// Throws `ERR_INVALID_UPDATE` when the bytes are no V1 update; the document is unchanged then.
#[napi(ts_args_type = "doc: YDoc, update: Uint8Array, origin?: any")]
pub fn apply_update(
    env: Env,
    doc: &YDoc,
    update: Uint8ArraySlice<'_>,
    origin: Option<Unknown<'_>>,
) -> Result<()> {
    let origin = origin.map(|it| keep_origin(env, it)).transpose()?.flatten();
    doc.core.apply_update(env, &update, origin)
}

/// What a peer with this V1 state vector lacks; without one, the whole document. A V1 update.
///
/// Throws `ERR_INVALID_UPDATE` when the bytes are no state vector.
#[napi(ts_return_type = "Uint8Array")]
pub fn encode_state_as_update(
    env: Env,
    doc: &YDoc,
    vector: Option<Uint8ArraySlice<'_>>,
) -> Result<JsBytes> {
    encode_diff_v1(env, &doc.core, vector.as_deref())
}

/// The document's state vector, V1: what it has, so that a peer can tell what it lacks.
#[napi(ts_return_type = "Uint8Array")]
pub fn encode_state_vector(env: Env, doc: &YDoc) -> Result<JsBytes> {
    encode_state_vector_v1(env, &doc.core)
}

/// Applies a V2 update to a document. Listeners run before it returns.
///
/// Throws `ERR_INVALID_UPDATE` when the bytes are no V2 update; the document is unchanged then.
#[napi(js_name = "applyUpdateV2", ts_args_type = "doc: YDoc, update: Uint8Array, origin?: any")]
pub fn apply_update_v2(
    env: Env,
    doc: &YDoc,
    update: Uint8ArraySlice<'_>,
    origin: Option<Unknown<'_>>,
) -> Result<()> {
    let origin = origin.map(|it| keep_origin(env, it)).transpose()?.flatten();
    let update = translate(update::v2_to_v1(&update)).or_throw(env)?;
    doc.core.apply_update(env, &update, origin)
}

/// What a peer with this V1 state vector lacks; without one, the whole document. A V2 update.
///
/// Throws `ERR_INVALID_UPDATE` when the bytes are no state vector.
#[napi(js_name = "encodeStateAsUpdateV2", ts_return_type = "Uint8Array")]
pub fn encode_state_as_update_v2(
    env: Env,
    doc: &YDoc,
    vector: Option<Uint8ArraySlice<'_>>,
) -> Result<JsBytes> {
    encode_diff_v2(env, &doc.core, vector.as_deref())
}

/// Merges V1 updates into one, without a document.
///
/// Throws `ERR_INVALID_UPDATE` when any of them is no V1 update.
#[napi(js_name = "mergeUpdatesV1", ts_return_type = "Uint8Array")]
pub fn merge_updates_v1(env: Env, updates: Vec<Uint8ArraySlice<'_>>) -> Result<JsBytes> {
    if let [single] = updates.as_slice() {
        update::scan_v1(single).map_err(invalid_v1).or_throw(env)?;
    }
    update::merge(&updates).map_err(invalid_v1).or_throw(env).map(JsBytes)
}

/// Merges V2 updates into one, without a document.
///
/// Throws `ERR_INVALID_UPDATE` when any of them is no V2 update.
#[napi(js_name = "mergeUpdatesV2", ts_return_type = "Uint8Array")]
pub fn merge_updates_v2(env: Env, updates: Vec<Uint8ArraySlice<'_>>) -> Result<JsBytes> {
    translate(update::merge_v2(&updates)).or_throw(env).map(JsBytes)
}

/// Applies V1 updates to a new document, with or without garbage collection, and returns what it holds: smaller than
/// what `mergeUpdatesV1` returns, which keeps everything it does not understand.
///
/// Throws `ERR_INVALID_UPDATE` when any of them is no V1 update.
#[napi(js_name = "applyUpdatesV1", ts_return_type = "Uint8Array")]
pub fn apply_updates_v1(env: Env, gc: bool, updates: Vec<Uint8ArraySlice<'_>>) -> Result<JsBytes> {
    apply_all(gc, &updates).or_throw(env).map(JsBytes)
}

/// The same as `applyUpdatesV1`, from and to V2 updates.
///
/// Throws `ERR_INVALID_UPDATE` when any of them is no V2 update.
#[napi(js_name = "applyUpdatesV2", ts_return_type = "Uint8Array")]
pub fn apply_updates_v2(env: Env, gc: bool, updates: Vec<Uint8ArraySlice<'_>>) -> Result<JsBytes> {
    let updates: std::result::Result<Vec<Vec<u8>>, _> =
        updates.iter().map(|update| update::v2_to_v1(update)).collect();
    let updates = translate(updates).or_throw(env)?;
    let state = apply_all(gc, &updates).or_throw(env)?;
    translate(update::v1_to_v2(&state)).or_throw(env).map(JsBytes)
}

/// A V1 update in words, for people who look for an error. The form may change.
///
/// Throws `ERR_INVALID_UPDATE` when the bytes are no V1 update.
#[napi(js_name = "debugUpdateV1")]
pub fn debug_update_v1(env: Env, update: Uint8ArraySlice<'_>) -> Result<String> {
    describe(&update).or_throw(env)
}

/// A V2 update in words, for people who look for an error. The form may change.
///
/// Throws `ERR_INVALID_UPDATE` when the bytes are no V2 update.
#[napi(js_name = "debugUpdateV2")]
pub fn debug_update_v2(env: Env, update: Uint8ArraySlice<'_>) -> Result<String> {
    let update = translate(update::v2_to_v1(&update)).or_throw(env)?;
    describe(&update).or_throw(env)
}

/// Does nothing: a failure inside of the CRDT is an `ERR_DOC_POISONED` here, not the end of a WebAssembly module.
#[napi]
pub fn set_panic_hook() {}

pub(super) fn encode_state_vector_v1(env: Env, core: &Rc<DocCore>) -> Result<JsBytes> {
    core.read(env, None, |reader| reader.state_vector().encode_v1()).map(JsBytes)
}

pub(super) fn encode_diff_v1(
    env: Env,
    core: &Rc<DocCore>,
    vector: Option<&[u8]>,
) -> Result<JsBytes> {
    let vector = decode_state_vector(vector).or_throw(env)?;
    core.touch(env)?;
    core.local.encode_state(&vector).or_throw(env).map(JsBytes)
}

pub(super) fn encode_diff_v2(
    env: Env,
    core: &Rc<DocCore>,
    vector: Option<&[u8]>,
) -> Result<JsBytes> {
    let vector = decode_state_vector(vector).or_throw(env)?;
    core.touch(env)?;
    let state = core.local.encode_state(&vector).or_throw(env)?;
    translate(update::v1_to_v2(&state)).or_throw(env).map(JsBytes)
}

/// Keeps an origin for the time until its listeners have run.
pub(super) fn keep_origin(env: Env, origin: Unknown<'_>) -> Result<Option<Reference>> {
    match origin.get_type()? {
        ValueType::Undefined | ValueType::Null => Ok(None),
        _ => Reference::boxed(env, &origin).map(Some),
    }
}

/// A V1 state vector; the empty one if there is none.
pub(super) fn decode_state_vector(
    bytes: Option<&[u8]>,
) -> std::result::Result<StateVector, ProviderError> {
    let Some(bytes) = bytes else { return Ok(StateVector::default()) };
    let invalid = |error: String| {
        ProviderError::new(ErrorCode::InvalidUpdate, format!("not a state vector: {error}"))
    };
    update::scan_state_vector(bytes).map_err(|error| invalid(error.to_string()))?;
    StateVector::decode_v1(bytes).map_err(|error| invalid(error.to_string()))
}

pub(super) fn invalid_v1(error: impl std::fmt::Display) -> ProviderError {
    ProviderError::new(ErrorCode::InvalidUpdate, format!("not a V1 update: {error}"))
}

/// What came out of a translation from or to V2.
pub(super) fn translate<T>(
    result: std::result::Result<T, update::V2Error>,
) -> std::result::Result<T, ProviderError> {
    result.map_err(|error| {
        ProviderError::new(ErrorCode::InvalidUpdate, format!("not a V2 update: {error}"))
    })
}

fn apply_all<B: AsRef<[u8]>>(
    is_gc_enabled: bool,
    updates: &[B],
) -> std::result::Result<Vec<u8>, ProviderError> {
    let options = DocumentOptions { is_gc_enabled, ..DocumentOptions::default() };
    let document = LocalDocument::new(&Document::new(options));
    document.enter()?;
    for update in updates {
        document.apply_update(update.as_ref(), &[])?;
    }
    document.read(|reader| reader.encode_state_as_update_v1(&StateVector::default()))
}

fn describe(update: &[u8]) -> std::result::Result<String, ProviderError> {
    update::scan_v1(update).map_err(invalid_v1)?;
    // Outside of any document, so that a panic poisons none.
    catch_unwind(|| Update::decode_v1(update).map(|update| format!("{update:#?}")))
        .map_err(|_| invalid_v1("decoding it failed inside the CRDT"))?
        .map_err(invalid_v1)
}
