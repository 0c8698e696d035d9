//! What `YText`, `YArray` and `YMap` have in common: first preliminary, then part of a document.

use std::cell::RefCell;
use std::rc::Rc;

use napi::bindgen_prelude::{Object, Unknown};
use napi::{Env, JsValue};
use yrs::branch::BranchPtr;
use yrs::{BranchID, TransactionMut};

use super::dispatch::type_key;
use super::doc_core::DocCore;
use super::transaction_argument::TransactionArgument as YTransaction;
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::hidden::Hidden;
use crate::binding::js_thread::JsThread;
use crate::binding::listeners::Listener;
use crate::binding::raw::to_js;
use crate::binding::value::Preliminaries;
use crate::document::{Reader, Slot, TypeHandle, TypeKind};
use crate::error::{ErrorCode, ProviderError};

/// A shared type: preliminary content `P`, or a place in a document.
pub(in crate::binding) struct SharedType<P> {
    kind: TypeKind,
    state: RefCell<State<P>>,
}

enum State<P> {
    Preliminary { content: P, slot: Slot },
    Integrated { core: Rc<DocCore>, handle: TypeHandle },
}

impl<P> SharedType<P> {
    pub(super) fn preliminary(kind: TypeKind, content: P) -> Self {
        Self { kind, state: RefCell::new(State::Preliminary { content, slot: Slot::default() }) }
    }

    pub(super) fn integrated(core: Rc<DocCore>, handle: TypeHandle) -> Self {
        Self { kind: handle.kind, state: RefCell::new(State::Integrated { core, handle }) }
    }

    pub(super) fn is_preliminary(&self) -> bool {
        matches!(*self.state.borrow(), State::Preliminary { .. })
    }

    /// Runs on preliminary content, if that is what it is.
    pub(super) fn with_preliminary<R>(&self, work: impl FnOnce(&mut P) -> R) -> Option<R> {
        match &mut *self.state.borrow_mut() {
            State::Preliminary { content, .. } => Some(work(content)),
            State::Integrated { .. } => None,
        }
    }

    /// The content and the slot for its id, to be inserted somewhere.
    pub(super) fn preliminary_parts(&self) -> std::result::Result<(P, Slot), ProviderError>
    where
        P: Clone,
    {
        match &*self.state.borrow() {
            // A slot that is held elsewhere belongs to the same insertion: the object was given twice.
            State::Preliminary { content, slot } if Rc::strong_count(slot) == 1 => {
                Ok((content.clone(), Rc::clone(slot)))
            }
            _ => Err(ProviderError::new(
                ErrorCode::IntegratedType,
                "the shared type is already part of a document and can't be inserted again",
            )),
        }
    }

    /// After an insertion: takes the place that was noted in the slot.
    pub(in crate::binding) fn integrate<'env>(
        &self,
        env: Env,
        core: &Rc<DocCore>,
        wrapper: &impl JsValue<'env>,
    ) -> Result<()> {
        let id = match &*self.state.borrow() {
            State::Preliminary { slot, .. } => slot.get().cloned(),
            State::Integrated { .. } => None,
        };
        let Some(id) = id else { return Ok(()) };
        let handle = TypeHandle { kind: self.kind, id };
        *self.state.borrow_mut() = State::Integrated { core: Rc::clone(core), handle };
        core.own(env, wrapper)
    }

    pub(in crate::binding) fn place(&self, env: Env) -> Result<(Rc<DocCore>, TypeHandle)> {
        match &*self.state.borrow() {
            State::Integrated { core, handle } => Ok((Rc::clone(core), handle.clone())),
            State::Preliminary { .. } => Err(throw(
                env,
                ProviderError::new(
                    ErrorCode::PreliminaryType,
                    "the shared type is preliminary: insert it into a document first",
                ),
            )),
        }
    }

    /// Reads from the type's branch.
    pub(super) fn read<R>(
        &self,
        env: Env,
        txn: Option<YTransaction>,
        read: impl FnOnce(&Reader<'_>, BranchPtr) -> R,
    ) -> Result<R> {
        let (core, handle) = self.place(env)?;
        core.read(env, txn, |reader| handle.branch(reader).map(|branch| read(reader, branch)))?
            .or_throw(env)
    }

    /// Edits the type's branch.
    pub(super) fn write<R>(
        &self,
        env: Env,
        txn: Option<YTransaction>,
        edit: impl FnOnce(&mut TransactionMut<'_>, BranchPtr) -> std::result::Result<R, ProviderError>,
    ) -> Result<R> {
        let (core, handle) = self.place(env)?;
        core.write(env, txn, |txn| {
            let branch = handle.branch(txn)?;
            edit(txn, branch)
        })
    }

    /// Edits the type's branch with values that may hold preliminary types, which are part of the document afterwards.
    pub(super) fn insert(
        &self,
        env: Env,
        txn: Option<YTransaction>,
        preliminaries: Preliminaries<'_>,
        edit: impl FnOnce(&mut TransactionMut<'_>, BranchPtr) -> std::result::Result<(), ProviderError>,
    ) -> Result<()> {
        let (core, handle) = self.place(env)?;
        preliminaries.check(env, &core)?;
        let edit = |txn: &mut TransactionMut<'_>| {
            let branch = handle.branch(txn)?;
            edit(txn, branch)
        };
        core.write_and(env, txn, edit, |()| preliminaries.integrate(env, &core))
    }

    /// Whether the type is part of a document and not deleted.
    pub(super) fn is_alive(&self, env: Env, txn: Option<YTransaction>) -> Result<bool> {
        if self.is_preliminary() {
            return Ok(false);
        }
        let (core, handle) = self.place(env)?;
        core.read(env, txn, |reader| handle.resolve(reader).is_some())
    }

    /// The `YDoc`, `undefined` for a preliminary type.
    pub(super) fn doc<'env>(&self, env: Env, this: &impl JsValue<'env>) -> Result<Unknown<'env>> {
        // A preliminary link has an owner, the document it points into, but is not part of it yet.
        if self.is_preliminary() {
            return to_js(env, ());
        }
        let thread = JsThread::current(env)?;
        thread.hidden.get(env, this, Hidden::Owner)
    }

    /// The logical id, as `{type: name}` of a root type or `{client, clock}` of a nested one.
    pub(super) fn id<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let (_, handle) = self.place(*env)?;
        let mut id = Object::new(env)?;
        match &handle.id {
            BranchID::Root(name) => id.set("type", name.as_ref())?,
            BranchID::Nested(nested) => {
                id.set("client", nested.client.get() as f64)?;
                id.set("clock", nested.clock)?;
            }
        }
        Ok(id)
    }

    pub(super) fn observe(&self, env: Env, listener: Listener<'_>, is_deep: bool) -> Result<()> {
        let (core, handle) = self.place(env)?;
        core.touch(env)?;
        let Some(mut listeners) = core.make_listeners(env)? else { return Ok(()) };
        if listeners.add(&type_key(&handle, is_deep), listener, false)? {
            core.local.set_observed(&handle, is_deep, true).or_throw(env)?;
        }
        Ok(())
    }

    pub(super) fn unobserve(
        &self,
        env: Env,
        listener: Listener<'_>,
        is_deep: bool,
    ) -> Result<bool> {
        let (core, handle) = self.place(env)?;
        core.touch(env)?;
        let Some(mut listeners) = core.listeners(env)? else { return Ok(false) };
        let (was_there, is_empty) = listeners.remove(&type_key(&handle, is_deep), listener)?;
        if was_there && is_empty {
            core.local.set_observed(&handle, is_deep, false).or_throw(env)?;
        }
        Ok(was_there)
    }
}
