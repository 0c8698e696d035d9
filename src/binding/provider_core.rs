//! State of one provider on the JS thread, and what its events do to it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{JavaScriptClassExt, JsObjectValue, Object, PromiseRaw, Unknown};
use napi::{Env, JsValue};

use super::auth::Auth;
use super::calls::{CallKind, CallOptions, Calls};
use super::deferred::Deferred;
use super::error::{OrThrow, Result};
use super::hidden::Hidden;
use super::inbox::{Inbox, Message};
use super::js_thread::{JsThread, Origin};
use super::listeners::Listeners;
use super::provider_documents::{ProviderDocument, ProviderDocuments};
use super::raw::{self, Reference, Thrown};
use super::types::{Awareness, AwarenessCore, DocCore};
use crate::error::{ErrorCode, ProviderError};
use crate::net::{AuthAnswer, EventSink, Handle};
use crate::session::{AddDocument, DocKey, Event, Status};

/// How long a destroyed provider may take to send what was said before.
const LINGER: Duration = Duration::from_secs(2);

/// State of one provider.
pub(super) struct ProviderCore {
    pub(super) id: u64,
    pub(super) handle: Handle,
    pub(super) thread: Rc<JsThread>,
    auth: Auth,
    status: Cell<Status>,
    socket_id: RefCell<Option<Arc<str>>>,
    documents: RefCell<ProviderDocuments>,
    calls: Calls,
    next: Cell<u64>,
    wrapper: RefCell<Option<Reference>>,
    /// While it connects, is connected or leaves, the provider and its listeners live without anybody holding it.
    alive: RefCell<Option<Reference>>,
    is_destroyed: Cell<bool>,
    is_referenced: Cell<bool>,
    /// Connects when the tick ends, unless told otherwise before.
    is_auto_connect_due: Cell<bool>,
    /// Calls of `connect`, to tell news of the last one from older news.
    connects: Cell<u64>,
    /// The session rests: nothing keeps the provider but pending calls.
    is_idle: Cell<bool>,
}

/// Carries events from the network thread to the JS thread.
pub(super) struct Sink {
    pub(super) id: u64,
    pub(super) inbox: Arc<Inbox>,
}

impl EventSink for Sink {
    fn handle_event(&self, event: Event) {
        self.inbox.push(Message::Provider(self.id, Box::new(event)));
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

    fn let_go(&self, env: Env) {
        if self.calls.is_empty() && self.alive.take().is_some() && self.is_referenced.get() {
            self.thread.keep_process_alive(env, false);
        }
    }

    pub(super) fn add_document(
        &self,
        env: Env,
        core: Rc<DocCore>,
        awareness: Object<'_>,
        awareness_core: Rc<AwarenessCore>,
        doc_id: String,
        parent_id: Option<String>,
    ) -> Result<()> {
        core.touch(env)?;
        let has_content = core.has_content(env)?;
        let key = DocKey(self.next_id());
        let add = AddDocument {
            key,
            doc_id: Arc::from(doc_id.as_str()),
            parent_id: parent_id.as_deref().map(Arc::from),
            has_content,
            awareness: Some(Arc::clone(&awareness_core.shared)),
        };
        let attachment = self.handle.add_document(add, &core.document());
        awareness_core.attach(self.handle.clone(), key);
        if let Some(wrapper) = self.wrapper() {
            self.thread
                .set_origin_of(attachment, Origin::Provider(Reference::weak(env, &wrapper)?));
            let mut state = Object::new(&env)?;
            if let Some(doc) = core.wrapper() {
                state.set("doc", doc)?;
            }
            state.set("docId", doc_id.as_str())?;
            match parent_id {
                Some(parent_id) => state.set("parentId", parent_id)?,
                None => state.set("parentId", ())?,
            }
            state.set("synced", false)?;
            state.set("offset", ())?;
            state.set("awareness", awareness)?;
            if let Some(mut states) = self.states(env)? {
                states.set_element(index_of(key), state)?;
            }
        }
        let document = ProviderDocument { doc_id, core, awareness: awareness_core, attachment };
        self.documents.borrow_mut().insert(key, document);
        Ok(())
    }

    /// Returns whether the document was here.
    pub(super) fn remove_document(&self, env: Env, doc_id: &str) -> Result<bool> {
        let Some(key) = self.key_of(doc_id) else { return Ok(false) };
        let Some(document) = self.documents.borrow_mut().remove(key) else { return Ok(false) };
        document.core.flush_updates();
        document.awareness.detach(key, &self.handle);
        self.handle.remove_document(key);
        self.thread.forget_origin_of(document.attachment);
        if let Some(mut states) = self.states(env)? {
            states.delete_element(index_of(key))?;
        }
        Ok(true)
    }

    pub(super) fn key_of(&self, doc_id: &str) -> Option<DocKey> {
        self.documents.borrow().key_of(doc_id)
    }

    pub(super) fn document_count(&self) -> usize {
        self.documents.borrow().len()
    }

    /// The id under which a document was added.
    pub(super) fn doc_id_of(&self, core: &DocCore) -> Option<String> {
        self.documents.borrow().doc_id_of(core).map(str::to_owned)
    }

    /// The `DocState` object of a document; `None` if it is not here.
    pub(super) fn state<'env>(&self, env: Env, doc_id: &str) -> Result<Option<Object<'env>>> {
        match (self.key_of(doc_id), self.states(env)?) {
            (Some(key), Some(states)) => states.get_element(index_of(key)).map(Some),
            _ => Ok(None),
        }
    }

    /// The `DocState` of every document, by the number of its key: document ids may be anything, `__proto__` say.
    fn states<'env>(&self, env: Env) -> Result<Option<Object<'env>>> {
        let Some(wrapper) = self.wrapper() else { return Ok(None) };
        self.thread.hidden.get_object(env, &wrapper, Hidden::Owner)
    }

    /// Makes the promise of a call, and starts it: `start` gets its id and timeout. Until it ends, the provider lives.
    pub(super) fn call<'env>(
        self: &Rc<Self>,
        env: &'env Env,
        kind: CallKind,
        options: &CallOptions<'env>,
        start: impl FnOnce(u64, Duration) -> std::result::Result<(), ProviderError>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let (deferred, promise) = Deferred::new(env)?;
        if let Err(error) = self.check_alive() {
            deferred.settle::<()>(*env, Err(error));
            return Ok(promise);
        }
        if let Some(signal) = &options.signal
            && signal.is_aborted()?
        {
            deferred.reject(*env, &signal.error(*env)?);
            return Ok(promise);
        }
        let id = self.next_id();
        if let Err(error) = start(id, options.timeout) {
            deferred.settle::<()>(*env, Err(error));
            return Ok(promise);
        }
        let core = Rc::downgrade(self);
        let on_abort = move |env| {
            core.upgrade().inspect(|core| core.abort_call(env, id));
        };
        let abort = options.signal.as_ref().map(|it| it.listen(*env, on_abort)).transpose()?;
        self.calls.add(id, kind, deferred, abort);
        self.keep_alive(*env)?;
        Ok(promise)
    }

