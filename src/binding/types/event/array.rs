//! `YArrayEvent`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;

use super::EventData;
use crate::binding::error::Result;
use crate::document::TypeChange;

/// A change of a `YArray`.
#[napi]
pub struct YArrayEvent(pub(super) EventData);

#[napi]
impl YArrayEvent {
    /// The array that changed.
    #[napi(getter, ts_return_type = "YArray")]
    pub fn target<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.0.target(env)
    }

    /// What changed, from left to right.
    #[napi(getter, ts_return_type = "Array<YArrayDelta>")]
    pub fn delta<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        let TypeChange::Array(delta) = &self.0.event().change else { return env.create_array(0) };
        self.0.sequence_delta(env, delta)
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
