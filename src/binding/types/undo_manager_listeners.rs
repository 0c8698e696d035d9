//! Who listens to a `YUndoManager`.

use std::rc::Rc;

use napi::bindgen_prelude::This;
use napi::{Env, JsValue};
use napi_derive::napi;

use super::doc_core::DocCore;
use super::undo_manager::YUndoManager;
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::hidden::Hidden;
use crate::binding::js_thread::JsThread;
use crate::binding::listeners::{Listener, Listeners};
use crate::document::UndoAction;
use crate::error::{ErrorCode, ProviderError};

const EVENTS: [UndoAction; 3] = [UndoAction::Added, UndoAction::Updated, UndoAction::Popped];

#[napi]
impl YUndoManager {
    /// Adds a listener: an item of a stack was added, grew, or was undone or redone. What a listener puts into
    /// `event.meta` stays with the item.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` for any other event.
    #[napi(
        ts_args_type = "event: YUndoManagerEvent, callback: (event: YUndoEvent, txn: YTransaction) => void"
    )]
    pub fn on(
        &self,
        env: Env,
        this: This<'_>,
        event: String,
        callback: Listener<'_>,
    ) -> Result<()> {
        let action = action_argument(&event).or_throw(env)?;
        let mut listeners = listeners_of(env, &this)?;
        if listeners.add(event_name(action), callback, false)? {
            self.keep_alive(env, &this)?;
            if let Some(core) = self.core.get() {
                core.local.set_undo_interest(self.id, action, true);
            }
        }
        Ok(())
    }

    /// Removes a listener. Returns whether it was there.
    #[napi(
        ts_args_type = "event: YUndoManagerEvent, callback: (event: YUndoEvent, txn: YTransaction) => void"
    )]
    pub fn off(
        &self,
        env: Env,
        this: This<'_>,
        event: String,
        callback: Listener<'_>,
    ) -> Result<bool> {
        let action = action_argument(&event).or_throw(env)?;
        let (was_there, is_empty) =
            listeners_of(env, &this)?.remove(event_name(action), callback)?;
        if was_there && is_empty {
            if let Some(core) = self.core.get() {
                core.local.set_undo_interest(self.id, action, false);
            }
            self.keep_alive(env, &this)?;
        }
        Ok(was_there)
    }
}

impl YUndoManager {
    /// The document is known now, which must be told who listens already.
    pub(super) fn bind_listeners<'env>(
        &self,
        env: Env,
        this: &impl JsValue<'env>,
        core: &Rc<DocCore>,
    ) -> Result<()> {
        let mut listeners = listeners_of(env, this)?;
        for action in EVENTS {
            let is_wanted = !listeners.take(event_name(action))?.is_empty();
            core.local.set_undo_interest(self.id, action, is_wanted);
        }
        self.keep_alive(env, this)
    }

    /// A manager with listeners lives as long as its document, because it has somebody to tell.
    fn keep_alive<'env>(&self, env: Env, this: &impl JsValue<'env>) -> Result<()> {
        let Some(core) = self.core.get() else { return Ok(()) };
        let mut listeners = listeners_of(env, this)?;
        let mut is_kept = false;
        for action in EVENTS {
            is_kept |= !listeners.take(event_name(action))?.is_empty();
        }
        let Some(mut kept) = core.make_listeners(env)? else { return Ok(()) };
        kept.keep(&format!("undo/{}", self.id), is_kept.then_some(this))
    }
}

/// The list of listeners of an action, and the name of its event.
pub(super) fn event_name(action: UndoAction) -> &'static str {
    match action {
        UndoAction::Added => "stack-item-added",
        UndoAction::Updated => "stack-item-updated",
        UndoAction::Popped => "stack-item-popped",
    }
}

/// The listeners of a `YUndoManager`.
pub(super) fn listeners_of<'env, 'a>(
    env: Env,
    manager: &impl JsValue<'a>,
) -> Result<Listeners<'env>> {
    let hidden = &JsThread::current(env)?.hidden;
    match hidden.get_object(env, manager, Hidden::Listeners)? {
        Some(lists) => Ok(Listeners::new(env, lists)),
        None => Err(throw(
            env,
            ProviderError::new(ErrorCode::InvalidArgument, "this: expected a YUndoManager"),
        )),
    }
}

fn action_argument(event: &str) -> std::result::Result<UndoAction, ProviderError> {
    EVENTS.into_iter().find(|action| event_name(*action) == event).ok_or_else(|| {
        let message = format!("event: a YUndoManager has no event '{event}'");
        ProviderError::new(ErrorCode::InvalidArgument, message)
    })
}