    fn abort_call(&self, env: Env, id: u64) {
        // Fails only with a signal of the user's own making.
        match self.calls.abort(env, id) {
            Ok(Some(CallKind::Flush | CallKind::LastFlush)) => self.handle.cancel_flush(id),
            Ok(Some(CallKind::WhenSynced)) => self.handle.cancel_when_synced(id),
            Ok(None) | Err(_) => {}
        }
        self.rest_if_idle(env);
    }

    fn rest_if_idle(&self, env: Env) {
        if self.is_idle.get() && !self.is_destroyed.get() {
            self.let_go(env);
        }
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

    /// An attempt to connect needs its auth.
    pub(super) fn answer_auth(&self, env: Env, answer: AuthAnswer) {
        let Some(wrapper) = self.wrapper() else { return };
        if let Ok(Some(functions)) = self.thread.hidden.get_object(env, &wrapper, Hidden::Data) {
            self.auth.answer(env, &functions, answer);
        }
    }

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
                self.set_state(env, doc, "synced", state)?;
                self.emit_event(env, &event)
            }
            Event::Offset { doc, position } => {
                self.set_state(env, doc, "offset", position.offset.to_string())?;
                Ok(Vec::new())
            }
            Event::Awareness { doc, change } => {
                let awareness = self.documents.borrow().get(doc).map(|it| Rc::clone(&it.awareness));
                match (awareness, self.wrapper()) {
                    (Some(awareness), Some(wrapper)) => {
                        awareness.emit(env, &change, wrapper.to_unknown())
                    }
                    _ => Ok(Vec::new()),
                }
            }
            // `addDoc` has said so already.
            Event::DocLoaded { .. } => Ok(Vec::new()),
            event => self.emit_event(env, &event),
        }
    }

    fn emit_event(&self, env: Env, event: &Event) -> Result<Vec<Thrown>> {
        let doc_id = |key: DocKey| self.documents.borrow().get(key).map(|it| it.doc_id.clone());
        let mut thrown = Vec::new();
        for (name, args) in super::events::to_js(&env, event, doc_id)? {
            thrown.extend(self.emit(env, name, &args)?);
        }
        Ok(thrown)
    }

    fn set_state<T: napi::bindgen_prelude::ToNapiValue>(
        &self,
        env: Env,
        doc: DocKey,
        field: &str,
        value: T,
    ) -> Result<()> {
        let is_here = self.documents.borrow().get(doc).is_some();
        if let (true, Some(states)) = (is_here, self.states(env)?) {
            let mut state: Object<'_> = states.get_element(index_of(doc))?;
            state.set_named_property(field, value)?;
        }
        Ok(())
    }

    /// The driver task has ended.
    pub(super) fn handle_finished(&self, env: Env) {
        let error = ProviderError::new(ErrorCode::Destroyed, "the provider was destroyed");
        self.calls.fail_all(env, &error);
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

    fn forget_documents(&self) {
        for (key, document) in self.documents.take().iter() {
            document.awareness.detach(key, &self.handle);
            self.thread.forget_origin_of(document.attachment);
        }
    }

    fn next_id(&self) -> u64 {
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

/// Keys count what a provider has done so far; the day when they pass 32 bits is far.
fn index_of(key: DocKey) -> u32 {
    key.0 as u32
}

/// A new `Awareness` object of a document.
pub(super) fn new_awareness<'env>(
    env: &'env Env,
    core: &Rc<DocCore>,
) -> Result<(Object<'env>, Rc<AwarenessCore>)> {
    let instance = Awareness::for_document(core).into_instance(env)?;
    instance.set_wrapper(*env, &instance)?;
    let inner = Rc::clone(&instance.inner);
    Ok((instance.as_object(env), inner))
}

/// Fails when a destroyed provider is used.
pub(super) fn or_destroyed(env: Env, core: &ProviderCore) -> Result<()> {
    core.check_alive().or_throw(env)
}
