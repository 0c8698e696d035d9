//! State of one provider on the JS thread, and what its events do to it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::Object;
use napi::{Env, JsValue};

use super::auth::Auth;
use super::calls::Calls;
use super::error::{OrThrow, Result};
use super::hidden::Hidden;
use super::inbox::{Inbox, Message};
use super::js_thread::JsThread;
use super::provider_documents::ProviderDocuments;
use super::raw::Reference;
use crate::error::{ErrorCode, ProviderError};
use crate::net::{AuthAnswer, EventSink, Handle};
use crate::session::{Event, Status};

/// How long a destroyed provider may take to send what was said before.
const LINGER: Duration = Duration::from_secs(2);

/// State of one provider.
pub(super) struct ProviderCore {
    pub(super) id: u64,
    pub(super) handle: Handle,
    pub(super) thread: Rc<JsThread>,
    pub(super) auth: Auth,
    pub(super) status: Cell<Status>,
    pub(super) socket_id: RefCell<Option<Arc<str>>>,
    pub(super) documents: RefCell<ProviderDocuments>,
    pub(super) calls: Calls,
    next: Cell<u64>,
    wrapper: RefCell<Option<Reference>>,
    /// While it connects, is connected or leaves, the provider and its listeners live without anybody holding it.
    alive: RefCell<Option<Reference>>,
    pub(super) is_destroyed: Cell<bool>,
    is_referenced: Cell<bool>,
    /// Connects when the tick ends, unless told otherwise before.
    is_auto_connect_due: Cell<bool>,
    /// Documents were added in this tick.
    pub(super) has_added: Cell<bool>,
    /// Calls of `connect`, to tell news of the last one from older news.
    pub(super) connects: Cell<u64>,
    /// The session rests: nothing keeps the provider but pending calls.
    pub(super) is_idle: Cell<bool>,
}

/// Carries events from the network thread to the JS thread.
pub(super) struct Sink {
    pub(super) id: u64,
    pub(super) inbox: Arc<Inbox>,
}

impl EventSink for Sink {
    fn handle_event(&self, event: Event) {
        // `addDoc` has said so already.
        if !matches!(event, Event::DocLoaded { .. }) {
            self.inbox.add(Message::Provider(self.id, event));
        }
    }

    fn handle_turn_end(&self) {
        self.inbox.wake_up();
    }

    fn handle_finished(&self) {
        self.inbox.push(Message::ProviderFinished(self.id));
    }
}

impl ProviderCore {
    pub(super) fn new(id: u64, handle: Handle, thread: Rc<JsThread>, auth: Auth) -> Rc<Self> {
        let core = Rc::new(Self {
            id,
            handle,
            thread: Rc::clone(&thread),
            auth,
            status: Cell::new(Status::Disconnected),
            socket_id: RefCell::default(),
            documents: RefCell::default(),
            calls: Calls::default(),
            next: Cell::new(1),
            wrapper: RefCell::default(),
            alive: RefCell::default(),
            is_destroyed: Cell::new(false),
            is_referenced: Cell::new(true),
            is_auto_connect_due: Cell::new(false),
            has_added: Cell::new(false),
            connects: Cell::new(0),
            is_idle: Cell::new(true),
        });
        thread.register_provider(&core);
        core
    }

