//! What comes in for a document.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::context::Context;
use super::super::event::Event;
use super::super::synced::Completion;
use super::super::timers::{DocumentTimer, Timer};
use super::{DocumentSync, Origin, Sender};
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::update;
use crate::protocol::y_message::Message;

/// Without an answer for this long after our step 1 came back, nobody else has the document.
const SOLO: Duration = Duration::from_millis(500);

/// Peers that answer the same step 1 wait a random part of this, so that one of them is enough.
const PEER_ANSWER_SPREAD: Duration = Duration::from_millis(150);

impl DocumentSync {
    /// A message came for this document.
    pub(crate) fn handle_message(
        &mut self,
        now: Instant,
        cx: &mut Context,
        message: Message,
        origin: Origin<'_>,
    ) {
        match message {
            Message::SyncStep1(vector) => self.handle_step_one(now, cx, &vector, origin),
            Message::SyncStep2(update) => self.handle_update(now, cx, update, origin, true),
            Message::Update(update) => self.handle_update(now, cx, update, origin, false),
            Message::Awareness(update) => self.handle_awareness(now, cx, &update),
            Message::QueryAwareness if origin.sender.is_own() => {}
            Message::QueryAwareness => {
                self.presence.announce();
                self.take_presence_turn(cx);
            }
            Message::PermissionDenied(reason) => self.handle_denial(now, cx, reason),
        }
    }

    /// Updates up to `through` were handled.
    pub(crate) fn handle_applied(
        &mut self,
        now: Instant,
        cx: &mut Context,
        through: u64,
        is_missing: bool,
        failed: Vec<(u64, ProviderError)>,
    ) {
        let completion =
            self.synced.handle_applied(through, is_missing, failed.iter().map(|&(token, _)| token));
        self.report_completion(cx, completion);
        let has_gap = self.synced.take_gap();
        if is_missing || has_gap || !failed.is_empty() {
            self.ask(now, cx);
        }
        for (_, error) in failed {
            cx.error(Some(self.key), error);
        }
    }

    /// The document may have got from somebody else what it was missing. It alone can tell, when it was given something.
    pub(super) fn look_again(&mut self, cx: &mut Context) {
        let token = self.synced.next_token();
        cx.apply(self.key, token, Bytes::from_static(&update::EMPTY));
    }

    /// Updates were dropped before they reached the document.
    pub(crate) fn handle_overflow(&mut self, now: Instant, cx: &mut Context) {
        self.synced.handle_overflow();
        if self.synced.take_gap() {
            self.ask(now, cx);
        }
    }

    fn handle_step_one(
        &mut self,
        now: Instant,
        cx: &mut Context,
        vector: &Bytes,
        origin: Origin<'_>,
    ) {
        let Origin { sender, sender_id, .. } = origin;
        if sender == Sender::Us {
            // Our own step 1 is back: everything that was in the log before it has been delivered.
            self.hear(cx);
            self.step_one.sent_as().and_then(|id| cx.answer_ack(id));
            let is_open = !self.synced.is_synced() && !self.synced.is_completing();
            if is_open && self.step_one.sent_as().is_some() {
                cx.timers.set_earlier(Timer::Document(self.key, DocumentTimer::Solo), now + SOLO);
            }
        }
        if sender.is_own() {
            return;
        }
        if let Err(error) = update::scan_state_vector(vector) {
            cx.error(
                Some(self.key),
                ProviderError::new(ErrorCode::InvalidMessage, error.to_string()),
            );
            return;
        }
        if cx.config.read_only {
            return;
        }
        if sender == Sender::Peer {
            self.replies_mut().ask_for_peer(vector, sender_id);
            let wait = PEER_ANSWER_SPREAD.mul_f64(cx.rng.f64());
            cx.timers.set_earlier(Timer::Document(self.key, DocumentTimer::Answer), now + wait);
        } else {
            self.replies_mut().ask_for_server(vector);
            self.hear(cx);
            self.answer(now, cx);
        }
    }

    fn handle_update(
        &mut self,
        now: Instant,
        cx: &mut Context,
        update: Bytes,
        origin: Origin<'_>,
        is_step_two: bool,
    ) {
        let Origin { sender, .. } = origin;
        if sender.is_own() && (self.confirm_echo(now, cx, &update, sender) || is_step_two) {
            return;
        }
        // Published servers hydrate with whatever format they have.
        let update = match update::any_to_v1(update) {
            Ok(update) => update,
            Err(error) => {
                let error = ProviderError::new(ErrorCode::InvalidUpdate, error.to_string());
                cx.error(Some(self.key), error);
                return self.ask(now, cx);
            }
        };
        if is_step_two && let Some(replies) = self.replies.used() {
            replies.note_answer(&update);
        }
        if !update::is_empty_update(&update) {
            let token = self.synced.next_token();
            cx.apply(self.key, token, update);
        }
        if sender == Sender::Hydration || (is_step_two && self.is_answer(origin)) {
            self.complete(cx);
        }
        if sender == Sender::Hydration && self.step_one.hear_hydration() {
            // Published servers attach their handlers right after this message; what came before is lost.
            self.repeat(cx);
        } else if is_step_two && sender == Sender::Server {
            self.hear(cx);
        }
    }

    /// Whether a step 2 answers our step 1. Where the log takes every answer to everybody, it may be another client's:
    /// one that does not say whose it is only counts by what it brings, until our own step 1 has been back for a while.
    fn is_answer(&self, origin: Origin<'_>) -> bool {
        self.step_one.sent_as().is_some() && origin.is_for_us.unwrap_or(!origin.is_fanned_out)
    }

    pub(super) fn complete(&mut self, cx: &mut Context) {
        cx.stop_timer(self.key, DocumentTimer::Solo);
        if cx.is_silent {
            return;
        }
        let completion = self.synced.complete();
        self.report_completion(cx, completion);
    }

    fn report_completion(&mut self, cx: &mut Context, completion: Completion) {
        if completion == Completion::Unchanged {
            return;
        }
        cx.has_synced = true;
        cx.event(Event::Synced { doc: self.key, state: true });
        if completion == Completion::Loaded {
            cx.event(Event::DocLoaded { doc: self.key });
        }
        for id in cx.sync_waiters.change(|it| it.take(self.key)) {
            cx.waited(id, Ok(()));
        }
    }

    /// The server denies the document by a message. One that acks says with an ack what it denies; of this one we know
    /// only that nothing else will be said.
    fn handle_denial(&mut self, now: Instant, cx: &mut Context, reason: String) {
        let error = denied(&reason);
        self.report_denial(cx, reason);
        if self.is_acked {
            return;
        }
        self.deny(cx, error.clone());
        if let Some(outbox) = self.outbox.used() {
            cx.forget_acks(&outbox.refuse_all(&error));
        }
        self.settle(now, cx);
    }

    /// The server will not sync the document on this connection: nobody need wait for it.
    pub(super) fn deny(&mut self, cx: &mut Context, error: ProviderError) {
        if !self.synced.is_synced() {
            for id in cx.sync_waiters.change(|it| it.take(self.key)) {
                cx.waited(id, Err(error.clone()));
            }
        }
        self.denial.error = Some(Box::new(error));
    }
}

fn denied(reason: &str) -> ProviderError {
    let message = format!("the server denied access to the document: {reason}");
    ProviderError::new(ErrorCode::PermissionDenied, message)
}
