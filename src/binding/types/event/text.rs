//! `YTextEvent`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;

use super::EventData;
use crate::binding::error::Result;
use crate::binding::types::text_delta::changes_to_js;
use crate::document::TypeChange;

/// A change of a `YText`.
#[napi]
pub struct YTextEvent(pub(super) EventData);

#[napi]
impl YTextEvent {
    /// The text that changed.
    #[napi(getter, ts_return_type = "YText")]
    pub fn target<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.0.target(env)
    }

    /// What changed, from left to right; positions count UTF-16 units.
    #[napi(getter, ts_return_type = "Array<YTextDelta>")]
    pub fn delta<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        let TypeChange::Text(delta) = &self.0.event().change else { return env.create_array(0) };
        changes_to_js(env, &self.0.core, delta)
    }

    /// Way from the observed type to the target: keys and indices, empty for `observe`.
    #[napi(ts_return_type = "Array<string | number>")]
    pub fn path<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        self.0.path(env)
    }

    /// Origin of the transaction.
    #[napi(getter, ts_return_type = "any")]
    pub fn origin<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        self.0.origin(env, &this)
    }

    /// Does nothing; events need not be freed.
    #[napi]
    pub fn free(&self) {}
}
