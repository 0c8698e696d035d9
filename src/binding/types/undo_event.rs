//! `YUndoEvent`, and what listeners attach to the items of an undo manager.

use std::rc::Rc;

use napi::Env;
use napi::bindgen_prelude::{JsObjectValue, Object, This, Unknown};
use napi_derive::napi;

use super::doc_core::DocCore;
use crate::binding::error::Result;
use crate::binding::hidden::Hidden;
use crate::binding::js_thread::JsThread;
use crate::document::{UndoAction, UndoChange};

/// An item of a stack of a `YUndoManager` was added, grew, or was undone or redone.
#[napi]
pub struct YUndoEvent {
    is_redo: bool,
}

impl YUndoEvent {
    pub(super) fn of(change: &UndoChange) -> Self {
        Self { is_redo: change.is_redo }
    }
}

#[napi]
impl YUndoEvent {
    /// Whether the item is one to be undone or one to be redone.
    #[napi(getter, ts_return_type = "'undo' | 'redo'")]
    pub fn kind(&self) -> &'static str {
        if self.is_redo { "redo" } else { "undo" }
    }

    /// What listeners attached to the item.
    #[napi(getter, ts_return_type = "any")]
    pub fn meta<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        JsThread::current(env)?.hidden.get(env, &this, Hidden::Data)
    }

    /// Attaches something to the item: later events of the same item have it.
    #[napi(setter, js_name = "meta", ts_args_type = "value: any")]
    pub fn set_meta(&self, env: Env, this: This<'_>, value: Unknown<'_>) -> Result<()> {
        JsThread::current(env)?.hidden.set(env, &this, Hidden::Data, &value)
    }

    /// Origin of the transaction; the undo manager itself for its own.
    #[napi(getter, ts_return_type = "any")]
    pub fn origin<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        JsThread::current(env)?.hidden.get(env, &this, Hidden::Origin)
    }

    /// Does nothing; events need not be freed.
    #[napi]
    pub fn free(&self) {}
}

/// What listeners attached to an item. It lives on the undo manager: it may refer to anything, the manager included.
pub(super) struct Metas<'env> {
    core: &'env Rc<DocCore>,
    change: &'env UndoChange,
    metas: Object<'env>,
}

impl<'env> Metas<'env> {
    pub(super) fn of(
        env: Env,
        core: &'env Rc<DocCore>,
        manager: &Object<'env>,
        change: &'env UndoChange,
    ) -> Result<Self> {
        let metas = core.thread.hidden.get_object(env, manager, Hidden::Data)?;
        let metas = metas.map_or_else(|| Object::new(&env), Ok)?;
        Ok(Self { core, change, metas })
    }

    pub(super) fn get(&self) -> Result<Unknown<'env>> {
        self.metas.get_named_property_unchecked(&self.change.item.to_string())
    }

    /// Keeps what the listeners left for the next event of the item.
    pub(super) fn keep(&mut self, meta: Unknown<'_>) -> Result<()> {
        let key = self.change.item.to_string();
        if self.change.action == UndoAction::Popped {
            return self.metas.delete_named_property(&key).map(drop);
        }
        self.metas.set_named_property(&key, meta)
    }

    /// Items also go without an event: an edit empties the redo stack. To be called when no event waits.
    pub(super) fn forget_dropped(&mut self) -> Result<()> {
        let keys = Object::keys(&self.metas)?;
        if keys.len() <= self.core.local.undo_count(self.change.manager) {
            return Ok(());
        }
        let items = self.core.local.undo_items(self.change.manager);
        for key in keys {
            if !key.parse().is_ok_and(|item| items.contains(&item)) {
                self.metas.delete_named_property(&key)?;
            }
        }
        Ok(())
    }
}
