//! `YXmlEvent`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object};
use napi_derive::napi;

use crate::binding::error::Result;
use crate::binding::types::views::Turned;
use crate::document::TypeChange;

/// A change of a `YXmlElement` or `YXmlFragment`.
#[napi]
pub struct YXmlEvent(pub(super) Turned);

#[napi]
impl YXmlEvent {
    /// Which children changed, from left to right.
    #[napi(getter, ts_return_type = "Array<YXmlDelta>")]
    pub fn delta<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        let event = self.0.event()?;
        let TypeChange::Xml(delta, _) = &event.event().change else { return env.create_array(0) };
        event.sequence_delta(env, delta)
    }

    /// Which attributes changed, by name.
    #[napi(getter, ts_return_type = "Record<string, YMapChange>")]
    pub fn keys<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let event = self.0.event()?;
        let TypeChange::Xml(_, keys) = &event.event().change else { return Object::new(env) };
        event.keys(env, keys)
    }
}

event_methods!(YXmlEvent, "YXmlElement | YXmlFragment");
