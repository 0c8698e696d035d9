//! What all documents of a session share, and where they put what follows from their input.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustc_hash::FxHashSet;

use super::ack::{AckKind, Acks, Awaited};
use super::config::SessionConfig;
use super::event::Event;
use super::flush::FlushWaiters;
use super::output::Output;
use super::rare::Rare;
use super::sync_waiters::SyncWaiters;
use super::timers::{DocumentTimer, Timer, Timers};
use super::window::Window;
use super::work::{DocKey, Work};
use crate::error::{ErrorCode, ProviderError};

/// Shared by all documents of a session.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: Arc<SessionConfig>,
    pub(crate) rng: fastrand::Rng,
    pub(crate) timers: Timers,
    pub(crate) acks: Acks,
    pub(crate) window: Window,
    pub(crate) flushes: Rare<FlushWaiters>,
    pub(crate) sync_waiters: Rare<SyncWaiters>,
    /// Documents with edits that are not in the log.
    pub(crate) unconfirmed: FxHashSet<DocKey>,
    /// Bytes of updates that wait to be sent or confirmed, of all documents.
    pub(crate) waiting_bytes: usize,
    /// A document became synced since the session looked last.
    pub(crate) has_synced: bool,
    /// The user left: nothing is reported any more but the end of calls and what is in the log.
    pub(crate) is_silent: bool,
    /// Documents that may have sync messages to send; each is in here once, so that everyone gets a turn.
    pub(crate) sync_turns: VecDeque<DocKey>,
    /// The same for presence. Step 1 of a document always precedes its presence.
    pub(crate) presence_turns: VecDeque<DocKey>,
    outputs: VecDeque<Output>,
    moved: Vec<DocKey>,
    topics: Vec<Arc<str>>,
}

