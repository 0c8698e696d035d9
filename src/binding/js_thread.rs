//! What one environment (the main thread, a worker thread) shares: its inbox, its documents, the end of its tick.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use napi::Env;
use napi::bindgen_prelude::{Function, JsObjectValue, JsValue, Unknown};
use rustc_hash::FxHashMap;

use super::error::Result;
use super::hidden::HiddenSymbols;
use super::identity::Identities;
use super::inbox::{Inbox, Message};
use super::provider_core::ProviderCore;
use super::raw::{self, HandleScope, Reference};
use super::requests::Requests;
use super::types::{DocCore, Views};
use crate::document::AttachmentId;

/// How long one wake-up may keep the event loop; what is left waits for the next turn.
const DRAIN_BUDGET: Duration = Duration::from_millis(4);

thread_local! {
    // One environment per thread, as in Node's main thread and in its worker threads.
    static CURRENT: RefCell<Option<Rc<JsThread>>> = const { RefCell::new(None) };
}

/// What listeners get as the origin of what an attachment applied.
pub(super) enum Origin {
    /// The provider of this id.
    Provider(u64),
    /// Any value, in a box.
    Value(Box<Reference>),
}

type EndTask = Box<dyn FnOnce(Env)>;

/// State of one environment.
pub(super) struct JsThread {
    env: Env,
    pub(super) hidden: HiddenSymbols,
    pub(super) identities: Identities,
    pub(super) inbox: Arc<Inbox>,
    views: OnceCell<Views>,
    next_id: Cell<u64>,
    documents: RefCell<FxHashMap<u64, Weak<DocCore>>>,
    providers: RefCell<FxHashMap<u64, Weak<ProviderCore>>>,
    /// Origins of what attachments applied: providers, or what was passed to `applyUpdateAsync`.
    origins: RefCell<FxHashMap<AttachmentId, Origin>>,
    pub(super) requests: Requests,
    /// Providers that keep the process alive.
    keepers: Cell<usize>,
    /// Documents whose baton this tick holds.
    held: RefCell<Vec<Rc<DocCore>>>,
    end_tasks: RefCell<Vec<EndTask>>,
    is_end_scheduled: Cell<bool>,
    set_immediate: Reference,
    end_tick: Reference,
}

impl JsThread {
    /// The state of the calling environment, made at its first use.
    pub(super) fn current(env: Env) -> Result<Rc<Self>> {
        if let Some(thread) = CURRENT.with_borrow(Clone::clone) {
            return Ok(thread);
        }
        let thread = Rc::new(Self::new(env)?);
        CURRENT.set(Some(Rc::clone(&thread)));
        // Worker threads may be terminated at any time (T 16): nothing of this environment may be used after this.
        env.add_env_cleanup_hook((), |()| {
            if let Some(thread) = CURRENT.take() {
                thread.close();
            }
        })?;
        Ok(thread)
    }

