//! What becomes of what a document sent: acks, echoes, refusals.

use std::time::{Duration, Instant};

use super::super::ack::{AckKind, AckReply};
use super::super::context::Context;
use super::super::event::Event;
use super::super::timers::{DocumentTimer, Timer};
use super::{DocumentSync, Sender};
use crate::error::{ErrorCode, ProviderError};

/// First pause after the server was busy, and the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

impl DocumentSync {
    /// An ack came.
    pub(crate) fn handle_ack(
        &mut self,
        now: Instant,
        cx: &mut Context,
        id: u64,
        kind: AckKind,
        reply: AckReply,
    ) {
        self.note_listening(cx);
        self.is_acked = true;
        match reply {
            AckReply::Silent => {}
            AckReply::Confirmed { topic, partition, offset } => {
                self.busy = 0;
                if let Some(offset) = offset {
                    self.record_offset(cx, topic.as_deref().unwrap_or_default(), partition, offset);
                }
                self.confirm(id, kind);
            }
            AckReply::Refused { is_retryable: true, .. } => self.retry(now, cx, id, kind),
            AckReply::Refused { error, reason, is_retryable: false } => {
                self.refuse(cx, id, kind, error, reason);
            }
        }
        self.settle(now, cx);
    }

    /// Our own update came back from the log; false if it is none we wait for.
    pub(super) fn confirm_echo(
        &mut self,
        now: Instant,
        cx: &mut Context,
        update: &[u8],
        sender: Sender,
    ) -> bool {
        let update_id = self.outbox.used().and_then(|outbox| outbox.confirm_echo(update));
        let id = if let Some(id) = update_id {
            id
        } else {
            let reply = self.replies.used().and_then(|replies| replies.confirm_echo(update));
            let Some((id, covers)) = reply else { return false };
            self.confirm(id, AckKind::Reply { covers });
            id
        };
        if sender == Sender::Us {
            cx.answer_ack(id);
            self.note_listening(cx);
        } else {
            // The lost connection sent it as well; this one's may still have come to nothing.
            cx.forget_acks(&[id]);
        }
        self.settle(now, cx);
        true
    }

    /// Acks are overdue: what they were for is sent again.
    pub(super) fn handle_missing_acks(&mut self, now: Instant, cx: &mut Context) {
        let timeout = cx.config.ack_timeout;
        if let Some(outbox) = self.outbox.used() {
            cx.forget_acks(&outbox.recall_overdue(now, timeout));
        }
        let patience = self.outbox.patience(timeout);
        if let Some(id) = self.replies.used().and_then(|it| it.take_overdue(now, patience)) {
            cx.forget_acks(&[id]);
            let outbox = self.outbox_mut(cx);
            outbox.renew_difference();
            outbox.miss_ack();
        }
        self.settle(now, cx);
        self.watch_acks(cx);
    }

    /// The outbox or the replies changed: tell who waits, and go on with what is next.
    pub(super) fn settle(&mut self, now: Instant, cx: &mut Context) {
        self.count_bytes(cx);
        let oldest = self.outbox.oldest_unconfirmed();
        if oldest.is_none() {
            cx.note_confirmed(self.key);
        }
        for id in cx.flushes.change(|it| it.confirm(self.key, oldest)) {
            cx.flushed(id, Ok(()));
        }
        if let Some((first, error)) = self.outbox.refusal() {
            for id in cx.flushes.change(|it| it.fail(self.key, first)) {
                cx.flushed(id, Err(error.clone()));
            }
        }
        self.answer(now, cx);
        self.pursue(now, cx);
        self.take_sync_turn(cx);
    }

    fn confirm(&mut self, id: u64, kind: AckKind) {
        match kind {
            AckKind::StepOne => {}
            AckKind::Update => {
                self.outbox.used().map(|outbox| outbox.confirm(id));
            }
            AckKind::Reply { covers } => {
                self.finish_reply(id);
                self.confirm_difference(covers);
            }
        }
    }

    pub(super) fn confirm_difference(&mut self, covers: Option<u64>) {
        if let (Some(covers), Some(outbox)) = (covers, self.outbox.used()) {
            outbox.confirm_difference(covers);
        }
    }

    pub(super) fn finish_reply(&mut self, id: u64) {
        if let Some(replies) = self.replies.used() {
            replies.finish(id);
        }
    }

    fn retry(&mut self, now: Instant, cx: &mut Context, id: u64, kind: AckKind) {
        let pause = (SHORTEST_PAUSE * 2_u32.pow(self.busy.min(6))).min(LONGEST_PAUSE);
        let at = now + cx.jittered(pause);
        match kind {
            AckKind::StepOne => return cx.set_timer(self.key, DocumentTimer::StepOne, at),
            AckKind::Update => self.outbox_mut(cx).recall(id),
            AckKind::Reply { covers } => {
                self.finish_reply(id);
                if covers.is_some() {
                    self.outbox_mut(cx).renew_difference();
                }
            }
        }
        // Messages that were sent before the pause may be refused during it: that is one and the same pause.
        if !self.is_paused(cx) {
            self.busy = self.busy.saturating_add(1);
            cx.set_timer(self.key, DocumentTimer::Resume, at);
        }
    }

    fn refuse(
        &mut self,
        cx: &mut Context,
        id: u64,
        kind: AckKind,
        error: ProviderError,
        reason: String,
    ) {
        match kind {
            AckKind::StepOne => {
                if error.code == ErrorCode::PermissionDenied {
                    self.step_one.deny();
                }
                self.deny(cx, error.clone());
            }
            AckKind::Update => self.outbox_mut(cx).refuse(id, error.clone()),
            AckKind::Reply { covers } => {
                self.refuse_reply(cx, id, covers, &error);
                if covers.is_none() {
                    // Only the server's own question was in vain; nothing of ours is lost. Readers answer as well.
                    return;
                }
            }
        }
        if error.code == ErrorCode::PermissionDenied {
            self.report_denial(cx, reason);
        }
        cx.error(Some(self.key), error);
    }

    /// Tells it once per connection.
    pub(super) fn report_denial(&mut self, cx: &mut Context, reason: String) {
        if !std::mem::replace(&mut self.denial.is_reported, true) {
            cx.event(Event::PermissionDenied { doc: Some(self.key), reason });
        }
    }

    pub(super) fn refuse_reply(
        &mut self,
        cx: &Context,
        id: u64,
        covers: Option<u64>,
        error: &ProviderError,
    ) {
        self.finish_reply(id);
        if covers.is_some() {
            self.outbox_mut(cx).refuse_difference(error.clone());
        } else {
            self.replies_mut().mute();
        }
    }

    /// The first deadline is the one that counts, so a running timer is never too late.
    pub(super) fn watch_acks(&mut self, cx: &mut Context) {
        let timer = Timer::Document(self.key, DocumentTimer::Ack);
        if cx.timers.is_set(timer) {
            return;
        }
        let timeout = cx.config.ack_timeout;
        let patience = self.outbox.patience(timeout);
        let deadlines = [self.outbox.ack_deadline(timeout), self.replies.ack_deadline(patience)];
        if let Some(at) = deadlines.into_iter().flatten().min() {
            cx.timers.set(timer, at);
        }
    }
}
