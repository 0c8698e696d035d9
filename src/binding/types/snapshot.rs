//! `YSnapshot`.

use napi::bindgen_prelude::Unknown;
use napi::{Env, ValueType};
use napi_derive::napi;
use yrs::{ReadTxn, Snapshot};

use super::doc::doc_argument;
use crate::binding::error::{Result, throw};
use crate::binding::value::instance;
use crate::error::{ErrorCode, ProviderError};

/// What a document held at one time, to look back at it. Only documents made with `gc: false` keep what was deleted.
#[napi]
pub struct YSnapshot(pub(super) Snapshot);

#[napi]
impl YSnapshot {
    /// Does nothing; snapshots need not be freed.
    #[napi]
    pub fn free(&self) {}
}

/// A snapshot of a document as it is now.
#[napi(ts_args_type = "doc: YDoc")]
pub fn snapshot(env: Env, doc: Unknown<'_>) -> Result<YSnapshot> {
    let core = doc_argument(env, &doc, "doc")?;
    core.read(env, None, |reader| reader.snapshot()).map(YSnapshot)
}

/// A snapshot given as an argument; `None` for `undefined` and `null`.
pub(super) fn snapshot_argument(
    env: Env,
    value: Option<Unknown<'_>>,
    name: &str,
) -> Result<Option<Snapshot>> {
    let Some(value) = value else { return Ok(None) };
    if matches!(value.get_type()?, ValueType::Undefined | ValueType::Null) {
        return Ok(None);
    }
    match instance::<YSnapshot>(env, &value) {
        Some(snapshot) => Ok(Some(snapshot.0.clone())),
        None => {
            let message = format!("{name}: expected a snapshot");
            Err(throw(env, ProviderError::new(ErrorCode::InvalidArgument, message)))
        }
    }
}
