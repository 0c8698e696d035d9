//! `YUndoManager`.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use napi::bindgen_prelude::{
    Array, FromNapiValue, JsObjectValue, Object, ObjectFinalize, This, Unknown,
};
use napi::{Env, JsValue};
use napi_derive::napi;

use super::doc::YDoc;
use super::doc_core::DocCore;
use super::undo_options::{is_given, parse_options};
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::hidden::Hidden;
use crate::binding::js_thread::JsThread;
use crate::binding::raw::Reference;
use crate::binding::shared_types::{instance, shared_type_place};
use crate::document::{TypeHandle, UndoOptions};
use crate::error::{ErrorCode, ProviderError};

/// Undoes and redoes edits of shared types of one document.
///
/// Edits of transactions whose origin it tracks are undone; without tracked origins, those of transactions without one.
/// Edits that follow each other quickly are undone together.
///
/// ```js
/// const undoManager = new YUndoManager(doc, doc.getText('body'), { trackedOrigins: ['user'] })
/// undoManager.on('stack-item-added', (event) => { event.meta = selection })
/// undoManager.undo()
/// ```
#[napi(custom_finalize)]
pub struct YUndoManager {
    pub(super) id: u64,
    /// The document, once it is known.
    pub(super) core: OnceCell<Rc<DocCore>>,
    /// What the manager is made with when the document becomes known.
    options: RefCell<UndoOptions>,
}

#[napi]
impl YUndoManager {
    /// An undo manager of the types in its scope. Without a document, that of the first type added counts.
    ///
    /// Throws `ERR_INVALID_OPTION`, `ERR_INVALID_ARGUMENT`, `ERR_TRANSACTION_OPEN`.
    #[napi(
        constructor,
        ts_args_type = "options?: YUndoManagerOptions | null)
  constructor(doc: YDoc, scope?: YSharedType | Array<YSharedType> | null, options?: YUndoManagerOptions | null"
    )]
    pub fn new(
        env: Env,
        this: This<'_>,
        first: Option<Unknown<'_>>,
        scope: Option<Unknown<'_>>,
        options: Option<Unknown<'_>>,
    ) -> Result<Self> {
        let thread = JsThread::current(env)?;
        let first = first.filter(|it| is_given(it));
        let doc = first.and_then(|it| instance::<YDoc>(env, &it)).map(|it| Rc::clone(&it.core));
        let is_options = doc.is_none();
        let options = if is_options { first } else { options.filter(|it| is_given(it)) };
        let mut types = Vec::new();
        if let Some(scope) = scope.filter(|it| !is_options && is_given(it)) {
            types = scope_argument(env, scope)?;
        }
        let (options, doc_option) = parse_options(env, &thread, options)?;
        let doc = doc.or(doc_option);
        let manager =
            Self { id: thread.next_id(), core: OnceCell::new(), options: RefCell::new(options) };
        thread.hidden.set(env, &this, Hidden::Listeners, &Object::new(&env)?)?;
        thread.hidden.set(env, &this, Hidden::Data, &Object::new(&env)?)?;
        if let Some(core) = doc {
            manager.bind(env, &this, &core)?;
        }
        if let Err(error) = manager.extend(env, &this, types) {
            // There will be no object whose finalizer would do it.
            manager.retire();
            return Err(error);
        }
        Ok(manager)
    }

    /// Adds shared types of the same document.
    ///
    /// Throws `ERR_WRONG_DOCUMENT`, `ERR_PRELIMINARY_TYPE`, `ERR_DELETED_TYPE`, `ERR_TRANSACTION_OPEN`.
    #[napi(ts_args_type = "ytypes: YSharedType | Array<YSharedType>")]
    pub fn add_to_scope(&self, env: Env, this: This<'_>, ytypes: Unknown<'_>) -> Result<()> {
        self.extend(env, &this, scope_argument(env, ytypes)?)
    }

    /// Undoes transactions of this origin, too: objects by identity, other values by value, `undefined` and `null` for
    /// transactions without an origin. Updates that came through a provider are never undone.
    #[napi(ts_args_type = "origin: any")]
    pub fn add_tracked_origin(&self, env: Env, origin: Unknown<'_>) -> Result<()> {
        self.set_tracked(env, origin, true)
    }

    /// Undoes transactions of this origin no longer.
    #[napi(ts_args_type = "origin: any")]
    pub fn remove_tracked_origin(&self, env: Env, origin: Unknown<'_>) -> Result<()> {
        self.set_tracked(env, origin, false)
    }

    /// Forgets what could be undone and redone; with `false`, keeps that stack.
    ///
    /// Throws `ERR_TRANSACTION_OPEN`.
    #[napi]
    pub fn clear(
        &self,
        env: Env,
        clear_undo_stack: Option<bool>,
        clear_redo_stack: Option<bool>,
    ) -> Result<()> {
        let Some(core) = self.core.get() else { return Ok(()) };
        core.touch(env)?;
        let (undo, redo) = (clear_undo_stack.unwrap_or(true), clear_redo_stack.unwrap_or(true));
        core.local.clear_undo(self.id, undo, redo).or_throw(env)
    }

    /// The next edit is undone apart from those before it.
    #[napi]
    pub fn stop_capturing(&self, env: Env) -> Result<()> {
        let Some(core) = self.core.get() else { return Ok(()) };
        core.touch(env)?;
        core.local.stop_capturing(self.id);
        Ok(())
    }

    /// Undoes the newest edits that were captured together. Returns whether anything changed.
    ///
    /// Throws `ERR_TRANSACTION_OPEN`, and what a listener threw.
    #[napi]
    pub fn undo(&self, env: Env, this: This<'_>) -> Result<bool> {
        self.pop(env, &this, false)
    }

    /// Redoes what was undone last. Returns whether anything changed.
    ///
    /// Throws `ERR_TRANSACTION_OPEN`, and what a listener threw.
    #[napi]
    pub fn redo(&self, env: Env, this: This<'_>) -> Result<bool> {
        self.pop(env, &this, true)
    }

    /// Whether there is something to undo.
    #[napi(getter)]
    pub fn can_undo(&self, env: Env) -> Result<bool> {
        self.can_pop(env, false)
    }

    /// Whether there is something to redo.
    #[napi(getter)]
    pub fn can_redo(&self, env: Env) -> Result<bool> {
        self.can_pop(env, true)
    }

    /// Does nothing; undo managers need not be freed.
    #[napi]
    pub fn free(&self) {}
}

