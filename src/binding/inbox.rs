//! What other threads have to tell a JS thread. One wake-up serves all of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, sys};
use parking_lot::Mutex;

use super::requests::Answer;
use crate::document::Waker;
use crate::error::ProviderError;
use crate::net::AuthAnswer;
use crate::session::Event;

/// Runs the JS thread's drain function. Weak: it does not keep the process alive.
pub(super) type WakeFunction = ThreadsafeFunction<(), (), (), Status, false, true>;

/// One thing to handle on the JS thread.
#[derive(Debug)]
pub(super) enum Message {
    /// A remote transaction of this document waits for its listeners.
    Document(u64),
    /// Something happened to this provider.
    Provider(u64, Event),
    /// A promise can be settled.
    Settled(u64, Result<Answer, ProviderError>),
    /// An attempt of this provider needs its auth.
    Auth(u64, AuthAnswer),
    /// The driver of this provider has ended.
    ProviderFinished(u64),
}

/// The queue in front of one JS thread.
pub(super) struct Inbox {
    queue: Mutex<VecDeque<Message>>,
    is_woken: AtomicBool,
    wake: WakeFunction,
}

impl Inbox {
    pub(super) fn new(wake: WakeFunction) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::default(), is_woken: AtomicBool::new(false), wake })
    }

    /// Queues a message from any thread.
    pub(super) fn push(&self, message: Message) {
        self.add(message);
        self.wake_up();
    }

    /// As [`Self::push`], for who calls [`Self::wake_up`] when there are no more of them: that takes longer than all else.
    pub(super) fn add(&self, message: Message) {
        self.queue.lock().push_back(message);
    }

    /// Makes sure that the drain function runs once more.
    pub(super) fn wake_up(&self) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            // Fails only while the environment goes away; then nobody is left to be told.
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// To be called when the drain function starts: later messages wake it again.
    pub(super) fn begin_drain(&self) {
        self.is_woken.store(false, Ordering::Release);
    }

    pub(super) fn pop(&self) -> Option<Message> {
        self.queue.lock().pop_front()
    }

    /// Whether messages keep the process alive; counted by the JS thread.
    pub(super) fn set_referenced(&self, env: Env, is_referenced: bool) {
        // SAFETY: the function lives as long as this inbox; called on its JS thread.
        unsafe {
            if is_referenced {
                sys::napi_ref_threadsafe_function(env.raw(), self.wake.raw());
            } else {
                sys::napi_unref_threadsafe_function(env.raw(), self.wake.raw());
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.lock().is_empty()
    }
}

impl Waker for Inbox {
    fn wake(&self, document: u64) {
        self.push(Message::Document(document));
    }
}
