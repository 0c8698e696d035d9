//! Promises that the pool fulfils: the asynchronous twins of the heavy calls.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8Array};

use super::deferred::Deferred;
use super::error::Result;
use super::inbox::{Inbox, Message};
use super::js_thread::{JsThread, Origin};
use super::raw::Reference;
use super::types::DocCore;
use crate::document::{Attachment, AttachmentId, Document, JobDone, run_on_pool};
use crate::error::ProviderError;

/// What a request came to.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// It was carried out.
    Done,
    /// It was carried out, and these are its bytes.
    Bytes(Bytes),
}

/// The requests of one JS thread. Each keeps the process alive, and its document with all listeners.
#[derive(Default)]
pub(super) struct Requests {
    next_id: Cell<u64>,
    pending: RefCell<HashMap<u64, Pending>>,
}

struct Pending {
    deferred: Deferred,
    target: Option<Target>,
}

/// A document that was asked for something, for which it sees an attachment like those of providers.
struct Target {
    document: Document,
    attachment: AttachmentId,
    _core: Rc<DocCore>,
    _wrapper: Option<Reference>,
}

impl Requests {
    /// Asks a document; `ask` names the attachment that the answer is for.
    pub(super) fn ask_document<'env>(
        &self,
        env: &'env Env,
        core: &Rc<DocCore>,
        origin: Option<Reference>,
        ask: impl FnOnce(&Document, AttachmentId),
    ) -> Result<PromiseRaw<'env, ()>> {
        let thread = JsThread::current(*env)?;
        let (deferred, promise) = Deferred::new(env)?;
        let document = core.document();
        let wrapper = core.wrapper().map(|it| Reference::strong(*env, &it)).transpose()?;
        let id = self.next_id();
        let end = RequestEnd { id, inbox: Arc::clone(&thread.inbox) };
        let attachment = document.attach(Arc::new(end));
        if let Some(origin) = origin {
            thread.set_origin_of(attachment, Origin::Value(Box::new(origin)));
        }
        let target = Target {
            document: document.clone(),
            attachment,
            _core: Rc::clone(core),
            _wrapper: wrapper,
        };
        self.add(&thread, id, Pending { deferred, target: Some(target) });
        ask(&document, attachment);
        Ok(promise)
    }

    /// Runs work on the pool that needs no document.
    pub(super) fn run<'env>(
        &self,
        env: &'env Env,
        work: impl FnOnce() -> std::result::Result<Answer, ProviderError> + Send + 'static,
    ) -> Result<PromiseRaw<'env, ()>> {
        let thread = JsThread::current(*env)?;
        let (deferred, promise) = Deferred::new(env)?;
        let id = self.next_id();
        let inbox = Arc::clone(&thread.inbox);
        self.add(&thread, id, Pending { deferred, target: None });
        run_on_pool(move || inbox.push(Message::Settled(id, work())));
        Ok(promise)
    }

    pub(super) fn settle(
        &self,
        thread: &JsThread,
        id: u64,
        answer: std::result::Result<Answer, ProviderError>,
    ) {
        let Some(Pending { deferred, target }) = self.pending.borrow_mut().remove(&id) else {
            return;
        };
        if let Some(target) = target {
            target.document.detach(target.attachment);
            thread.forget_origin_of(target.attachment);
        }
        let env = thread.env();
        thread.keep_process_alive(env, false);
        match answer {
            Ok(Answer::Done) => deferred.settle(env, Ok(())),
            Ok(Answer::Bytes(bytes)) => {
                deferred.settle(env, Ok(Uint8Array::with_data_copied(&bytes)));
            }
            Err(error) => deferred.settle::<()>(env, Err(error)),
        }
    }

    /// The environment goes away: nobody waits any more.
    pub(super) fn abandon(&self) {
        for pending in self.pending.take().into_values() {
            if let Some(target) = pending.target {
                target.document.detach(target.attachment);
            }
        }
    }

    fn next_id(&self) -> u64 {
        self.next_id.replace(self.next_id.get() + 1)
    }

    fn add(&self, thread: &JsThread, id: u64, pending: Pending) {
        self.pending.borrow_mut().insert(id, pending);
        thread.keep_process_alive(thread.env(), true);
    }
}

/// A request as its document sees it.
struct RequestEnd {
    id: u64,
    inbox: Arc<Inbox>,
}

impl Attachment for RequestEnd {
    fn wants_updates(&self) -> bool {
        false
    }

    fn handle_updates(&self, _updates: Vec<Bytes>) {}

    fn handle_job_done(&self, done: JobDone) {
        let answer = match done {
            JobDone::Applied { failed, .. } => {
                failed.into_iter().next().map_or(Ok(Answer::Done), |(_, error)| Err(error))
            }
            JobDone::Encoded { result, .. } => result.map(Answer::Bytes),
            JobDone::Overflowed => return,
        };
        self.inbox.push(Message::Settled(self.id, answer));
    }
}
