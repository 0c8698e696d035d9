//! How connections begin, fail and end, and when the next one follows.

use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;

use super::Session;
use super::connection::State;
use super::departure::Departure;
use super::event::{Event, Status};
use super::output::Output;
use super::timers::Timer;
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::socket_io::Json;

/// A server that disconnects us this often in a row, without a document synced in between, means it.
const MAX_SERVER_DISCONNECTS: u32 = 5;

impl Session {
    pub(super) fn dial(&mut self, now: Instant) {
        self.refusal = None;
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
        self.connection.has_refreshed_auth = false;
        self.set_status(Status::Connected);
        for document in self.documents.iter_mut() {
            document.start(now, &mut self.cx);
        }
    }

    /// CONNECT was refused. Refusals are final when they say so or say nothing, as in the official client; codes of a
    /// server that is only not able to now (`busy`, `unavailable`, ...) are tried again. So is the first one in a row that
    /// a fresh `auth` may overcome.
    pub(super) fn handle_refusal(&mut self, now: Instant, message: String, data: Option<&Json>) {
        let refusal: RefusalJson = data.and_then(Json::parse).unwrap_or_default();
        let code = refusal.code.as_deref();
        let may_refresh = self.cx.config.has_fresh_auth
            && !self.connection.has_refreshed_auth
            && matches!(code, Some("permission-denied" | "unauthenticated"))
            && self.may_retry();
        self.connection.has_refreshed_auth |= may_refresh;
        let is_final = !may_refresh
            && matches!(code, None | Some("permission-denied" | "unauthenticated" | "bad-request"));
        let kind = if is_final && code != Some("bad-request") {
            ErrorCode::PermissionDenied
        } else {
            ErrorCode::Connection
        };
        let data = data.map(|data| data.as_str().to_owned());
        let error = ProviderError::new(kind, message.clone());
        self.fail(now, error.clone(), data, !is_final);
        if is_final {
            self.fail_calls(&error);
            self.refusal = Some(Box::new(error));
        }
        if kind == ErrorCode::PermissionDenied {
            self.cx.event(Event::PermissionDenied {
                doc: None,
                reason: refusal.reason.unwrap_or(message),
            });
        }
    }

    /// The official client would stay away for ever; servers also do this when they restart.
    pub(super) fn handle_server_disconnect(&mut self, now: Instant) {
        self.connection.note_server_disconnect(now);
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
        let last_error = (may_retry && self.has_used_up_attempts()).then(|| error.clone());
        self.cx.event(Event::ConnectionError { error, data, will_retry });
        if let Some(error) = last_error {
            self.cx.event(Event::ReconnectFailed { error });
        }
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
            let last_error = (!is_refused && self.has_used_up_attempts()).then(|| error.clone());
            self.cx.event(Event::ConnectionError { error, data: None, will_retry });
            if let Some(error) = last_error {
                self.cx.event(Event::ReconnectFailed { error });
            }
        }
        self.go_on(now, will_retry);
    }

    fn may_retry(&self) -> bool {
        let is_needed = match self.departure {
            None => self.is_wanted,
            Some(Departure::Drain) => false,
            Some(Departure::Confirm) => self.is_waiting(),
        };
        is_needed
            && self.connection.has_next_attempt()
            && self.connection.server_disconnects < MAX_SERVER_DISCONNECTS
    }

    /// Whether attempts followed on a failure, and no other may.
    fn has_used_up_attempts(&self) -> bool {
        self.is_wanted
            && self.departure.is_none()
            && self.connection.backoff.attempts() > 0
            && !self.connection.has_next_attempt()
    }

    /// Schedules the next attempt, or gives up.
    fn go_on(&mut self, now: Instant, will_retry: bool) {
        let delay = if will_retry { self.connection.next_delay(self.cx.rng.f64()) } else { None };
        if let Some(delay) = delay {
            self.connection.end(State::Waiting);
            self.cx.timers.set(Timer::Reconnect, now + delay);
            self.set_status(Status::Connecting);
        } else if self.departure.is_some() {
            self.finish_departure(now);
        } else {
            self.is_wanted = false;
            self.rest();
        }
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
