//! `YMapEvent`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;

use super::EventData;
use crate::binding::error::Result;
use crate::document::TypeChange;

/// A change of a `YMap`.
#[napi]
pub struct YMapEvent(pub(super) EventData);

#[napi]
impl YMapEvent {
    /// The map that changed.
    #[napi(getter, ts_return_type = "YMap")]
    pub fn target<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.0.target(env)
    }

    /// What changed, by key.
    #[napi(getter, ts_return_type = "Record<string, YMapChange>")]
    pub fn keys<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let TypeChange::Map(keys) = &self.0.event().change else { return Object::new(env) };
        self.0.keys(env, keys)
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
