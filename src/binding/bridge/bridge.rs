//! Keeps a document of another implementation and its mirror alike.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use bytes::Bytes;
use napi::Env;
use napi::bindgen_prelude::Object;

use super::foreign_doc::ForeignDoc;
use crate::binding::error::{OrThrow, Result};
use crate::binding::inbox::Message;
use crate::binding::js_thread::JsThread;
use crate::binding::provider_core::ProviderCore;
use crate::binding::raw::{self, Reference, Thrown};
use crate::binding::types::DocCore;
use crate::document::Interest;
use crate::error::ProviderError;
use crate::session::{DocKey, Event};

/// What ties a document of another implementation to its mirror, in one provider.
pub(in crate::binding) struct Bridge {
    thread: Rc<JsThread>,
    provider: Weak<ProviderCore>,
    key: DocKey,
    /// Document, module and listeners, in an object that lives with the `DocState`.
    pub(super) held: Reference,
    pub(super) is_connected: Cell<bool>,
    /// What the JavaScript document told and the mirror has not seen.
    outgoing: RefCell<Vec<Bytes>>,
    /// Whether the end of the tick takes care of that.
    is_end_due: Cell<bool>,
    /// What a provider applied to the mirror and the JavaScript document has not seen.
    pub(super) incoming: RefCell<VecDeque<Bytes>>,
    /// What it is being told right now.
    in_flight: RefCell<Option<Bytes>>,
    /// It failed to take something in: it needs whatever it lacks.
    is_behind: Cell<bool>,
    is_retrying: Cell<bool>,
}

impl Bridge {
    /// The mirror of a document, with its content.
    pub(in crate::binding) fn mirror(env: Env, foreign: &ForeignDoc<'_>) -> Result<Rc<DocCore>> {
        let core = DocCore::mirror(env, foreign.mirror_options()?, &foreign.object())?;
        let state = foreign.state()?;
        core.touch(env)?;
        core.local.apply_updates(vec![state]).or_throw(env)?;
        core.local.set_interest(Interest::Mirror, true);
        Ok(core)
    }

    pub(super) fn new(
        env: Env,
        core: &DocCore,
        provider: &Rc<ProviderCore>,
        key: DocKey,
        held: &Object<'_>,
    ) -> Result<Self> {
        Ok(Self {
            thread: Rc::clone(&core.thread),
            provider: Rc::downgrade(provider),
            key,
            held: Reference::weak(env, held)?,
            is_connected: Cell::new(true),
            outgoing: RefCell::default(),
            is_end_due: Cell::new(false),
            incoming: RefCell::default(),
            in_flight: RefCell::default(),
            is_behind: Cell::new(false),
            is_retrying: Cell::new(false),
        })
    }

    /// The JavaScript document changed. Called from inside of its event, so nothing is done now that could fail or call
    /// back.
    pub(super) fn take_update(&self, core: &Rc<DocCore>, update: Bytes) {
        if !self.is_connected.get() || self.in_flight.borrow().as_ref() == Some(&update) {
            return;
        }
        self.outgoing.borrow_mut().push(update);
        if !self.is_end_due.get() {
            self.is_end_due.set(self.thread.hold_at_any_rate(core));
        }
        if self.is_behind.get() {
            // It may have been an open transaction that was in the way, and it has ended.
            self.wake(core);
        }
    }

    /// Applies to the mirror what the JavaScript document did, and hands it to the provider.
    pub(in crate::binding) fn flush(&self, core: &DocCore) {
        let updates = self.outgoing.take();
        if updates.is_empty() {
            return;
        }
        let applied =
            self.under_baton(core, || core.local.apply_updates(updates)).and_then(|done| done);
        core.local.flush_updates();
        if !self.incoming.borrow().is_empty() {
            self.wake(core);
        }
        if let (Err(error), Some(provider)) = (applied, self.provider.upgrade()) {
            let event = Event::Error { doc: Some(self.key), error };
            self.thread.inbox.push(Message::Provider(provider.id, event));
        }
    }

    /// The tick has ended.
    pub(in crate::binding) fn end_tick(&self, core: &DocCore) {
        self.is_end_due.set(false);
        self.flush(core);
    }

    /// A provider changed the mirror. Called from the event loop.
    pub(in crate::binding) fn handle_wake(&self, env: Env, core: &DocCore) {
        // The baton is free again while the JavaScript document applies this slice: the pool may do the next one. A
        // poisoned mirror has nothing for it.
        if self.under_baton(core, || ()).is_ok() {
            self.deliver(env, core);
        }
    }

    /// Applies to the JavaScript document what it has not seen yet.
    pub(in crate::binding) fn deliver(&self, env: Env, core: &DocCore) {
        while self.is_connected.get() {
            // Not in the condition: the borrow must end before JavaScript runs.
            let next = self.incoming.borrow_mut().pop_front();
            let result = if self.is_behind.replace(false) {
                self.incoming.take();
                self.catch_up(env, core)
            } else if let Some(update) = next {
                self.apply(env, update)
            } else {
                break;
            };
            match raw::caught(env, result) {
                Ok(()) => self.is_retrying.set(false),
                Err(thrown) => {
                    self.report(env, core, thrown);
                    self.is_behind.set(true);
                    // Once more at once; then when there is news.
                    if !self.is_retrying.replace(true) {
                        self.wake(core);
                    }
                    break;
                }
            }
        }
    }

    fn apply(&self, env: Env, update: Bytes) -> Result<()> {
        let (Some(held), Some(provider)) = (self.held.object(), self.provider.upgrade()) else {
            return Ok(());
        };
        let (Some(foreign), Some(origin)) = (ForeignDoc::restore(env, &held)?, provider.wrapper())
        else {
            return Ok(());
        };
        *self.in_flight.borrow_mut() = Some(update.clone());
        let applied = foreign.apply(&update, &origin);
        self.in_flight.take();
        applied
    }

    /// Applies whatever the JavaScript document lacks. The mirror has it all.
    fn catch_up(&self, env: Env, core: &DocCore) -> Result<()> {
        let Some(held) = self.held.object() else { return Ok(()) };
        let Some(foreign) = ForeignDoc::restore(env, &held)? else { return Ok(()) };
        let vector = foreign.state_vector()?;
        let encode = || core.local.encode_difference(&vector);
        let update = self.under_baton(core, encode).and_then(|done| done).or_throw(env)?;
        self.apply(env, update)
    }

    /// Does something to the mirror; waits for one running slice at most.
    fn under_baton<R>(
        &self,
        core: &DocCore,
        work: impl FnOnce() -> R,
    ) -> std::result::Result<R, ProviderError> {
        let entered = core.local.enter()?;
        let update = entered.remote.and_then(|record| record.update.clone());
        self.incoming.borrow_mut().extend(update);
        let result = work();
        if entered.is_new {
            core.local.leave();
        }
        Ok(result)
    }

    fn report(&self, env: Env, core: &DocCore, thrown: Option<Thrown>) {
        let Some(thrown) = thrown else { return };
        let is_busy = || -> Result<bool> {
            let Some(held) = self.held.object() else { return Ok(false) };
            let foreign = ForeignDoc::restore(env, &held)?;
            foreign.map_or(Ok(false), |foreign| foreign.is_busy(thrown))
        };
        if is_busy().unwrap_or(false) {
            core.warn_open_transaction();
        } else {
            raw::report_uncaught(env, thrown);
        }
    }

    fn wake(&self, core: &DocCore) {
        self.thread.inbox.push(Message::Document(core.id()));
    }
}
