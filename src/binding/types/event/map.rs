//! `YMapEvent`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object};
use napi_derive::napi;

use crate::binding::error::Result;
use crate::binding::types::views::Turned;
use crate::document::TypeChange;

/// A change of a `YMap`.
#[napi]
pub struct YMapEvent(pub(super) Turned);

#[napi]
impl YMapEvent {
    /// What changed, by key.
    #[napi(getter, ts_return_type = "Record<string, YMapChange>")]
    pub fn keys<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let event = self.0.event()?;
        let TypeChange::Map(keys) = &event.event().change else { return Object::new(env) };
        event.keys(env, keys)
    }
}

event_methods!(YMapEvent, "YMap");
