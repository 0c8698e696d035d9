//! The user connects and leaves; whoever leaves still has something to say.

use std::time::{Duration, Instant};

use super::Session;
use super::connection::State;
use super::context::destroyed;
use super::event::{Event, Status};
use super::flush::FlushWaiters;
use super::output::Output;
use super::sync_waiters::SyncWaiters;
use super::timers::Timer;
use super::work::DocKey;
use crate::error::{ErrorCode, ProviderError};

/// What waits for the socket when the user disconnects has this long to go out.
const DRAIN: Duration = Duration::from_secs(1);

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
        self.connects += 1;
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
            self.connection.has_refreshed_auth = false;
            self.dial(now);
        }
    }

    /// Disconnects and stops attempts. What waits for the socket is sent first, for a second at most.
    pub fn disconnect(&mut self, now: Instant) {
        self.is_wanted = false;
        self.connection.forget_recovery();
        if self.departure.is_some() {
            return;
        }
        if self.connection.is_joined() {
            self.depart(now, Departure::Drain, DRAIN);
        } else {
            self.hang_up();
            self.rest();
        }
    }

    /// Ends the session for good. Edits that are not in the log yet have until `linger` to get there; then
    /// [`Output::Finished`] is the last output. Pending calls are rejected at once. A second call does nothing.
    pub fn destroy(&mut self, now: Instant, linger: Duration) {
        if std::mem::replace(&mut self.is_destroyed, true) {
            return;
        }
        self.fail_calls(&destroyed());
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
    /// Whether all that a leaving session still had to do is done.
    pub(super) fn has_departed(&self) -> bool {
        let is_drained = self.transmit.is_empty() && self.cx.presence_turns.is_empty();
        match self.departure {
            None => false,
            Some(Departure::Drain) => is_drained && self.cx.sync_turns.is_empty(),
            Some(Departure::Confirm) => {
                is_drained && !self.is_waiting() && self.orphans().next().is_none()
            }
        }
    }

    /// Nothing is left to do, or no time.
    pub(super) fn finish_departure(&mut self, now: Instant) {
        self.departure = None;
        self.cx.timers.stop(Timer::Departure);
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
        } else {
            self.rest();
        }
    }

    /// Nobody need wait any more, for whatever it was.
    pub(super) fn fail_calls(&mut self, error: &ProviderError) {
        for id in self.cx.flushes.change(FlushWaiters::cancel_all) {
            self.cx.flushed(id, Err(error.clone()));
        }
        for id in self.cx.sync_waiters.change(SyncWaiters::cancel_all) {
            self.cx.waited(id, Err(error.clone()));
        }
    }

    /// Nothing happens any more until the user says so.
    pub(super) fn rest(&mut self) {
        self.set_status(Status::Disconnected);
        self.cx.event(Event::Idle { connects: self.connects });
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

    pub(super) fn report_close(&mut self, reason: &'static str, description: Option<String>) {
        self.cx.event(Event::ConnectionClose { reason, description });
        self.set_status(Status::Disconnected);
        for document in self.documents.iter_mut() {
            document.report_lost(&mut self.cx);
        }
    }

    /// Gives up dial or socket, without a word.
    pub(super) fn hang_up(&mut self) {
        if self.connection.is_current(self.connection.generation()) {
            self.cx.output(Output::Close { generation: self.connection.generation() });
        }
        self.connection.end(State::Idle);
        self.abandon();
    }

    /// Nothing of the connection is waited for any more.
    pub(super) fn abandon(&mut self) {
        for timer in [Timer::Connect, Timer::Heartbeat, Timer::Reconnect] {
            self.cx.timers.stop(timer);
        }
        let mut orphans: Vec<DocKey> = self.orphans().collect();
        orphans.sort_unstable();
        orphans.dedup();
        self.transmit.clear();
        for key in orphans {
            self.report_orphan(key);
        }
        self.cx.disconnect();
        for document in self.documents.iter_mut() {
            document.stop(&mut self.cx);
        }
    }

    /// Tells that edits of a removed document may not be in the log: also to who disconnects, and has nobody else to hear
    /// it from.
    pub(super) fn report_orphan(&mut self, key: DocKey) {
        let message = "the document was removed with edits that the log did not confirm";
        let error = ProviderError::new(ErrorCode::Connection, message);
        if !self.is_destroyed {
            self.cx.output(Output::Event(Event::Error { doc: Some(key), error }));
        }
    }

    /// Removed documents with edits that still wait for the socket or for their acks, once for each message.
    fn orphans(&self) -> impl Iterator<Item = DocKey> {
        let waiting = self.transmit.edited().chain(self.cx.acks.edited());
        waiting.filter(|&key| self.documents.get(key).is_none())
    }

    /// Whether a document has edits that this connection or the next one may bring into the log.
    pub(super) fn is_waiting(&self) -> bool {
        let is_waiting =
            |key| self.documents.get(key).is_some_and(|document| document.outbox().is_waiting());
        self.cx.unconfirmed.iter().copied().any(is_waiting)
    }
}
