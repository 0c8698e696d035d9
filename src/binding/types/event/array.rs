//! `YArrayEvent`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object};
use napi_derive::napi;

use crate::binding::error::Result;
use crate::binding::types::views::Turned;
use crate::document::TypeChange;

/// A change of a `YArray`.
#[napi]
pub struct YArrayEvent(pub(super) Turned);

#[napi]
impl YArrayEvent {
    /// What changed, from left to right.
    #[napi(getter, ts_return_type = "Array<YArrayDelta>")]
    pub fn delta<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        let event = self.0.event()?;
        let TypeChange::Array(delta) = &event.event().change else { return env.create_array(0) };
        event.sequence_delta(env, delta)
    }
}

event_methods!(YArrayEvent, "YArray");
