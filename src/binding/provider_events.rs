//! What the events of its session do to a provider, and who hears of them.

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue};

use super::calls::CallKind;
use super::error::Result;
use super::hidden::Hidden;
use super::listeners::Listeners;
use super::provider_core::ProviderCore;
use super::raw::{self, Thrown};
use crate::session::{DocKey, Event};

impl ProviderCore {
    /// Something happened on the network thread.
    pub(super) fn handle_event(&self, env: Env, event: Event) {
        // Fails only while the environment goes away. Nobody called us, so nobody could catch what listeners threw.
        for thrown in self.apply(env, event).unwrap_or_default() {
            raw::report_uncaught(env, thrown);
        }
    }

    fn apply(&self, env: Env, event: Event) -> Result<Vec<Thrown>> {
        match event {
            Event::Status { status, socket_id } => {
                self.status.set(status);
                *self.socket_id.borrow_mut() = socket_id;
                self.emit_event(env, &Event::Status { status, socket_id: None })
            }
            // As in the official client: whoever hears of the close finds no socket any more.
            Event::ConnectionClose { .. } => {
                *self.socket_id.borrow_mut() = None;
                self.emit_event(env, &event)
            }
            Event::Idle { connects } => {
                if connects == self.connects.get() && !self.is_destroyed.get() {
                    self.is_idle.set(true);
                    self.let_go(env);
                }
                Ok(Vec::new())
            }
            Event::Flushed { id, result } | Event::Waited { id, result } => {
                if self.calls.settle(env, id, result) == Some(CallKind::LastFlush) {
                    self.destroy(env)?;
                }
                self.rest_if_idle(env);
                Ok(Vec::new())
            }
            Event::Synced { doc, state } => {
                self.deliver(env, doc);
                self.set_synced(env, doc, state)?;
                self.emit_event(env, &event)
            }
            Event::Offset { doc, position } => {
                self.set_offset(env, doc, position.offset)?;
                Ok(Vec::new())
            }
            Event::Awareness { doc, change } => {
                let document = self.documents.borrow().get(doc);
                match (document.as_ref().and_then(|it| it.awareness.get()), self.wrapper()) {
                    (Some(awareness), Some(wrapper)) => {
                        awareness.emit(env, &change, wrapper.to_unknown())
                    }
                    _ => Ok(Vec::new()),
                }
            }
            event => self.emit_event(env, &event),
        }
    }

    fn emit_event(&self, env: Env, event: &Event) -> Result<Vec<Thrown>> {
        let doc_id = |key: DocKey| self.documents.borrow().get(key).map(|it| it.doc_id.to_string());
        let mut thrown = Vec::new();
        for (name, args) in super::events::to_js(&env, event, doc_id)? {
            thrown.extend(self.emit(env, name, &args)?);
        }
        Ok(thrown)
    }

    pub(super) fn listeners<'env>(&self, env: Env) -> Result<Option<Listeners<'env>>> {
        let Some(wrapper) = self.wrapper() else { return Ok(None) };
        let lists = self.thread.hidden.get_object(env, &wrapper, Hidden::Listeners)?;
        Ok(lists.map(|lists| Listeners::new(env, lists)))
    }

    /// Calls the listeners of an event. Returns what they threw.
    pub(super) fn emit(&self, env: Env, event: &str, args: &[Unknown<'_>]) -> Result<Vec<Thrown>> {
        let Some(mut listeners) = self.listeners(env)? else { return Ok(Vec::new()) };
        let args: Vec<_> = args.iter().map(JsValue::raw).collect();
        let functions = listeners.take(event)?;
        Ok(functions
            .iter()
            .filter_map(|function| raw::call(env, function.raw(), &args).err())
            .collect())
    }
}
