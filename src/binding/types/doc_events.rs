//! From a committed transaction to the listeners of its document: first in, first out, and never re-entrant.

use std::rc::Rc;
use std::sync::Arc;

use napi::Env;

use super::dispatch::{Pending, dispatch};
use super::doc_core::DocCore;
use crate::binding::error::{OrThrow, Result};
use crate::binding::inbox::Message;
use crate::binding::raw::{self, Reference};
use crate::document::{Record, SubdocsChange};

impl DocCore {
    /// Must come before anything else is done to the document: takes the baton for this tick, and tells listeners of a
    /// remote transaction that came before.
    pub(crate) fn touch(self: &Rc<Self>, env: Env) -> Result<()> {
        let entered = self.local.enter().or_throw(env)?;
        if entered.is_new
            && let Err(error) = self.thread.hold(self)
        {
            // JavaScript's stack ends here. The next touch begins the tick anew; listeners are called from the loop.
            if let Some(record) = entered.remote {
                self.queue.borrow_mut().push_back(Pending::remote(record));
                self.thread.inbox.push(Message::Document(self.id()));
            }
            self.local.leave();
            return Err(error);
        }
        if let Some(record) = entered.remote {
            self.emit_remote(env, record);
        }
        Ok(())
    }

    /// A remote transaction waits for its listeners.
    pub(crate) fn handle_wake(self: &Rc<Self>, env: Env) {
        if let Some(bridge) = self.bridge() {
            return bridge.handle_wake(env, self);
        }
        // A poisoned document has nobody to throw to here; every call on it says so.
        if self.touch(env).is_ok()
            && let Some(thrown) = self.dispatch_queue(env)
        {
            raw::report_uncaught(env, thrown);
        }
    }

    /// An explicit transaction was collected without `commit()`. Its edits count; listeners run later, because nobody
    /// may call JavaScript from a finalizer.
    pub(super) fn finish_abandoned(&self, id: u64) {
        if !self.local.is_open(id) {
            return;
        }
        if let Ok(Some(record)) = self.local.commit(id) {
            self.queue.borrow_mut().push_back(Pending { record, origin: None, is_remote: false });
            self.thread.inbox.push(Message::Document(self.id()));
        }
        self.local.leave();
    }

    /// Tells listeners of something about subdocuments that is no edit.
    pub(super) fn emit_subdocs(self: &Rc<Self>, env: Env, change: SubdocsChange) -> Result<()> {
        self.touch(env)?;
        let record = Record { subdocs: Some(Box::new(change)), ..Record::default() };
        self.emit_local(env, Some(Arc::new(record)), None)
    }

    /// Tells listeners of what was done here.
    pub(super) fn emit_local(
        self: &Rc<Self>,
        env: Env,
        record: Option<Arc<Record>>,
        origin: Option<Reference>,
    ) -> Result<()> {
        let Some(record) = record else { return Ok(()) };
        self.queue.borrow_mut().push_back(Pending { record, origin, is_remote: false });
        match self.dispatch_queue(env) {
            Some(thrown) => Err(raw::throw(env, thrown)),
            None => Ok(()),
        }
    }

    fn emit_remote(self: &Rc<Self>, env: Env, record: Arc<Record>) {
        self.queue.borrow_mut().push_back(Pending::remote(record));
        if let Some(thrown) = self.dispatch_queue(env) {
            raw::report_uncaught(env, thrown);
        }
    }

    /// Whether committed transactions wait for their listeners.
    pub(super) fn has_pending_events(&self) -> bool {
        !self.queue.borrow().is_empty()
    }

    /// Calls listeners, first in first out and never re-entrantly (T 12): what a listener edits queues behind. Returns
    /// what a listener of a local transaction threw.
    fn dispatch_queue(self: &Rc<Self>, env: Env) -> Option<raw::Thrown> {
        if self.is_dispatching.replace(true) {
            return None;
        }
        let mut first = None;
        loop {
            // Not a `while let`: the borrow must end before listeners run.
            let pending = self.queue.borrow_mut().pop_front();
            let Some(pending) = pending else { break };
            for thrown in dispatch(self, env, &pending) {
                if pending.is_remote {
                    raw::report_uncaught(env, thrown);
                } else {
                    first.get_or_insert(thrown);
                }
            }
        }
        self.is_dispatching.set(false);
        first
    }
}
