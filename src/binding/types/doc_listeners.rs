//! Who listens to a `YDoc`.

use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;

use super::doc::YDoc;
use crate::binding::error::{OrThrow, Result};
use crate::binding::listeners::Listener;
use crate::document::Interest;
use crate::error::{ErrorCode, ProviderError};

#[napi]
impl YDoc {
    /// Adds a listener. `update` and `updateV2` get the bytes of every transaction, `afterTransaction` and then
    /// `cleanup` the transaction, `subdocs` the subdocuments that came, went or should be loaded, `destroy` the document.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` for any other event.
    #[napi(
        ts_args_type = "event: 'update' | 'updateV2', callback: (update: Uint8Array, txn: YTransaction) => void): void
  on(event: 'afterTransaction' | 'cleanup', callback: (txn: YTransaction) => void): void
  on(event: 'subdocs', callback: (event: YSubdocsEvent, txn: YTransaction) => void): void
  on(event: 'destroy', callback: (doc: YDoc) => void"
    )]
    pub fn on(&self, env: Env, event: String, callback: Listener<'_>) -> Result<()> {
        let interest = interest(&event).or_throw(env)?;
        let Some(mut listeners) = self.core.make_listeners(env)? else { return Ok(()) };
        if listeners.add(&event, callback, false)?
            && let Some(interest) = interest
        {
            self.core.local.set_interest(interest, true);
        }
        Ok(())
    }

    /// Removes a listener. Returns whether it was there.
    #[napi(
        ts_args_type = "event: 'update' | 'updateV2' | 'afterTransaction' | 'cleanup' | 'subdocs' | 'destroy', callback: (...args: any[]) => void"
    )]
    pub fn off(&self, env: Env, event: String, callback: Listener<'_>) -> Result<bool> {
        let interest = interest(&event).or_throw(env)?;
        let Some(mut listeners) = self.core.listeners(env)? else { return Ok(false) };
        let (was_there, is_empty) = listeners.remove(&event, callback)?;
        if is_empty && let Some(interest) = interest {
            self.core.local.set_interest(interest, false);
        }
        Ok(was_there)
    }
}

impl YDoc {
    /// Forgets all listeners. Returns those of `destroy`.
    pub(super) fn take_listeners<'env>(&self, env: Env) -> Result<Vec<Unknown<'env>>> {
        let Some(mut listeners) = self.core.listeners(env)? else { return Ok(Vec::new()) };
        let functions = listeners.take("destroy")?;
        listeners.clear()?;
        for interest in Interest::ALL {
            self.core.local.set_interest(interest, false);
        }
        Ok(functions)
    }
}

fn interest(event: &str) -> std::result::Result<Option<Interest>, ProviderError> {
    match event {
        "update" => Ok(Some(Interest::Update)),
        "updateV2" => Ok(Some(Interest::UpdateV2)),
        "afterTransaction" => Ok(Some(Interest::AfterTransaction)),
        "cleanup" => Ok(Some(Interest::Cleanup)),
        // Subdocuments are captured in any case, and they are rare.
        "subdocs" | "destroy" => Ok(None),
        other => Err(ProviderError::new(
            ErrorCode::InvalidArgument,
            format!("event: a YDoc has no event '{other}'"),
        )),
    }
}
