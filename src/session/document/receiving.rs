//! What comes in for a document.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::context::Context;
use super::super::event::Event;
use super::super::synced::Completion;
use super::super::timers::{DocumentTimer, Timer};
use super::super::work::Work;
use super::{DocumentSync, Sender};
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
        sender: Sender,
    ) {
        match message {
            Message::SyncStep1(vector) => self.handle_step_one(now, cx, &vector, sender),
            Message::SyncStep2(update) => self.handle_update(now, cx, update, sender, true),
            Message::Update(update) => self.handle_update(now, cx, update, sender, false),
            Message::Awareness(update) => self.handle_awareness(now, cx, &update),
            Message::QueryAwareness if sender.is_own() => {}
            Message::QueryAwareness => {
                self.presence.announce();
                self.take_presence_turn(cx);
            }
            Message::PermissionDenied(reason) => self.deny(cx, reason),
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

    /// Updates were dropped before they reached the document.
    pub(crate) fn handle_overflow(&mut self, now: Instant, cx: &mut Context) {
        self.synced.handle_overflow();
        if self.synced.take_gap() {
            self.ask(now, cx);
        }
    }

    fn handle_step_one(&mut self, now: Instant, cx: &mut Context, vector: &Bytes, sender: Sender) {
        if sender == Sender::Us {
            // Our own step 1 is back: everything that was in the log before it has been delivered.
            self.step_one.hear();
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
        self.replies.ask(vector, sender != Sender::Peer);
        if sender == Sender::Peer {
            let wait = PEER_ANSWER_SPREAD.mul_f64(cx.rng.f64());
            cx.timers.set_earlier(Timer::Document(self.key, DocumentTimer::Answer), now + wait);
        } else {
            self.step_one.hear();
            self.answer(now, cx);
        }
    }

    fn handle_update(
        &mut self,
        now: Instant,
        cx: &mut Context,
        update: Bytes,
        sender: Sender,
        is_step_two: bool,
    ) {
        if sender.is_own() && (self.confirm_echo(now, cx, &update, sender) || is_step_two) {
            return;
        }
        if is_step_two {
            self.replies.withdraw_peer();
        }
        if let Err(error) = update::scan_v1(&update) {
            cx.error(
                Some(self.key),
                ProviderError::new(ErrorCode::InvalidUpdate, error.to_string()),
            );
            self.ask(now, cx);
            return;
        }
        if !update::is_empty_update(&update) {
            let token = self.synced.next_token();
            cx.work(Work::Apply { doc: self.key, token, update });
        }
        if sender == Sender::Hydration || (is_step_two && self.step_one.sent_as().is_some()) {
            self.complete(cx);
        }
        if sender == Sender::Hydration && self.step_one.hear_hydration() {
            // Published servers attach their handlers right after this message; what came before is lost.
            self.repeat(cx);
        } else if is_step_two && sender == Sender::Server {
            self.step_one.hear();
        }
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
        for id in cx.sync_waiters.take(self.key) {
            cx.waited(id, Ok(()));
        }
    }

    fn handle_awareness(&mut self, now: Instant, cx: &mut Context, update: &[u8]) {
        match self.presence.apply(now, update) {
            Ok(change) => {
                self.take_presence_turn(cx);
                self.report_awareness(cx, change);
                self.watch_awareness(now, cx);
            }
            Err(error) => cx.error(
                Some(self.key),
                ProviderError::new(ErrorCode::InvalidUpdate, error.to_string()),
            ),
        }
    }

    pub(super) fn deny(&mut self, cx: &mut Context, reason: String) {
        // Servers say it twice, as an ack and as a message.
        if !std::mem::replace(&mut self.is_denied, true) {
            cx.event(Event::PermissionDenied { doc: Some(self.key), reason });
        }
    }
}
