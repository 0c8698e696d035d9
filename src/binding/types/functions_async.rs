//! The heavy calls, off the event loop: they run on the pool of the documents and return promises.

use bytes::Bytes;
use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8ArraySlice, Unknown};
use napi_derive::napi;

use super::doc::YDoc;
use super::functions::{decode_state_vector, invalid_v1, keep_origin};
use crate::binding::error::Result;
use crate::binding::js_thread::JsThread;
use crate::binding::requests::Answer;
use crate::protocol::update;

/// The same as `applyUpdate`, on another thread. It waits for the current tick and for an open transaction, and is a
/// transaction of its own. The promise is fulfilled after the listeners ran, who get the origin.
///
/// Rejects with `ERR_INVALID_UPDATE` when the bytes are no V1 update; the document is unchanged then.
#[napi(
    ts_args_type = "doc: YDoc, update: Uint8Array, origin?: any",
    ts_return_type = "Promise<void>"
)]
pub fn apply_update_async<'env>(
    env: &'env Env,
    doc: &YDoc,
    update: Uint8ArraySlice<'_>,
    origin: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, ()>> {
    let origin = origin.map(|it| keep_origin(*env, it)).transpose()?.flatten();
    let update = Bytes::copy_from_slice(&update);
    JsThread::current(*env)?.requests.ask_document(env, &doc.core, origin, |document, id| {
        document.apply_kept(id, 0, update);
    })
}

/// The same as `encodeStateAsUpdate`, on another thread. Edits of this tick are part of it.
///
/// Rejects with `ERR_INVALID_UPDATE` when the bytes are no state vector.
#[napi(ts_return_type = "Promise<Uint8Array>")]
pub fn encode_state_as_update_async<'env>(
    env: &'env Env,
    doc: &YDoc,
    vector: Option<Uint8ArraySlice<'_>>,
) -> Result<PromiseRaw<'env, ()>> {
    let requests = &JsThread::current(*env)?.requests;
    if let Err(error) = decode_state_vector(vector.as_deref()) {
        return requests.run(env, || Err(error));
    }
    let vector = vector.map_or_else(Bytes::new, |it| Bytes::copy_from_slice(&it));
    requests.ask_document(env, &doc.core, None, |document, id| {
        document.encode_diff(id, 0, vector);
    })
}

/// The same as `mergeUpdatesV1`, on another thread.
///
/// Rejects with `ERR_INVALID_UPDATE` when any of them is no V1 update.
#[napi(ts_return_type = "Promise<Uint8Array>")]
pub fn merge_updates_async<'env>(
    env: &'env Env,
    updates: Vec<Uint8ArraySlice<'env>>,
) -> Result<PromiseRaw<'env, ()>> {
    let updates: Vec<Vec<u8>> = updates.iter().map(|it| it.to_vec()).collect();
    JsThread::current(*env)?.requests.run(env, move || {
        if let [single] = updates.as_slice() {
            update::scan_v1(single).map_err(invalid_v1)?;
        }
        update::merge(&updates).map(|it| Answer::Bytes(it.into())).map_err(invalid_v1)
    })
}
