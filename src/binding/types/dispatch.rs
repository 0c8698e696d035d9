//! Calls the listeners of a document.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{JavaScriptClassExt, JsObjectValue, Object, Unknown};
use napi::{Env, JsValue, sys};
use yrs::BranchID;

use super::doc_core::DocCore;
use super::event::EventSource;
use super::subdocs_event::Subdocs;
use super::undo_event::{Metas, YUndoEvent};
use super::undo_manager_listeners::{event_name, listeners_of};
use super::views::Item;
use crate::binding::error::Result;
use crate::binding::hidden::Hidden;
use crate::binding::listeners::Listeners;
use crate::binding::raw::{self, Reference, Thrown};
use crate::binding::value::bytes_to_js;
use crate::document::{Record, TypeHandle, UndoAction};

/// A committed transaction whose listeners have not run yet.
pub(super) struct Pending {
    pub(super) record: Arc<Record>,
    /// The origin that JavaScript gave, in a box.
    pub(super) origin: Option<Reference>,
    pub(super) is_remote: bool,
}

impl Pending {
    /// A transaction that the pool made.
    pub(super) fn remote(record: Arc<Record>) -> Self {
        Self { record, origin: None, is_remote: true }
    }
}

/// The list of a type's listeners. Names are quoted: keys of napi-rs can't hold a NUL.
pub(super) fn type_key(handle: &TypeHandle, is_deep: bool) -> String {
    let prefix = if is_deep { "deep" } else { "type" };
    match &handle.id {
        BranchID::Root(name) => format!("{prefix}/root/{name:?}"),
        BranchID::Nested(id) => format!("{prefix}/{}/{}", id.client.get(), id.clock),
    }
}

/// Runs all listeners of one transaction, in the order of yjs. Returns what they threw.
pub(super) fn dispatch(core: &Rc<DocCore>, env: Env, pending: &Pending) -> Vec<Thrown> {
    let mut thrown = Vec::new();
    // Fails when the environment goes away; then there is nobody to call.
    Dispatch::new(core, env, pending)
        .and_then(|it| it.map_or(Ok(()), |it| it.run(&mut thrown)))
        .ok();
    thrown
}

/// Warns once per document about an explicit transaction that outlives its tick (T 22).
pub(super) fn warn_open_transaction(env: Env) {
    let warn = || -> Result<()> {
        let process: Object<'_> = env.get_global()?.get_named_property("process")?;
        let emit: napi::bindgen_prelude::Function<
            '_,
            napi::bindgen_prelude::FnArgs<(&str, &str)>,
            (),
        > = process.get_named_property("emitWarning")?;
        let text = "a transaction of a YDoc is still open at the end of its tick: remote updates wait until commit()";
        emit.call((text, "YTransactionWarning").into())
    };
    warn().ok();
}

struct Dispatch<'env> {
    core: &'env Rc<DocCore>,
    env: Env,
    record: &'env Arc<Record>,
    doc: Object<'env>,
    origin: Unknown<'env>,
    listeners: Listeners<'env>,
    txn: OnceCell<sys::napi_value>,
}

impl<'env> Dispatch<'env> {
    fn new(core: &'env Rc<DocCore>, env: Env, pending: &'env Pending) -> Result<Option<Self>> {
        let Some(doc) = core.wrapper() else { return Ok(None) };
        let Some(listeners) = core.make_listeners(env)? else { return Ok(None) };
        let origin = match (&pending.origin, pending.record.attachment) {
            (Some(origin), _) => Some(origin.unboxed()?),
            (None, Some(id)) => core.thread.origin_of(id),
            (None, None) => None,
        };
        let origin = origin.map_or_else(|| raw::to_js(env, ()), Ok)?;
        Ok(Some(Self {
            core,
            env,
            record: &pending.record,
            doc,
            origin,
            listeners,
            txn: OnceCell::new(),
        }))
    }

