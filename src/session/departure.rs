//! How connections begin, fail and end, and what follows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::Session;
use super::connection::State;
use super::context::destroyed;
use super::event::{Event, Status};
use super::output::Output;
use super::timers::Timer;
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::socket_io::Json;

/// What waits for the socket when the user disconnects has this long to go out.
const DRAIN: Duration = Duration::from_secs(1);

/// A server that disconnects us this often in a row, without a document synced in between, means it.
const MAX_SERVER_DISCONNECTS: u32 = 5;

/// The user has left; what remains is done silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Departure {
    /// Disconnected: what waits for the socket goes out.
    Drain,
    /// Destroyed: edits go out and are confirmed.
    Confirm,
}

/// Commands about the connection.
impl Session {
    /// Connects, and stays connected until `disconnect` or `destroy`. When connected already: asks for every document's
    /// missing updates again.
    pub fn connect(&mut self, now: Instant) {
        if self.is_destroyed {
            return;
        }
        let was_wanted = std::mem::replace(&mut self.is_wanted, true);
        if self.departure.is_some() {
            // The old connection is still leaving; the new one follows it.
            return;
        }
        if self.connection.is_joined() {
            for document in self.documents.iter_mut() {
                document.ask(now, &mut self.cx);
            }
        } else if !was_wanted {
            self.connection.backoff.reset();
            self.connection.server_disconnects = 0;
            self.dial(now);
        }
    }

    /// Disconnects and stops attempts. What waits for the socket is sent first, for a second at most.
    pub fn disconnect(&mut self, now: Instant) {
        self.is_wanted = false;
        if self.departure.is_some() {
            return;
        }
        if self.connection.is_joined() {
            self.depart(now, Departure::Drain, DRAIN);
        } else {
            self.hang_up();
            self.set_status(Status::Disconnected);
        }
    }

    /// Ends the session for good. Edits that are not in the log yet have until `linger` to get there; then
    /// [`Output::Finished`] is the last output. Pending flushes are rejected at once. A second call does nothing.
    pub fn destroy(&mut self, now: Instant, linger: Duration) {
        if std::mem::replace(&mut self.is_destroyed, true) {
            return;
        }
        for id in self.cx.flushes.cancel_all() {
            self.cx.flushed(id, Err(destroyed()));
        }
        let is_useful = *self.connection.state() != State::Idle && self.is_waiting();
        self.is_wanted = false;
        if self.connection.is_joined() || is_useful {
            self.depart(now, Departure::Confirm, linger);
        } else {
            self.set_status(Status::Disconnected);
            self.finish_departure(now);
        }
    }
}

impl Session {
    pub(super) fn dial(&mut self, now: Instant) {
        self.set_status(Status::Connecting);
        let generation = self.connection.dial();
        if let Some(timeout) = self.cx.config.connection_timeout {
            self.cx.timers.set(Timer::Connect, now + timeout);
        }
        let document = self
            .documents
            .first()
            .map(|first| (Arc::clone(first.doc_id()), first.parent_id().cloned()));
        self.cx.output(Output::Dial { generation, document });
    }

    pub(super) fn join(&mut self, now: Instant) {
        self.cx.timers.stop(Timer::Connect);
        if self.connection.server_disconnects == 0 {
            self.connection.backoff.reset();
        }
        self.set_status(Status::Connected);
        let Some(socket_id) = self.connection.socket_id().cloned() else { return };
        for document in self.documents.iter_mut() {
            document.start(now, &mut self.cx, &socket_id);
        }
    }

    /// CONNECT was refused. Refusals are final when they say so or say nothing, as in the official client; codes of a
    /// server that is only not able to now (`busy`, `unavailable`, ...) are tried again.
    pub(super) fn handle_refusal(&mut self, now: Instant, message: String, data: Option<&Json>) {
        let refusal: RefusalJson = data.and_then(Json::parse).unwrap_or_default();
        let code = refusal.code.as_deref();
        let is_final =
            matches!(code, None | Some("permission-denied" | "unauthenticated" | "bad-request"));
        let kind = if is_final && code != Some("bad-request") {
            ErrorCode::PermissionDenied
        } else {
            ErrorCode::Connection
        };
        let data = data.map(|data| data.as_str().to_owned());
        self.fail(now, ProviderError::new(kind, message.clone()), data, !is_final);
        if kind == ErrorCode::PermissionDenied {
            self.cx.event(Event::PermissionDenied {
                doc: None,
                reason: refusal.reason.unwrap_or(message),
            });
        }
    }

    /// The official client would stay away for ever; servers also do this when they restart.
    pub(super) fn handle_server_disconnect(&mut self, now: Instant) {
        self.connection.server_disconnects += 1;
        self.close(now, "io server disconnect", None);
    }

    /// Dialling or joining took too long.
    pub(super) fn time_out(&mut self, now: Instant) {
        self.fail(now, ProviderError::new(ErrorCode::Connection, "timeout"), None, true);
    }

    /// An attempt failed.
    pub(super) fn fail(
        &mut self,
        now: Instant,
        error: ProviderError,
        data: Option<String>,
        may_retry: bool,
    ) {
        let will_retry = may_retry && self.may_retry();
        self.hang_up();
        self.cx.event(Event::ConnectionError { error, data, will_retry });
        self.go_on(now, will_retry);
    }