    fn new(env: Env) -> Result<Self> {
        let drain: Function<'_, (), ()> = env.create_function_from_closure("drain", |ctx| {
            drain(*ctx.env);
            Ok(())
        })?;
        let wake = drain
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .callee_handled::<false>()
            .build()?;
        let end_tick: Function<'_, (), ()> =
            env.create_function_from_closure("endTick", |ctx| {
                end_tick(*ctx.env);
                Ok(())
            })?;
        let set_immediate: Unknown<'_> =
            env.get_global()?.get_named_property_unchecked("setImmediate")?;
        Ok(Self {
            env,
            hidden: HiddenSymbols::new(env)?,
            identities: Identities::new(env)?,
            inbox: Inbox::new(wake),
            views: OnceCell::new(),
            next_id: Cell::new(1),
            documents: RefCell::default(),
            providers: RefCell::default(),
            origins: RefCell::default(),
            requests: Requests::default(),
            keepers: Cell::new(0),
            held: RefCell::default(),
            end_tasks: RefCell::default(),
            is_end_scheduled: Cell::new(false),
            set_immediate: Reference::strong(env, &set_immediate)?,
            end_tick: Reference::strong(env, &end_tick)?,
        })
    }

    pub(super) fn env(&self) -> Env {
        self.env
    }

    /// What listeners get, made at its first use.
    pub(super) fn views(&self, env: Env) -> Result<&Views> {
        if self.views.get().is_none() {
            self.views.set(Views::new(env)?).ok();
        }
        self.views.get().ok_or_else(|| napi::Error::from_reason("the views are missing"))
    }

    /// An id that is unique in this environment.
    pub(super) fn next_id(&self) -> u64 {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        id
    }

    pub(super) fn register_document(&self, core: &Rc<DocCore>) {
        self.documents.borrow_mut().insert(core.id(), Rc::downgrade(core));
    }

    pub(super) fn forget_document(&self, id: u64) {
        self.documents.borrow_mut().remove(&id);
    }

    /// Gives a document's baton back when the tick ends.
    pub(super) fn hold(&self, core: &Rc<DocCore>) -> Result<()> {
        self.schedule_end()?;
        self.held.borrow_mut().push(Rc::clone(core));
        Ok(())
    }

    /// The same for a document without its baton, which has something to do when the tick ends. Throws nothing; returns
    /// whether the end of the tick is sure to come.
    pub(super) fn hold_at_any_rate(&self, core: &Rc<DocCore>) -> bool {
        self.held.borrow_mut().push(Rc::clone(core));
        raw::caught(self.env, self.schedule_end()).is_ok()
    }

    /// Hands the edits of this tick to the network threads, ahead of a command that must come after them.
    pub(super) fn flush_updates(&self) {
        for core in self.held.borrow().iter() {
            core.flush_updates();
        }
    }

    /// Runs a task when the tick ends.
    pub(super) fn at_tick_end(&self, task: impl FnOnce(Env) + 'static) -> Result<()> {
        self.end_tasks.borrow_mut().push(Box::new(task));
        self.schedule_end()
    }

    pub(super) fn register_provider(&self, core: &Rc<ProviderCore>) {
        self.providers.borrow_mut().insert(core.id, Rc::downgrade(core));
    }

    pub(super) fn forget_provider(&self, id: u64) {
        self.providers.borrow_mut().remove(&id);
    }

    /// The origin of what an attachment applies: its provider, unless it was collected, or a value.
    pub(super) fn origin_of<'env>(&self, id: AttachmentId) -> Option<Unknown<'env>> {
        match self.origins.borrow().get(&id)? {
            Origin::Provider(id) => self.provider(*id)?.wrapper().map(|it| it.to_unknown()),
            Origin::Value(value) => value.unboxed().ok(),
        }
    }

    pub(super) fn set_origin_of(&self, id: AttachmentId, origin: Origin) {
        self.origins.borrow_mut().insert(id, origin);
    }

    pub(super) fn forget_origin_of(&self, id: AttachmentId) {
        self.origins.borrow_mut().remove(&id);
    }

    /// One provider more, or less, keeps the process alive.
    pub(super) fn keep_process_alive(&self, env: Env, is_kept: bool) {
        let before = self.keepers.get();
        let after = if is_kept { before + 1 } else { before.saturating_sub(1) };
        self.keepers.set(after);
        if (before == 0) != (after == 0) {
            self.inbox.set_referenced(env, after > 0);
        }
    }

    fn schedule_end(&self) -> Result<()> {
        if self.is_end_scheduled.get() {
            return Ok(());
        }
        if let (Some(set_immediate), Some(end_tick)) =
            (self.set_immediate.value(), self.end_tick.value())
        {
            // Not with napi-rs: where JavaScript's stack ends, its handling of errors recurses until the process ends.
            raw::call(self.env, set_immediate, &[end_tick])
                .map_err(|thrown| raw::throw(self.env, thrown))?;
            // Only now: after a failure the next touch must try again.
            self.is_end_scheduled.set(true);
        }
        Ok(())
    }

    fn close(&self) {
        let held = self.held.take();
        for core in &held {
            core.leave();
        }
        self.end_tasks.take();
        let providers = self.providers.take();
        for provider in providers.values().filter_map(Weak::upgrade) {
            provider.abandon();
        }
        // References must go before the environment does.
        self.origins.take();
        self.requests.abandon();
    }

    fn provider(&self, id: u64) -> Option<Rc<ProviderCore>> {
        self.providers.borrow().get(&id).and_then(Weak::upgrade)
    }

    fn handle(&self, message: Message) {
        match message {
            Message::Document(id) => {
                let core = self.documents.borrow().get(&id).and_then(Weak::upgrade);
                if let Some(core) = core {
                    core.handle_wake(self.env);
                }
            }
            Message::Provider(id, event) => {
                if let Some(provider) = self.provider(id) {
                    provider.handle_event(self.env, event);
                }
            }
            Message::Auth(id, answer) => {
                if let Some(provider) = self.provider(id) {
                    provider.answer_auth(self.env, answer);
                }
            }
            Message::Settled(id, answer) => self.requests.settle(self, id, answer),
            Message::ProviderFinished(id) => {
                if let Some(provider) = self.provider(id) {
                    provider.handle_finished(self.env);
                }
            }
        }
    }
}

fn end_tick(env: Env) {
    let Ok(thread) = JsThread::current(env) else { return };
    thread.is_end_scheduled.set(false);
    for core in thread.held.take() {
        core.leave();
    }
    for task in thread.end_tasks.take() {
        task(env);
    }
}

fn drain(env: Env) {
    let Ok(thread) = JsThread::current(env) else { return };
    thread.inbox.begin_drain();
    let started = Instant::now();
    while let Some(message) = thread.inbox.pop() {
        let _scope = HandleScope::open(env);
        thread.handle(message);
        if started.elapsed() >= DRAIN_BUDGET {
            break;
        }
    }
    if !thread.inbox.is_empty() {
        thread.inbox.wake_up();
    }
}