    pub(super) fn set_wrapper<'env>(&self, env: Env, wrapper: &impl JsValue<'env>) -> Result<()> {
        *self.wrapper.borrow_mut() = Some(Reference::weak(env, wrapper)?);
        self.thread.hidden.set(env, wrapper, Hidden::Listeners, &Object::new(&env)?)?;
        self.thread.hidden.set(env, wrapper, Hidden::Owner, &Object::new(&env)?)
    }

    pub(super) fn wrapper<'env>(&self) -> Option<Object<'env>> {
        self.wrapper.borrow().as_ref().and_then(Reference::object)
    }

    pub(super) fn status(&self) -> Status {
        self.status.get()
    }

    pub(super) fn socket_id(&self) -> Option<Arc<str>> {
        self.socket_id.borrow().clone()
    }

    pub(super) fn check_alive(&self) -> std::result::Result<(), ProviderError> {
        if self.is_destroyed.get() {
            Err(ProviderError::new(ErrorCode::Destroyed, "the provider was destroyed"))
        } else {
            Ok(())
        }
    }

    pub(super) fn auto_connect(self: &Rc<Self>, env: Env) -> Result<()> {
        self.keep_alive(env)?;
        self.is_auto_connect_due.set(true);
        let core = Rc::clone(self);
        self.thread.at_tick_end(move |env| {
            if core.is_auto_connect_due.get() {
                // Fails only while the environment goes away.
                core.connect(env).ok();
            }
        })
    }

    pub(super) fn connect(&self, env: Env) -> Result<()> {
        self.keep_alive(env)?;
        self.is_auto_connect_due.set(false);
        self.is_idle.set(false);
        self.connects.set(self.connects.get() + 1);
        if self.status.get() == Status::Disconnected {
            self.status.set(Status::Connecting);
        }
        self.handle.connect();
        Ok(())
    }

    pub(super) fn disconnect(&self) {
        self.is_auto_connect_due.set(false);
        self.handle.disconnect();
    }

    /// Ends the provider. A second call does nothing.
    pub(super) fn destroy(&self, env: Env) -> Result<()> {
        self.is_auto_connect_due.set(false);
        if self.is_destroyed.replace(true) {
            return Ok(());
        }
        self.thread.flush_updates();
        self.keep_alive(env)?;
        self.handle.destroy(LINGER);
        Ok(())
    }

    pub(super) fn set_referenced(&self, env: Env, is_referenced: bool) {
        if self.is_referenced.replace(is_referenced) != is_referenced
            && self.alive.borrow().is_some()
        {
            self.thread.keep_process_alive(env, is_referenced);
        }
    }

    /// From now on the provider lives and keeps the process alive, until it rests or is gone.
    pub(super) fn keep_alive(&self, env: Env) -> Result<()> {
        if self.alive.borrow().is_some() {
            return Ok(());
        }
        let Some(wrapper) = self.wrapper() else { return Ok(()) };
        *self.alive.borrow_mut() = Some(Reference::strong(env, &wrapper)?);
        if self.is_referenced.get() {
            self.thread.keep_process_alive(env, true);
        }
        Ok(())
    }

    pub(super) fn let_go(&self, env: Env) {
        if self.calls.is_empty() && self.alive.take().is_some() && self.is_referenced.get() {
            self.thread.keep_process_alive(env, false);
        }
    }

    /// An attempt to connect needs its auth.
    pub(super) fn answer_auth(&self, env: Env, answer: AuthAnswer) {
        let Some(wrapper) = self.wrapper() else { return };
        if let Ok(Some(functions)) = self.thread.hidden.get_object(env, &wrapper, Hidden::Data) {
            self.auth.answer(env, &functions, answer);
        }
    }

    /// The driver task has ended.
    pub(super) fn handle_finished(&self, env: Env) {
        let error = ProviderError::new(ErrorCode::Destroyed, "the provider was destroyed");
        self.calls.fail_all(env, &error);
        self.disconnect_bridges(env);
        self.forget_documents();
        if let (Ok(Some(mut listeners)), true) = (self.listeners(env), self.is_destroyed.get()) {
            listeners.clear().ok();
        }
        self.thread.forget_provider(self.id);
        self.let_go(env);
    }

    /// The environment is going away.
    pub(super) fn abandon(&self) {
        self.handle.abandon();
        self.calls.abandon();
    }

    pub(super) fn next_id(&self) -> u64 {
        let id = self.next.get();
        self.next.set(id + 1);
        id
    }
}

impl Drop for ProviderCore {
    fn drop(&mut self) {
        self.forget_documents();
        self.thread.forget_provider(self.id);
    }
}

/// Fails when a destroyed provider is used.
pub(super) fn or_destroyed(env: Env, core: &ProviderCore) -> Result<()> {
    core.check_alive().or_throw(env)
}