    /// Ends the connection from our side, with socket.io-client's reason.
    pub(super) fn close(
        &mut self,
        now: Instant,
        reason: &'static str,
        description: Option<String>,
    ) {
        self.cx.output(Output::Close { generation: self.connection.generation() });
        self.lose(now, reason, description);
    }

    /// The connection is lost.
    pub(super) fn lose(&mut self, now: Instant, reason: &'static str, description: Option<String>) {
        let will_retry = self.may_retry();
        let was_open = self.connection.is_open();
        self.connection.end(State::Idle);
        self.abandon();
        if was_open {
            self.report_close(reason, description);
        }
        let is_refused = self.connection.server_disconnects >= MAX_SERVER_DISCONNECTS;
        if !was_open || is_refused {
            let message = description_of(reason, is_refused);
            let error = ProviderError::new(ErrorCode::Connection, message);
            self.cx.event(Event::ConnectionError { error, data: None, will_retry });
        }
        self.go_on(now, will_retry);
    }

    /// Whether all that a leaving session still had to do is done.
    pub(super) fn has_departed(&self) -> bool {
        let is_drained = self.transmit.is_empty() && self.cx.presence_turns.is_empty();
        match self.departure {
            None => false,
            Some(Departure::Drain) => is_drained && self.cx.sync_turns.is_empty(),
            Some(Departure::Confirm) => is_drained && !self.is_waiting(),
        }
    }

    /// Nothing is left to do, or no time.
    pub(super) fn finish_departure(&mut self, now: Instant) {
        self.departure = None;
        self.hang_up();
        if self.is_destroyed {
            self.cx.is_silent = true;
            self.cx.timers.clear();
            self.cx.output(Output::Finished);
            return;
        }
        self.cx.is_silent = false;
        if self.is_wanted {
            self.connection.backoff.reset();
            self.dial(now);
        }
    }

    pub(super) fn set_status(&mut self, status: Status) {
        if self.status != status && !self.cx.is_silent {
            self.status = status;
            // A connection that is leaving still has its id.
            let socket_id =
                self.connection.socket_id().filter(|_| status == Status::Connected).cloned();
            self.cx.event(Event::Status { status, socket_id });
        }
    }

    /// Tells the user that it is over, and goes on silently until it is.
    fn depart(&mut self, now: Instant, departure: Departure, time: Duration) {
        if self.connection.is_joined() && self.departure.is_none() {
            for document in self.documents.iter_mut() {
                document.say_farewell(now, &mut self.cx);
            }
            self.report_close("io client disconnect", None);
        }
        self.set_status(Status::Disconnected);
        self.cx.is_silent = true;
        self.departure = Some(departure);
        self.cx.timers.set(Timer::Departure, now + time);
    }

    fn report_close(&mut self, reason: &'static str, description: Option<String>) {
        self.cx.event(Event::ConnectionClose { reason, description });
        self.set_status(Status::Disconnected);
        for document in self.documents.iter_mut() {
            document.report_lost(&mut self.cx);
        }
    }

    /// Gives up dial or socket, without a word.
    fn hang_up(&mut self) {
        if self.connection.is_current(self.connection.generation()) {
            self.cx.output(Output::Close { generation: self.connection.generation() });
        }
        self.connection.end(State::Idle);
        self.abandon();
    }

    /// Nothing of the connection is waited for any more.
    fn abandon(&mut self) {
        for timer in [Timer::Connect, Timer::Heartbeat, Timer::Reconnect] {
            self.cx.timers.stop(timer);
        }
        self.transmit.clear();
        self.cx.disconnect();
        for document in self.documents.iter_mut() {
            document.stop(&mut self.cx);
        }
    }

    fn may_retry(&self) -> bool {
        let is_needed = match self.departure {
            None => self.is_wanted,
            Some(Departure::Drain) => false,
            Some(Departure::Confirm) => self.is_waiting(),
        };
        is_needed
            && self.connection.backoff.has_next()
            && self.connection.server_disconnects < MAX_SERVER_DISCONNECTS
    }

    /// Schedules the next attempt, or gives up.
    fn go_on(&mut self, now: Instant, will_retry: bool) {
        let delay =
            if will_retry { self.connection.backoff.next_delay(self.cx.rng.f64()) } else { None };
        if let Some(delay) = delay {
            self.connection.end(State::Waiting);
            self.cx.timers.set(Timer::Reconnect, now + delay);
            self.set_status(Status::Connecting);
        } else if self.departure.is_some() {
            self.finish_departure(now);
        } else {
            self.is_wanted = false;
            self.set_status(Status::Disconnected);
        }
    }

    /// Whether a document has edits that this connection or the next one may bring into the log.
    fn is_waiting(&self) -> bool {
        let is_waiting =
            |key| self.documents.get(key).is_some_and(|document| document.outbox().is_waiting());
        self.cx.unconfirmed.iter().copied().any(is_waiting)
    }
}

#[derive(Debug, Default, Deserialize)]
struct RefusalJson {
    code: Option<String>,
    reason: Option<String>,
}

fn description_of(reason: &str, is_refused: bool) -> String {
    if is_refused {
        format!("the server disconnected {MAX_SERVER_DISCONNECTS} times in a row")
    } else {
        reason.to_owned()
    }
}
