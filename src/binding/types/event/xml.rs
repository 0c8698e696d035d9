//! `YXmlEvent`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;

use super::EventData;
use crate::binding::error::Result;
use crate::document::TypeChange;

/// A change of a `YXmlElement` or `YXmlFragment`.
#[napi]
pub struct YXmlEvent(pub(super) EventData);

#[napi]
impl YXmlEvent {
    /// The node that changed.
    #[napi(getter, ts_return_type = "YXmlElement | YXmlFragment")]
    pub fn target<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.0.target(env)
    }

    /// Which children changed, from left to right.
    #[napi(getter, ts_return_type = "Array<YXmlDelta>")]
    pub fn delta<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        let TypeChange::Xml(delta, _) = &self.0.event().change else { return env.create_array(0) };
        self.0.sequence_delta(env, delta)
    }

    /// Which attributes changed, by name.
    #[napi(getter, ts_return_type = "Record<string, YMapChange>")]
    pub fn keys<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let TypeChange::Xml(_, keys) = &self.0.event().change else { return Object::new(env) };
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