    fn run(&self, thrown: &mut Vec<Thrown>) -> Result<()> {
        for index in 0..self.record.events.len() {
            let key = type_key(&self.record.events[index].target, false);
            let event = |it: &Self| it.view(Some(EventSource::Direct(index)));
            self.call(&key, event, thrown)?;
        }
        for index in 0..self.record.deep_events.len() {
            let key = type_key(&self.record.deep_events[index].observed, true);
            let events = |it: &Self| {
                let count = it.record.deep_events[index].events.len();
                let mut list = it.env.create_array(count as u32)?;
                for inner in 0..count {
                    let event = it.view(Some(EventSource::Deep(index, inner)))?;
                    // SAFETY: the value was made just now.
                    list.set(inner as u32, unsafe {
                        napi::Unknown::from_raw_unchecked(it.env.raw(), event)
                    })?;
                }
                Ok(list.raw())
            };
            self.call(&key, events, thrown)?;
        }
        if self.record.is_transaction_wanted {
            self.call("afterTransaction", Self::txn, thrown)?;
            self.call("cleanup", Self::txn, thrown)?;
        }
        self.call_undo(|action| action != UndoAction::Popped, thrown)?;
        if let Some(update) = &self.record.update {
            self.call("update", |it| bytes_to_js(it.env, update), thrown)?;
        }
        if let Some(update) = &self.record.update_v2 {
            self.call("updateV2", |it| bytes_to_js(it.env, update), thrown)?;
        }
        if let Some(change) = &self.record.subdocs {
            let subdocs = Subdocs::of(&self.env, self.core, change)?;
            self.call("subdocs", |it| subdocs.event(&it.env).map(|it| it.raw()), thrown)?;
            subdocs.destroy_removed(self.env, thrown)?;
        }
        self.call_undo(|action| action == UndoAction::Popped, thrown)?;
        self.forget_undo_items()
    }

    /// Calls listeners of undo managers, and keeps what they attach to items.
    fn call_undo(
        &self,
        is_meant: impl Fn(UndoAction) -> bool,
        thrown: &mut Vec<Thrown>,
    ) -> Result<()> {
        for change in self.record.undo.iter().filter(|it| is_meant(it.action)) {
            let Some(manager) = self.core.undo_manager(change.manager) else { continue };
            let mut metas = Metas::of(self.env, self.core, &manager, change)?;
            let event = YUndoEvent::of(change).into_instance(&self.env)?.as_object(&self.env);
            self.core.thread.hidden.set(self.env, &event, Hidden::Data, &metas.get()?)?;
            self.set_origin(&event)?;
            let listeners = listeners_of(self.env, &manager)?;
            self.call_in(listeners, event_name(change.action), |_| Ok(event.raw()), thrown)?;
            metas.keep(self.core.thread.hidden.get(self.env, &event, Hidden::Data)?)?;
        }
        Ok(())
    }

    fn forget_undo_items(&self) -> Result<()> {
        for change in &self.record.undo {
            if self.core.has_pending_events() {
                break;
            }
            if let Some(manager) = self.core.undo_manager(change.manager) {
                Metas::of(self.env, self.core, &manager, change)?.forget_dropped()?;
            }
        }
        Ok(())
    }

    fn call(
        &self,
        key: &str,
        argument: impl Fn(&Self) -> Result<sys::napi_value>,
        thrown: &mut Vec<Thrown>,
    ) -> Result<()> {
        self.call_in(self.listeners, key, argument, thrown)
    }

    fn call_in(
        &self,
        mut listeners: Listeners<'env>,
        key: &str,
        argument: impl Fn(&Self) -> Result<sys::napi_value>,
        thrown: &mut Vec<Thrown>,
    ) -> Result<()> {
        let functions = listeners.take(key)?;
        if functions.is_empty() {
            return Ok(());
        }
        let args = [argument(self)?, self.txn()?];
        for function in functions {
            if let Err(value) = raw::call(self.env, function.raw(), &args) {
                thrown.push(value);
            }
        }
        Ok(())
    }

    /// The closed view of the transaction that all listeners get.
    fn txn(&self) -> Result<sys::napi_value> {
        if let Some(txn) = self.txn.get() {
            return Ok(*txn);
        }
        let txn = self.view(None)?;
        Ok(*self.txn.get_or_init(|| txn))
    }

    fn view(&self, event: Option<EventSource>) -> Result<sys::napi_value> {
        let item = Item { core: Rc::downgrade(self.core), record: Arc::clone(self.record), event };
        let views = self.core.thread.views(self.env)?;
        views.view(self.env, self.doc.raw(), self.origin.raw(), item)
    }

    fn set_origin(&self, object: &Object<'_>) -> Result<()> {
        self.core.thread.hidden.set(self.env, object, Hidden::Origin, &self.origin)
    }
}
