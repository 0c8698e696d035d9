//! The session: ties connection, documents and waiting callers together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::SessionConfig;
use super::connection::Connection;
use super::context::{Context, destroyed};
use super::departure::Departure;
use super::document::DocumentSync;
use super::documents::Documents;
use super::event::{Event, Position, Status};
use super::flush::FlushWaiters;
use super::output::{Frame, Output};
use super::sync_waiters::SyncWaiters;
use super::timers::Timer;
use super::transmit::Transmit;
use super::work::{AddDocument, DocKey};
use crate::error::{ErrorCode, ProviderError};

/// One provider's session. How to drive it: see [the module](super).
#[derive(Debug)]
pub struct Session {
    pub(super) cx: Context,
    pub(super) connection: Connection,
    pub(super) documents: Documents,
    pub(super) transmit: Transmit,
    pub(super) status: Status,
    /// The user wants a connection.
    pub(super) is_wanted: bool,
    /// Calls of `connect`.
    pub(super) connects: u64,
    pub(super) is_destroyed: bool,
    pub(super) departure: Option<Departure>,
    /// Why the server does not want this connection; until the next attempt nobody need wait for anything.
    pub(super) refusal: Option<Box<ProviderError>>,
    pub(super) has_message_events: bool,
}

/// Commands.
impl Session {
    /// A session that does nothing until it is told. `seed` decides every random choice.
    pub fn new(config: impl Into<Arc<SessionConfig>>, seed: u64) -> Self {
        let config = config.into();
        Self {
            connection: Connection::new(Arc::clone(&config)),
            cx: Context::new(config, seed),
            documents: Documents::default(),
            transmit: Transmit::default(),
            status: Status::Disconnected,
            is_wanted: false,
            connects: 0,
            is_destroyed: false,
            departure: None,
            refusal: None,
            has_message_events: true,
        }
    }

    /// Adds a document. A second one with the same document id is refused with an error event, and so is every document
    /// of a destroyed session.
    pub fn add_document(&mut self, now: Instant, document: AddDocument) {
        let key = document.key;
        if self.is_destroyed {
            return self.cx.error(Some(key), destroyed());
        }
        if !self.documents.is_free(key, &document.doc_id) {
            let message = format!("document {:?} was already added", document.doc_id);
            return self.cx.error(Some(key), ProviderError::new(ErrorCode::DocInUse, message));
        }
        let document = DocumentSync::new(document, &mut self.cx);
        let document = self.documents.insert(document);
        if self.connection.is_joined() && self.departure.is_none() {
            document.start(now, &mut self.cx);
        }
    }

    /// Removes a document after sending, if connected, what it has to send. Pending calls that wait for it are
    /// rejected; edits that nobody carries to the log any more are reported as an error. Unknown keys are ignored.
    pub fn remove_document(&mut self, now: Instant, key: DocKey) {
        let Some(document) = self.documents.get_mut(key) else { return };
        if self.connection.is_joined() {
            document.say_farewell(now, &mut self.cx);
            self.drain_document(now, key);
        }
        let Some(document) = self.documents.remove(key) else { return };
        document.discount_bytes(&mut self.cx);
        self.cx.timers.stop_document(key);
        self.cx.unconfirmed.remove(&key);
        let is_lost = if self.connection.is_joined() {
            document.outbox().has_undelivered()
        } else {
            document.outbox().oldest_unconfirmed().is_some()
        };
        if is_lost {
            let message = "the document was removed with edits that are not in the log";
            self.cx.error(Some(key), ProviderError::new(ErrorCode::Connection, message));
        }
        for id in self.cx.flushes.change(|it| it.fail(key, 0)) {
            let message = "the document was removed before its edits were confirmed";
            self.cx.flushed(id, Err(ProviderError::new(ErrorCode::UnknownDoc, message)));
        }
        for id in self.cx.sync_waiters.change(|it| it.take(key)) {
            let message = "the document was removed before it was synced";
            self.cx.waited(id, Err(ProviderError::new(ErrorCode::UnknownDoc, message)));
        }
    }

    /// Asks for [`Event::Flushed`] once every local edit handed in before this call is in the log. It fails with the
    /// server's reason when an edit or the connection was refused. After `timeout` it fails with `ERR_UNCONFIRMED` if the
    /// server confirms nothing at all, else with `ERR_TIMEOUT`.
    pub fn flush(&mut self, now: Instant, id: u64, timeout: Duration) {
        if self.is_destroyed {
            return self.cx.flushed(id, Err(destroyed()));
        }
        let mut targets = Vec::with_capacity(self.cx.unconfirmed.len());
        for &key in &self.cx.unconfirmed {
            let Some(document) = self.documents.get(key) else { continue };
            if let Some((_, error)) = document.outbox().refusal() {
                let error = error.clone();
                return self.cx.flushed(id, Err(error));
            }
            targets.push((key, document.outbox().last_edit()));
        }
        match &self.refusal {
            Some(refusal) if !targets.is_empty() => {
                let refusal = ProviderError::clone(refusal);
                self.cx.flushed(id, Err(refusal));
            }
            _ if self.cx.flushes.make(FlushWaiters::default).add(id, targets) => {
                self.cx.timers.set(Timer::Flush(id), now + timeout);
            }
            _ => self.cx.flushed(id, Ok(())),
        }
    }