impl YUndoManager {
    fn bind<'env>(&self, env: Env, this: &impl JsValue<'env>, core: &Rc<DocCore>) -> Result<()> {
        core.touch(env)?;
        core.local.add_undo_manager(self.id, self.options.borrow().clone());
        core.register_undo_manager(self.id, Reference::weak(env, this)?);
        self.core.set(Rc::clone(core)).ok();
        core.own(env, this)?;
        self.bind_listeners(env, this, core)
    }

    fn extend<'env>(
        &self,
        env: Env,
        this: &impl JsValue<'env>,
        types: Vec<(Rc<DocCore>, TypeHandle)>,
    ) -> Result<()> {
        let Some((first, _)) = types.first() else { return Ok(()) };
        if self.core.get().is_none() {
            self.bind(env, this, first)?;
        }
        let Some(core) = self.core.get() else { return Ok(()) };
        core.touch(env)?;
        if types.iter().any(|(other, _)| !Rc::ptr_eq(core, other)) {
            let message = "an undo manager works on the shared types of one document";
            return Err(throw(env, ProviderError::new(ErrorCode::WrongDocument, message)));
        }
        let types = types.into_iter().map(|(_, handle)| handle).collect();
        core.local.add_undo_scope(self.id, types).or_throw(env)
    }

    fn set_tracked(&self, env: Env, origin: Unknown<'_>, is_tracked: bool) -> Result<()> {
        let identity = JsThread::current(env)?.identities.assign(env, origin)?;
        if let Some(core) = self.core.get() {
            core.touch(env)?;
            core.local.set_undo_origin(self.id, &identity, is_tracked);
            return Ok(());
        }
        let origins = &mut self.options.borrow_mut().origins;
        origins.retain(|other| *other != identity);
        if is_tracked {
            origins.push(identity);
        }
        Ok(())
    }

    fn pop<'env>(&self, env: Env, this: &impl JsValue<'env>, is_redo: bool) -> Result<bool> {
        match self.core.get() {
            Some(core) => core.undo(env, this, self.id, is_redo),
            None => Ok(false),
        }
    }

    fn can_pop(&self, env: Env, is_redo: bool) -> Result<bool> {
        let Some(core) = self.core.get() else { return Ok(false) };
        core.touch(env)?;
        Ok(core.local.can_undo(self.id, is_redo))
    }

    fn retire(&self) {
        if let Some(core) = self.core.get() {
            core.retire_undo_manager(self.id);
        }
    }
}

impl ObjectFinalize for YUndoManager {
    fn finalize(self, _env: Env) -> Result<()> {
        self.retire();
        Ok(())
    }
}

fn scope_argument(env: Env, scope: Unknown<'_>) -> Result<Vec<(Rc<DocCore>, TypeHandle)>> {
    if !scope.is_array()? {
        return Ok(vec![shared_type_place(env, scope, "scope")?]);
    }
    // SAFETY: it is an array.
    let list = unsafe { Array::from_napi_value(env.raw(), scope.raw()) }?;
    (0..list.len())
        .map(|index| shared_type_place(env, list.get_element(index)?, &format!("scope[{index}]")))
        .collect()
}
