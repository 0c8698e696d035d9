//! Snapshots: what a document held at one time. A snapshot is a string, as in `ywasm`: its V1 form in base64.

use napi::bindgen_prelude::{Uint8Array, Unknown};
use napi::{Env, JsValue, ValueType};
use napi_derive::napi;
use yrs::updates::encoder::{Encoder, EncoderV1};
use yrs::{ReadTxn, Snapshot};

use super::doc::YDoc;
use crate::binding::error::{OrThrow, Result};
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::base64;
use crate::protocol::update::{self, ScanError, V2Encoder};

/// A snapshot of what a document holds now. Documents that are to be looked at through snapshots need `gc: false`.
#[napi(ts_return_type = "YSnapshot")]
pub fn snapshot(env: Env, doc: &YDoc) -> Result<String> {
    let snapshot = doc.core.read(env, None, |reader| reader.snapshot())?;
    Ok(to_text(&snapshot))
}

/// Whether two snapshots are of the same content. Throws `ERR_INVALID_ARGUMENT` when one of them is none.
#[napi(ts_args_type = "snap1: YSnapshot, snap2: YSnapshot")]
pub fn equal_snapshots(env: Env, snap1: Unknown<'_>, snap2: Unknown<'_>) -> Result<bool> {
    Ok(snapshot_from_js(env, &snap1, "snap1")? == snapshot_from_js(env, &snap2, "snap2")?)
}

/// A snapshot as bytes, V1. Throws `ERR_INVALID_ARGUMENT` when it is none.
#[napi(js_name = "encodeSnapshotV1", ts_args_type = "snapshot: YSnapshot")]
pub fn encode_snapshot_v1(env: Env, snapshot: Unknown<'_>) -> Result<Uint8Array> {
    let snapshot = snapshot_from_js(env, &snapshot, "snapshot")?;
    Ok(Uint8Array::from(update::encode_snapshot_v1(&snapshot)))
}

/// A snapshot as bytes, V2 as Yjs writes it. Throws `ERR_INVALID_ARGUMENT` when it is none.
#[napi(js_name = "encodeSnapshotV2", ts_args_type = "snapshot: YSnapshot")]
pub fn encode_snapshot_v2(env: Env, snapshot: Unknown<'_>) -> Result<Uint8Array> {
    let snapshot = snapshot_from_js(env, &snapshot, "snapshot")?;
    Ok(Uint8Array::from(update::encode_snapshot_v2(&snapshot)))
}

/// Reads a snapshot, V1. Throws `ERR_INVALID_UPDATE` when the bytes are none.
#[napi(js_name = "decodeSnapshotV1", ts_return_type = "YSnapshot")]
pub fn decode_snapshot_v1(env: Env, snapshot: Uint8Array) -> Result<String> {
    read(env, update::decode_snapshot_v1(&snapshot))
}

/// Reads a snapshot, V2 of Yjs or of `ywasm`. Throws `ERR_INVALID_UPDATE` when the bytes are none.
#[napi(js_name = "decodeSnapshotV2", ts_return_type = "YSnapshot")]
pub fn decode_snapshot_v2(env: Env, snapshot: Uint8Array) -> Result<String> {
    read(env, update::decode_snapshot_v2(&snapshot))
}

/// The content at the time of a snapshot, as a V1 update.
///
/// Throws `ERR_INVALID_ARGUMENT` for a document with garbage collection: what it deleted is gone.
#[napi(js_name = "encodeStateFromSnapshotV1", ts_args_type = "doc: YDoc, snapshot: YSnapshot")]
pub fn encode_state_from_snapshot_v1(
    env: Env,
    doc: &YDoc,
    snapshot: Unknown<'_>,
) -> Result<Uint8Array> {
    encode_state(env, doc, &snapshot, EncoderV1::new())
}

/// The content at the time of a snapshot, as a V2 update.
///
/// Throws `ERR_INVALID_ARGUMENT` for a document with garbage collection: what it deleted is gone.
#[napi(js_name = "encodeStateFromSnapshotV2", ts_args_type = "doc: YDoc, snapshot: YSnapshot")]
pub fn encode_state_from_snapshot_v2(
    env: Env,
    doc: &YDoc,
    snapshot: Unknown<'_>,
) -> Result<Uint8Array> {
    encode_state(env, doc, &snapshot, V2Encoder::new())
}

/// A snapshot that was given as an argument.
pub(in crate::binding) fn snapshot_from_js(
    env: Env,
    value: &Unknown<'_>,
    name: &str,
) -> Result<Snapshot> {
    let text = match value.get_type()? {
        ValueType::String => Some(value.coerce_to_string()?.into_utf8()?.into_owned()?),
        _ => None,
    };
    text.and_then(|text| base64::decode(&text))
        .and_then(|bytes| update::decode_snapshot_v1(&bytes).ok())
        .ok_or_else(|| {
            let message = format!("{name}: expected a snapshot, as `snapshot(doc)` returns it");
            ProviderError::new(ErrorCode::InvalidArgument, message)
        })
        .or_throw(env)
}

fn encode_state<E: Encoder>(
    env: Env,
    doc: &YDoc,
    snapshot: &Unknown<'_>,
    mut encoder: E,
) -> Result<Uint8Array> {
    let snapshot = snapshot_from_js(env, snapshot, "snapshot")?;
    doc.core
        .read(env, None, |reader| {
            reader.encode_state_from_snapshot(&snapshot, &mut encoder).map(|()| encoder.to_vec())
        })?
        .map(Uint8Array::from)
        .map_err(|error| ProviderError::new(ErrorCode::InvalidArgument, format!("doc: {error}")))
        .or_throw(env)
}

fn read(env: Env, snapshot: std::result::Result<Snapshot, ScanError>) -> Result<String> {
    snapshot
        .map(|snapshot| to_text(&snapshot))
        .map_err(|error| {
            ProviderError::new(ErrorCode::InvalidUpdate, format!("not a snapshot: {error}"))
        })
        .or_throw(env)
}

fn to_text(snapshot: &Snapshot) -> String {
    base64::encode(&update::encode_snapshot_v1(snapshot))
}
