//! Functions on awareness updates, as `ywasm` exports them.

use std::time::Instant;

use napi::bindgen_prelude::{BigInt, Either, JsObjectValue, Object, Uint8Array, Unknown};
use napi::{Env, JsValue};
use napi_derive::napi;

use super::awareness::{Awareness, parse_json, stringify_json};
use crate::binding::error::{OrThrow, Result};
use crate::binding::listeners::Listener;
use crate::binding::raw::{self, to_js};
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::awareness as codec;

/// Forgets the states of these clients; listeners get the origin `undefined`.
#[napi(
    ts_args_type = "awareness: Awareness, clients: Iterable<number | bigint> & ArrayLike<number | bigint>"
)]
pub fn remove_awareness_states(env: Env, awareness: &Awareness, clients: Object<'_>) -> Result<()> {
    let count: u32 = clients.get("length")?.unwrap_or(0);
    let mut ids = Vec::with_capacity(count.min(1024) as usize);
    for index in 0..count {
        ids.push(match clients.get_element::<Either<f64, BigInt>>(index)? {
            Either::A(id) => id as u64,
            Either::B(id) => id.get_u64().1,
        });
    }
    let change = awareness.inner.shared.lock().remove(Instant::now(), &ids);
    awareness.inner.emit_or_throw(env, &change, to_js(env, ())?)
}

/// An awareness update whose states went through a function.
///
/// Throws `ERR_INVALID_UPDATE` when the bytes are none, `ERR_UNSUPPORTED_VALUE` when a new state has no JSON form, and
/// what the function throws.
#[napi(ts_args_type = "update: Uint8Array, modify: (state: any, clientId: number) => any")]
pub fn modify_awareness_update<'env>(
    env: &'env Env,
    update: Uint8Array,
    modify: Listener<'env>,
) -> Result<Uint8Array> {
    let mut entries = codec::decode(&update)
        .map_err(|error| {
            let message = format!("not an awareness update: {error}");
            ProviderError::new(ErrorCode::InvalidUpdate, message)
        })
        .or_throw(*env)?;
    for entry in &mut entries {
        let state = parse_json(env, std::mem::take(&mut entry.state))?;
        let client: Unknown<'_> = to_js(*env, entry.client_id as f64)?;
        let modified = raw::call(*env, modify.raw(), &[state.raw(), client.raw()])
            .map_err(|thrown| raw::throw(*env, thrown))?;
        // SAFETY: the value was returned just now, in this environment and handle scope.
        let modified = unsafe { Unknown::from_raw_unchecked(env.raw(), modified) };
        entry.state = stringify_json(*env, modified)?;
    }
    Ok(Uint8Array::from(codec::encode(&entries)))
}
