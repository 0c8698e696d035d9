//! How a bridge listens to its document, and how that ends.

use std::rc::Rc;

use bytes::Bytes;
use napi::bindgen_prelude::{
    Function, FunctionCallContext, JsObjectValue, Object, Uint8Array, Unknown,
};
use napi::{Env, JsValue};

use super::bridge::Bridge;
use super::foreign_doc::ForeignDoc;
use crate::binding::error::Result;
use crate::binding::hidden::Hidden;
use crate::binding::provider_core::ProviderCore;
use crate::binding::raw;
use crate::binding::types::DocCore;
use crate::session::DocKey;

impl Bridge {
    /// Listens to a document. Comes before its mirror is added to the provider, because it may fail. Returns what
    /// [`Bridge::connect`] needs.
    pub(in crate::binding) fn listen<'env>(
        env: &'env Env,
        foreign: &ForeignDoc<'env>,
        core: &Rc<DocCore>,
        provider: &Rc<ProviderCore>,
        doc_id: &str,
    ) -> Result<Object<'env>> {
        let update = {
            let core = Rc::downgrade(core);
            listener(*env, "update", move |ctx| {
                if let Some(core) = core.upgrade()
                    && let Some(bridge) = core.bridge()
                    && let Ok(update) = ctx.get::<Uint8Array>(0)
                {
                    bridge.take_update(&core, Bytes::copy_from_slice(&update));
                }
            })?
        };
        let destroy = {
            let (provider, doc_id) = (Rc::downgrade(provider), doc_id.to_owned());
            listener(*env, "destroy", move |ctx| {
                if let Some(provider) = provider.upgrade() {
                    // Fails only while the environment goes away.
                    provider.remove_document(*ctx.env, &doc_id).ok();
                }
            })?
        };
        let mut held = Object::new(env)?;
        foreign.store(&mut held)?;
        held.set_named_property("update", foreign.on("update", &update)?)?;
        held.set_named_property("destroy", foreign.on("destroy", &destroy)?)?;
        Ok(held)
    }

    /// Connects a document, to which somebody listens, and its mirror, which is a document of the provider.
    pub(in crate::binding) fn connect(
        env: Env,
        held: &Object<'_>,
        core: &DocCore,
        provider: &Rc<ProviderCore>,
        key: DocKey,
    ) -> Result<()> {
        let document = provider.documents.borrow().get(key);
        if let Some(document) = document
            && let Some(state) = provider.make_state(&env, key, &document)?
        {
            core.thread.hidden.set(env, &state, Hidden::Data, held)?;
        }
        core.set_bridge(Self::new(env, core, provider, key, held)?);
        Ok(())
    }

    /// Leaves the JavaScript document alone from now on.
    pub(in crate::binding) fn disconnect(&self, env: Env) {
        if !self.is_connected.replace(false) {
            return;
        }
        self.incoming.take();
        let off = |event: &str| -> Result<()> {
            let Some(held) = self.held.object() else { return Ok(()) };
            let Some(foreign) = ForeignDoc::restore(env, &held)? else { return Ok(()) };
            foreign.off(event, &held.get_named_property_unchecked(event)?)
        };
        for event in ["update", "destroy"] {
            // A document that was freed has no listeners any more, and says so by throwing.
            raw::caught(env, off(event)).ok();
        }
    }
}

fn listener<'env>(
    env: Env,
    name: &str,
    call: impl Fn(FunctionCallContext<'_>) + 'static,
) -> Result<Unknown<'env>> {
    let function: Function<'_, (), ()> = env.create_function_from_closure(name, move |ctx| {
        call(ctx);
        Ok(())
    })?;
    // SAFETY: the function belongs to the handle scope of whoever called us.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), function.raw()) })
}
