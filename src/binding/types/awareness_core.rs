//! What an `Awareness` and the providers that relay it share on the JS thread.

use std::cell::RefCell;
use std::rc::Rc;

use napi::Env;
use napi::JsValue;
use napi::bindgen_prelude::{Object, Unknown};

use super::doc_core::DocCore;
use crate::binding::error::Result;
use crate::binding::hidden::Hidden;
use crate::binding::listeners::Listeners;
use crate::binding::raw::{self, Reference, Thrown};
use crate::net::Handle;
use crate::session::{AwarenessChange, DocKey, SharedAwareness};

/// State of one `Awareness`, also held by the providers that relay it.
pub(in crate::binding) struct AwarenessCore {
    pub(in crate::binding) shared: SharedAwareness,
    pub(super) core: Rc<DocCore>,
    wrapper: RefCell<Option<Reference>>,
    relays: RefCell<Vec<(Handle, DocKey)>>,
}

impl AwarenessCore {
    pub(super) fn new(core: &Rc<DocCore>, states: SharedAwareness) -> Rc<Self> {
        Rc::new(Self {
            shared: states,
            core: Rc::clone(core),
            wrapper: RefCell::default(),
            relays: RefCell::default(),
        })
    }

    /// Gives the JavaScript object its document and its lists of listeners.
    pub(super) fn set_wrapper<'env>(&self, env: Env, wrapper: &impl JsValue<'env>) -> Result<()> {
        *self.wrapper.borrow_mut() = Some(Reference::weak(env, wrapper)?);
        self.core.own(env, wrapper)?;
        self.core.thread.hidden.set(env, wrapper, Hidden::Listeners, &Object::new(&env)?)
    }

    /// Our own state has changed: the providers send it.
    pub(super) fn relay(&self) {
        let relays = self.relays.borrow().clone();
        for (handle, key) in relays {
            handle.handle_local_awareness(key);
        }
    }

    /// The `Awareness`, unless it was collected.
    pub(in crate::binding) fn wrapper<'env>(&self) -> Option<Object<'env>> {
        self.wrapper.borrow().as_ref().and_then(Reference::object)
    }

    /// A provider relays our own state from now on.
    pub(in crate::binding) fn attach(&self, handle: Handle, key: DocKey) {
        self.relays.borrow_mut().push((handle, key));
    }

    pub(in crate::binding) fn detach(&self, key: DocKey, handle: &Handle) {
        self.relays.borrow_mut().retain(|(other, it)| *it != key || !other.is_same(handle));
    }

    /// Tells the listeners. Returns what they threw.
    pub(in crate::binding) fn emit(
        &self,
        env: Env,
        change: &AwarenessChange,
        origin: Unknown<'_>,
    ) -> Result<Vec<Thrown>> {
        let mut thrown = Vec::new();
        let Some(wrapper) = self.wrapper() else {
            return Ok(thrown);
        };
        let Some(lists) = self.core.thread.hidden.get_object(env, &wrapper, Hidden::Listeners)?
        else {
            return Ok(thrown);
        };
        let mut listeners = Listeners::new(env, lists);
        let is_changed = !(change.added.is_empty()
            && change.filtered_updated.is_empty()
            && change.removed.is_empty());
        for (event, updated, is_due) in [
            ("change", &change.filtered_updated, is_changed),
            ("update", &change.updated, !change.is_empty()),
        ] {
            let functions = if is_due { listeners.take(event)? } else { Vec::new() };
            if functions.is_empty() {
                continue;
            }
            let mut summary = Object::new(&env)?;
            summary.set("added", clients_to_js(&change.added))?;
            summary.set("updated", clients_to_js(updated))?;
            summary.set("removed", clients_to_js(&change.removed))?;
            for function in functions {
                if let Err(value) = raw::call(env, function.raw(), &[summary.raw(), origin.raw()]) {
                    thrown.push(value);
                }
            }
        }
        Ok(thrown)
    }

    pub(super) fn emit_or_throw(
        &self,
        env: Env,
        change: &AwarenessChange,
        origin: Unknown<'_>,
    ) -> Result<()> {
        match self.emit(env, change, origin)?.first() {
            Some(thrown) => Err(raw::throw(env, *thrown)),
            None => Ok(()),
        }
    }
}

fn clients_to_js(clients: &[u64]) -> Vec<f64> {
    clients.iter().map(|client| *client as f64).collect()
}
