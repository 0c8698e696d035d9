//! `YXmlTextEvent`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object};
use napi_derive::napi;

use crate::binding::error::Result;
use crate::binding::types::text_delta::changes_to_js;
use crate::binding::types::views::Turned;
use crate::document::TypeChange;

/// A change of a `YXmlText`.
#[napi]
pub struct YXmlTextEvent(pub(super) Turned);

#[napi]
impl YXmlTextEvent {
    /// What changed, from left to right; positions count UTF-16 units.
    #[napi(getter, ts_return_type = "Array<YTextDelta>")]
    pub fn delta<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        let event = self.0.event()?;
        let TypeChange::XmlText(delta, _) = &event.event().change else {
            return env.create_array(0);
        };
        changes_to_js(env, &event.core, delta)
    }

    /// Which attributes of the node changed, by name.
    #[napi(getter, ts_return_type = "Record<string, YMapChange>")]
    pub fn keys<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let event = self.0.event()?;
        let TypeChange::XmlText(_, keys) = &event.event().change else { return Object::new(env) };
        event.keys(env, keys)
    }
}

event_methods!(YXmlTextEvent, "YXmlText");