    /// Gives up waiting for a flush; no event follows.
    pub fn cancel_flush(&mut self, id: u64) {
        self.cx.flushes.change(|it| it.cancel(id));
        self.cx.timers.stop(Timer::Flush(id));
    }

    /// Asks for [`Event::Waited`] once the document is synced, which it may be already. It fails with `ERR_TIMEOUT`
    /// after `timeout`, with the server's reason when it refuses the document or the connection, and with `ERR_UNKNOWN_DOC`
    /// when the document is not here or is removed.
    pub fn when_synced(&mut self, now: Instant, id: u64, key: DocKey, timeout: Duration) {
        if self.is_destroyed {
            return self.cx.waited(id, Err(destroyed()));
        }
        let Some(document) = self.documents.get(key) else {
            let message = "the document is not here";
            return self.cx.waited(id, Err(ProviderError::new(ErrorCode::UnknownDoc, message)));
        };
        if document.is_synced() {
            self.cx.waited(id, Ok(()));
        } else if let Some(denial) = self.refusal.as_deref().or(document.denial()) {
            let denial = denial.clone();
            self.cx.waited(id, Err(denial));
        } else {
            self.cx.sync_waiters.make(SyncWaiters::default).add(id, key);
            self.cx.timers.set(Timer::Sync(id), now + timeout);
        }
    }

    /// Gives up waiting for a document; no event follows.
    pub fn cancel_when_synced(&mut self, id: u64) {
        self.cx.sync_waiters.change(|it| it.cancel(id));
        self.cx.timers.stop(Timer::Sync(id));
    }

    /// Whether [`Event::Message`] is wanted. It is, unless told otherwise; nobody should pay for it without a listener.
    pub fn set_message_events(&mut self, is_wanted: bool) {
        self.has_message_events = is_wanted;
    }
}

/// Output and getters.
impl Session {
    /// The next message for the socket, in wire order.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Frame> {
        let frame = self.next_frame(now);
        if frame.is_none() && self.has_departed() {
            self.finish_departure(now);
        }
        frame
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        // Whoever hears that a flush is done, or a document synced, finds the offset that belongs to it.
        if self.cx.is_event_next()
            && let Some(offset) = self.poll_offset()
        {
            return Some(Output::Event(offset));
        }
        self.cx.pop_output()
    }

    /// An [`Event::Offset`] for the next document whose offset has moved since it was reported. They move with every
    /// message: who drives the session decides how often that is worth a report while nothing else happens.
    pub fn poll_offset(&mut self) -> Option<Event> {
        while let Some(doc) = self.cx.pop_moved() {
            let position = self.documents.get_mut(doc).and_then(DocumentSync::take_moved);
            if let Some(position) = position.filter(|_| !self.cx.is_silent) {
                return Some(Event::Offset { doc, position });
            }
        }
        None
    }

    /// Nothing is left to do for now: gives back the room that is not needed while it rests.
    pub fn shrink(&mut self) {
        self.cx.shrink();
        self.connection.shrink();
    }

    /// When `handle_timeout` must be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.cx.timers.next_deadline()
    }

    /// State of the connection as the user sees it.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether the session wants a connection or is still leaving one: the process should stay alive for it.
    pub fn is_active(&self) -> bool {
        self.is_wanted || self.departure.is_some()
    }

    /// Whether a document has edits that are not confirmed by the log.
    pub fn has_unsynced_changes(&self) -> bool {
        !self.cx.unconfirmed.is_empty()
    }

    /// How many documents have edits that are not confirmed by the log.
    pub fn unsynced_documents(&self) -> usize {
        self.cx.unconfirmed.len()
    }

    /// Bytes of edits that wait to be sent or to be confirmed by the log. What has outgrown the outbox is not in it: it is
    /// computed from the document when it is sent.
    pub fn waiting_bytes(&self) -> usize {
        self.cx.waiting_bytes
    }

    /// The highest offset of the document in every partition seen.
    pub fn positions(&self, doc: DocKey) -> &[Position] {
        self.documents.get(doc).map_or(&[], |document| document.offsets().positions())
    }

    /// The settings.
    pub fn config(&self) -> &SessionConfig {
        &self.cx.config
    }
}
