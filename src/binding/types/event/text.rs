//! `YTextEvent`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object};
use napi_derive::napi;

use crate::binding::error::Result;
use crate::binding::types::text_delta::changes_to_js;
use crate::binding::types::views::Turned;
use crate::document::TypeChange;

/// A change of a `YText`.
#[napi]
pub struct YTextEvent(pub(super) Turned);

#[napi]
impl YTextEvent {
    /// What changed, from left to right; positions count UTF-16 units.
    #[napi(getter, ts_return_type = "Array<YTextDelta>")]
    pub fn delta<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        let event = self.0.event()?;
        let TypeChange::Text(delta) = &event.event().change else { return env.create_array(0) };
        changes_to_js(env, &event.core, delta)
    }
}

event_methods!(YTextEvent, "YText");
