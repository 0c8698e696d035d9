//! What all wrappers of one document share on the JS thread.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::Object;
use napi::{Env, JsValue};
use parking_lot::Mutex;
use yrs::ReadTxn;

use super::dispatch::Pending;
use super::external_memory::ExternalMemory;
use crate::binding::bridge::Bridge;
use crate::binding::error::Result;
use crate::binding::hidden::Hidden;
use crate::binding::js_thread::JsThread;
use crate::binding::listeners::Listeners;
use crate::binding::raw::Reference;
use crate::document::{Document, DocumentOptions, LocalDocument};
use crate::session::{Awareness, SharedAwareness};

/// The JS thread's state of one document. Wrappers hold it; it holds none of them, and no listener.
pub(crate) struct DocCore {
    id: u64,
    pub(in crate::binding) local: LocalDocument,
    pub(in crate::binding) thread: Rc<JsThread>,
    wrapper: RefCell<Option<Reference>>,
    pub(super) memory: ExternalMemory,
    /// Committed transactions whose listeners have not run.
    pub(super) queue: RefCell<VecDeque<Pending>>,
    pub(super) is_dispatching: Cell<bool>,
    has_warned: Cell<bool>,
    /// Whether the document should be synced.
    pub(super) should_load: Cell<bool>,
    /// The `YUndoManager`s of the document, weakly.
    undo_managers: RefCell<BTreeMap<u64, Reference>>,
    /// Of a mirror: what ties it to a document of another implementation.
    bridge: OnceCell<Box<Bridge>>,
}

impl DocCore {
    pub(super) fn new(env: Env, options: DocumentOptions) -> Result<Rc<Self>> {
        let thread = JsThread::current(env)?;
        let should_load = Cell::new(options.should_load);
        let core = Rc::new(Self {
            id: thread.next_id(),
            local: LocalDocument::new(&Document::new(options)),
            thread: Rc::clone(&thread),
            wrapper: RefCell::default(),
            memory: ExternalMemory::default(),
            queue: RefCell::default(),
            is_dispatching: Cell::new(false),
            has_warned: Cell::new(false),
            should_load,
            undo_managers: RefCell::default(),
            bridge: OnceCell::new(),
        });
        let inbox = Arc::clone(&thread.inbox);
        core.local.set_waker(inbox, core.id);
        thread.register_document(&core);
        Ok(core)
    }

    /// A document that mirrors one of another implementation, which stands in the place of a `YDoc`.
    pub(in crate::binding) fn mirror<'env>(
        env: Env,
        options: DocumentOptions,
        original: &impl JsValue<'env>,
    ) -> Result<Rc<Self>> {
        let core = Self::new(env, options)?;
        *core.wrapper.borrow_mut() = Some(Reference::weak(env, original)?);
        Ok(core)
    }

    pub(in crate::binding) fn bridge(&self) -> Option<&Bridge> {
        self.bridge.get().map(Box::as_ref)
    }

    /// To be called once at most.
    pub(in crate::binding) fn set_bridge(&self, bridge: Bridge) {
        let is_first = self.bridge.set(Box::new(bridge)).is_ok();
        debug_assert!(is_first, "a mirror has one original");
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The document as the other layers know it.
    pub(crate) fn document(&self) -> Document {
        self.local.document()
    }

    /// Globally unique id of the document.
    pub(crate) fn guid(&self) -> String {
        self.local.guid()
    }

    /// Whether the document has content, integrated or waiting for what it builds on.
    pub(crate) fn has_content(self: &Rc<Self>, env: Env) -> Result<bool> {
        self.touch(env)?;
        // Nothing is made only to see that there is nothing.
        if self.local.is_untouched() {
            return Ok(false);
        }
        self.read(env, None, |reader| !reader.state_vector().is_empty())
    }

    /// No awareness states, for this client.
    pub(in crate::binding) fn new_states(&self) -> SharedAwareness {
        Arc::new(Mutex::new(Awareness::new(self.local.client_id())))
    }

    /// Remembers the `YDoc` of this document, weakly.
    pub(super) fn set_wrapper<'env>(&self, env: Env, wrapper: &impl JsValue<'env>) -> Result<()> {
        *self.wrapper.borrow_mut() = Some(Reference::weak(env, wrapper)?);
        Ok(())
    }

    /// The `YDoc`, unless it was collected.
    pub(crate) fn wrapper<'env>(&self) -> Option<Object<'env>> {
        self.wrapper.borrow().as_ref().and_then(Reference::object)
    }

    /// The lists of listeners, if there ever were any.
    pub(super) fn listeners<'env>(&self, env: Env) -> Result<Option<Listeners<'env>>> {
        let Some(wrapper) = self.wrapper() else { return Ok(None) };
        let lists = self.thread.hidden.get_object(env, &wrapper, Hidden::Listeners)?;
        Ok(lists.map(|lists| Listeners::new(env, lists)))
    }

    /// The lists of listeners, made unless there are some.
    pub(super) fn make_listeners<'env>(&self, env: Env) -> Result<Option<Listeners<'env>>> {
        let Some(wrapper) = self.wrapper() else { return Ok(None) };
        if let Some(listeners) = self.listeners(env)? {
            return Ok(Some(listeners));
        }
        let lists = Object::new(&env)?;
        self.thread.hidden.set(env, &wrapper, Hidden::Listeners, &lists)?;
        self.listeners(env)
    }

    /// Ties an object's life to that of the `YDoc`: as long as it lives, the listeners do.
    pub(super) fn own<'env>(&self, env: Env, object: &impl JsValue<'env>) -> Result<()> {
        match self.wrapper() {
            Some(wrapper) => self.thread.hidden.set(env, object, Hidden::Owner, &wrapper),
            None => Ok(()),
        }
    }

    /// Lets V8 know how large the document is by now.
    pub(crate) fn tell_memory(&self) {
        self.memory.update(self.thread.env(), self.local.size());
    }

    /// Ends the tick for this document.
    pub(crate) fn leave(&self) {
        if let Some(bridge) = self.bridge() {
            bridge.end_tick(self);
        }
        if !self.local.leave() {
            self.warn_open_transaction();
        }
        self.tell_memory();
    }

    /// Warns once that remote updates wait for an open transaction.
    pub(in crate::binding) fn warn_open_transaction(&self) {
        if !self.has_warned.replace(true) {
            super::dispatch::warn_open_transaction(self.thread.env());
        }
    }

    /// Hands updates of this tick to the providers at once.
    pub(crate) fn flush_updates(&self) {
        if let Some(bridge) = self.bridge() {
            bridge.flush(self);
        }
        self.local.flush_updates();
    }

    pub(super) fn register_undo_manager(&self, id: u64, wrapper: Reference) {
        self.undo_managers.borrow_mut().insert(id, wrapper);
    }

    /// The `YUndoManager` of this id, unless it was collected.
    pub(super) fn undo_manager<'env>(&self, id: u64) -> Option<Object<'env>> {
        self.undo_managers.borrow().get(&id).and_then(Reference::object)
    }

    /// For finalizers: the manager goes when the document is touched next.
    pub(super) fn retire_undo_manager(&self, id: u64) {
        self.undo_managers.borrow_mut().remove(&id);
        self.local.retire_undo_manager(id);
    }
}

impl Drop for DocCore {
    fn drop(&mut self) {
        self.thread.forget_document(self.id);
    }
}
