//! What happened: to the socket, to a document, to the clock.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Session;
use super::ack::AckReply;
use super::connection::State;
use super::inbound::Arrival;
use super::incoming::Incoming;
use super::output::Closed;
use super::timers::Timer;
use super::work::{DocKey, WorkDone};
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::socket_io::Ack;

/// A server that confirmed nothing for this long on a connection is taken for one that never does.
const UNCONFIRMED: Duration = Duration::from_secs(1);

/// Input.
impl Session {
    /// The document was edited by something else than this session.
    pub fn handle_local_update(&mut self, now: Instant, doc: DocKey, update: Bytes) {
        if let Some(document) = self.documents.get_mut(doc).filter(|_| !self.is_destroyed) {
            document.handle_local_update(now, &mut self.cx, update);
        }
    }

    /// Our own state in the document's awareness changed.
    pub fn handle_local_awareness(&mut self, now: Instant, doc: DocKey) {
        if let Some(document) = self.documents.get_mut(doc).filter(|_| self.departure.is_none()) {
            document.handle_local_awareness(now, &mut self.cx);
        }
    }

    /// The document layer answered.
    pub fn handle_work_done(&mut self, now: Instant, done: WorkDone) {
        let (WorkDone::Applied { doc, .. }
        | WorkDone::Encoded { doc, .. }
        | WorkDone::Overflowed { doc }) = done;
        let Some(document) = self.documents.get_mut(doc) else { return };
        match done {
            WorkDone::Applied { through, is_missing_updates, failed, .. } => {
                document.handle_applied(now, &mut self.cx, through, is_missing_updates, failed);
            }
            WorkDone::Encoded { token, result, .. } => {
                document.handle_encoded(now, &mut self.cx, token, result);
            }
            WorkDone::Overflowed { .. } => document.handle_overflow(now, &mut self.cx),
        }
        self.note_progress();
    }

    /// The WebSocket is open. `auth` is the JSON text of the object for CONNECT.
    pub fn handle_dialed(&mut self, _now: Instant, generation: u64, auth: Option<String>) {
        if self.connection.is_current(generation) {
            self.connection.handle_dialed(auth);
        }
    }

    /// The WebSocket could not be opened.
    pub fn handle_dial_failed(&mut self, now: Instant, generation: u64, error: ProviderError) {
        if self.connection.is_current(generation) {
            self.connection.end(State::Idle);
            self.fail(now, error, None, true);
        }
    }

    /// A text message came.
    pub fn handle_text(&mut self, now: Instant, generation: u64, text: &str) {
        if self.connection.is_current(generation) {
            let incoming = self.connection.handle_text(now, &mut self.cx.timers, text);
            self.handle_incoming(now, incoming);
        }
    }

    /// A binary message came.
    pub fn handle_binary(&mut self, now: Instant, generation: u64, bytes: Bytes) {
        if self.connection.is_current(generation) {
            let incoming = self.connection.handle_binary(now, bytes);
            self.handle_incoming(now, incoming);
        }
    }

    /// The WebSocket ended.
    pub fn handle_closed(&mut self, now: Instant, generation: u64, closed: Closed) {
        if !self.connection.is_current(generation) {
            return;
        }
        self.connection.note_close_code(closed.code);
        let reason = if closed.is_protocol_error { "transport error" } else { "transport close" };
        let description = match closed.code {
            Some(code) => format!("{} (code {code})", closed.description),
            None => closed.description,
        };
        self.lose(now, reason, Some(description));
    }

    /// The computer slept for this long, and the clock of deadlines with it. A server that heard nothing of us for longer
    /// than its heartbeat allows has hung up; what waits for another attempt need not wait any more.
    pub fn handle_sleep(&mut self, now: Instant, asleep: Duration) {
        self.cx.timers.hasten(Timer::Heartbeat, asleep, now);
        self.cx.timers.hasten(Timer::Reconnect, asleep, now);
        self.handle_timeout(now);
    }

    /// The time of `poll_timeout` has come. Calling it early does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.cx.timers.pop_due(now) {
            match timer {
                Timer::Document(key, timer) => {
                    if let Some(document) = self.documents.get_mut(key) {
                        document.handle_timer(now, &mut self.cx, timer);
                    }
                    self.note_progress();
                }
                Timer::Flush(id) => {
                    if self.cx.flushes.change(|it| it.cancel(id)) {
                        let error = self.flush_timeout(now);
                        self.cx.flushed(id, Err(error));
                    }
                }
                Timer::Sync(id) => {
                    if self.cx.sync_waiters.change(|it| it.cancel(id)) {
                        let message = "the document was not synced in time";
                        self.cx.waited(id, Err(ProviderError::new(ErrorCode::Timeout, message)));
                    }
                }
                Timer::Window => self.cx.window.write_off(),
                Timer::Connect => self.time_out(now),
                Timer::Heartbeat => self.close(now, "ping timeout", None),
                Timer::Reconnect => self.dial(now),
                Timer::Departure => self.finish_departure(now),
            }
        }
    }

    /// Why a flush takes too long.
    fn flush_timeout(&self, now: Instant) -> ProviderError {
        let waits_long = |&key: &DocKey| {
            let document = self.documents.get(key);
            document.is_some_and(|document| document.has_waited(now, UNCONFIRMED))
        };
        if !self.connection.is_joined() {
            let message = "not connected: the edits are kept and sent with the next connection";
            ProviderError::new(ErrorCode::Timeout, message)
        } else if !self.cx.window.has_ack() && self.cx.unconfirmed.iter().any(waits_long) {
            let message = "the server confirms nothing: no acks, and what it is sent does not come back from the log";
            ProviderError::new(ErrorCode::Unconfirmed, message)
        } else {
            let message = "the log did not confirm every edit in time";
            ProviderError::new(ErrorCode::Timeout, message)
        }
    }

    fn handle_incoming(&mut self, now: Instant, incoming: Incoming) {
        match incoming {
            Incoming::Nothing => {}
            Incoming::Joined { early } => {
                self.join(now);
                for event in early {
                    self.handle_event(now, &event, Arrival::Replayed);
                }
            }
            Incoming::Unjoinable { description } => {
                let error = ProviderError::new(ErrorCode::Connection, description);
                self.fail(now, error, None, true);
            }
            Incoming::Refused { message, data } => self.handle_refusal(now, message, data.as_ref()),
            Incoming::Disconnected => self.handle_server_disconnect(now),
            Incoming::Event(event) => self.handle_event(now, &event, Arrival::Live),
            Incoming::Ack(ack) => self.handle_ack(now, &ack),
            Incoming::Violation { reason, description } => {
                self.close(now, reason, Some(description));
            }
        }
        self.note_progress();
    }

    fn handle_ack(&mut self, now: Instant, ack: &Ack) {
        let Some(id) = ack.id else { return };
        let Some(awaited) = self.cx.answer_ack(id) else { return };
        if let Some(document) = self.documents.get_mut(awaited.key) {
            document.handle_ack(now, &mut self.cx, id, awaited.kind, AckReply::read(ack));
        } else if awaited.kind.has_edits()
            && matches!(AckReply::read(ack), AckReply::Refused { .. })
        {
            self.report_orphan(awaited.key);
        }
    }

    /// A synced document proves that the server is well: failures before it don't count.
    fn note_progress(&mut self) {
        if std::mem::take(&mut self.cx.has_synced) {
            self.connection.server_disconnects = 0;
            self.connection.backoff.reset();
        }
    }
}