impl Context {
    pub(crate) fn new(config: impl Into<Arc<SessionConfig>>, seed: u64) -> Self {
        Self {
            config: config.into(),
            rng: fastrand::Rng::with_seed(seed),
            timers: Timers::default(),
            acks: Acks::default(),
            window: Window::default(),
            flushes: Rare::default(),
            sync_waiters: Rare::default(),
            unconfirmed: FxHashSet::default(),
            waiting_bytes: 0,
            has_synced: false,
            is_silent: false,
            outputs: VecDeque::new(),
            sync_turns: VecDeque::new(),
            presence_turns: VecDeque::new(),
            moved: Vec::new(),
            topics: Vec::new(),
        }
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Whether the next output is something to tell.
    pub(crate) fn is_event_next(&self) -> bool {
        matches!(self.outputs.front(), Some(Output::Event(_)))
    }

    pub(crate) fn pop_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Gives back the room that is not needed now. A beginning needs some of each, and most connections rest after it.
    pub(crate) fn shrink(&mut self) {
        if self.outputs.is_empty() {
            self.outputs = VecDeque::new();
        }
        if self.sync_turns.is_empty() {
            self.sync_turns = VecDeque::new();
        }
        if self.presence_turns.is_empty() {
            self.presence_turns = VecDeque::new();
        }
        if self.moved.is_empty() {
            self.moved = Vec::new();
        }
        self.flushes.shrink(FlushWaiters::is_empty);
        self.sync_waiters.shrink(SyncWaiters::is_empty);
        self.acks.shrink();
    }

    pub(crate) fn work(&mut self, work: Work) {
        self.outputs.push_back(Output::Work(work));
    }

    /// Hands an update to its document. One request does for all that come in a row: it costs more than what is done for
    /// a small update here.
    pub(crate) fn apply(&mut self, doc: DocKey, token: u64, update: Bytes) {
        match self.outputs.back_mut() {
            Some(Output::Work(Work::Apply { doc: last, updates, .. })) if *last == doc => {
                updates.push(update);
            }
            _ => self.work(Work::Apply { doc, first: token, updates: vec![update] }),
        }
    }

    pub(crate) fn event(&mut self, event: Event) {
        if !self.is_silent {
            self.outputs.push_back(Output::Event(event));
        }
    }

    pub(crate) fn error(&mut self, doc: Option<DocKey>, error: ProviderError) {
        self.event(Event::Error { doc, error });
    }

    /// A flush ended.
    pub(crate) fn flushed(&mut self, id: u64, result: Result<(), ProviderError>) {
        self.timers.stop(Timer::Flush(id));
        self.outputs.push_back(Output::Event(Event::Flushed { id, result }));
    }

    /// A `when_synced` ended.
    pub(crate) fn waited(&mut self, id: u64, result: Result<(), ProviderError>) {
        self.timers.stop(Timer::Sync(id));
        self.outputs.push_back(Output::Event(Event::Waited { id, result }));
    }

    /// The document has an edit that is not in the log.
    pub(crate) fn note_unconfirmed(&mut self, key: DocKey) {
        if self.unconfirmed.insert(key) {
            self.report_unsynced(key, true);
        }
    }

    /// All edits of the document are in the log.
    pub(crate) fn note_confirmed(&mut self, key: DocKey) {
        if self.unconfirmed.remove(&key) {
            self.report_unsynced(key, false);
        }
    }

    fn report_unsynced(&mut self, doc: DocKey, state: bool) {
        self.outputs.push_back(Output::Event(Event::UnsyncedChanges { doc, state }));
    }

    /// The connection is gone, and with it everything that was to be sent on it.
    pub(crate) fn disconnect(&mut self) {
        self.acks.clear();
        self.window = Window::default();
        self.timers.stop(Timer::Window);
        self.sync_turns.clear();
        self.presence_turns.clear();
    }

    /// The document's position moved: reported once, however often it moves until then.
    pub(crate) fn note_moved(&mut self, key: DocKey) {
        self.moved.push(key);
    }

    pub(crate) fn pop_moved(&mut self) -> Option<DocKey> {
        self.moved.pop()
    }

    pub(crate) fn set_timer(&mut self, key: DocKey, timer: DocumentTimer, at: Instant) {
        self.timers.set(Timer::Document(key, timer), at);
    }

    pub(crate) fn stop_timer(&mut self, key: DocKey, timer: DocumentTimer) {
        self.timers.stop(Timer::Document(key, timer));
    }

    /// The message with the next ack id goes out; returns the id.
    pub(crate) fn await_ack(&mut self, key: DocKey, kind: AckKind, bytes: usize) -> u64 {
        let id = self.acks.next_id();
        self.acks.add(Awaited { key, kind, bytes });
        self.window.add(bytes);
        id
    }

    /// An ack or an echo came.
    pub(crate) fn answer_ack(&mut self, id: u64) -> Option<Awaited> {
        let awaited = self.acks.answer(id)?;
        self.window.remove(awaited.bytes);
        self.timers.stop(Timer::Window);
        Some(awaited)
    }

    /// Nobody waits for these acks any more.
    pub(crate) fn forget_acks(&mut self, ids: &[u64]) {
        for id in ids {
            if let Some(awaited) = self.acks.forget(*id) {
                self.window.give_up(awaited.bytes);
            }
        }
    }

    /// The duration, up to a quarter shorter or longer.
    pub(crate) fn jittered(&mut self, duration: Duration) -> Duration {
        duration.mul_f64(0.75 + self.rng.f64() / 2.0)
    }

    /// One allocation per topic, not per message.
    pub(crate) fn topic(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.topics.iter().find(|topic| ***topic == *name) {
            return Arc::clone(known);
        }
        let topic: Arc<str> = name.into();
        // A hostile server must not fill this list; no client sees more than a few topics.
        if self.topics.len() < 64 {
            self.topics.push(Arc::clone(&topic));
        }
        topic
    }
}

/// The answer to whoever waits for a provider that is gone.
pub(crate) fn destroyed() -> ProviderError {
    ProviderError::new(ErrorCode::Destroyed, "the provider was destroyed")
}

#[cfg(test)]
mod tests;
