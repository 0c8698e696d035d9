//! What a document sends: local edits and their acks, answers, presence.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::ack::{AckKind, AckReply};
use super::super::context::Context;
use super::super::replies::Reply;
use super::super::timers::{DocumentTimer, Timer};
use super::super::work::Work;
use super::{DocumentSync, Sender};
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::channel::Channel;
use crate::protocol::update;
use crate::protocol::y_message::Message;

/// How long a server has to ask for our content before it is sent unasked, and then whole.
const UNASKED: Duration = Duration::from_millis(1500);

/// First pause after the server was busy, and the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A message to send.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) channel: Channel,
    pub(crate) message: Message,
    /// What the ack is for, if one is asked for. It gets the next id.
    pub(crate) ack: Option<AckKind>,
}

impl DocumentSync {
    /// The document was edited.
    pub(crate) fn handle_local_update(&mut self, now: Instant, cx: &mut Context, update: Bytes) {
        let refusal = self.outbox.refusal().map(|(_, error)| error.clone());
        cx.unconfirmed.insert(self.key);
        if cx.config.read_only {
            let error = ProviderError::new(
                ErrorCode::ReadOnly,
                "the provider is read-only: edits stay local",
            );
            if refusal.is_none() {
                cx.error(Some(self.key), error.clone());
            }
            self.outbox.push_refused(error);
        } else if let Some(error) =
            refusal.filter(|error| error.code == ErrorCode::PermissionDenied)
        {
            // One refusal tells enough; with the next connection it all gets another chance.
            self.outbox.push_refused(error);
        } else {
            self.outbox.push(update);
            self.take_sync_turn(cx);
            self.pursue(now, cx);
        }
    }

    /// The next sync message, step 1 first.
    pub(crate) fn next_sync(&mut self, now: Instant, cx: &mut Context) -> Option<Outgoing> {
        self.has_sync_turn = false;
        self.started_at?;
        let outgoing = self.take_sync(now, cx)?;
        self.take_sync_turn(cx);
        Some(outgoing)
    }

    /// The next presence message.
    pub(crate) fn next_presence(&mut self, cx: &mut Context) -> Option<Outgoing> {
        self.has_presence_turn = false;
        self.started_at?;
        let message = self.presence.take_message()?;
        self.take_presence_turn(cx);
        Some(Outgoing { channel: Channel::Awareness, message, ack: None })
    }

    /// The message made last can't be sent at all.
    pub(crate) fn refuse_outgoing(
        &mut self,
        now: Instant,
        cx: &mut Context,
        ack: Option<AckKind>,
        error: ProviderError,
    ) {
        match ack {
            Some(AckKind::Update) => self.outbox.refuse(cx.acks.next_id(), error.clone()),
            Some(AckKind::Reply { covers }) => self.refuse_reply(cx.acks.next_id(), covers, &error),
            Some(AckKind::StepOne) | None => {}
        }
        cx.error(Some(self.key), error);
        self.settle(now, cx);
    }

    /// An ack came.
    pub(crate) fn handle_ack(
        &mut self,
        now: Instant,
        cx: &mut Context,
        id: u64,
        kind: AckKind,
        reply: AckReply,
    ) {
        self.step_one.hear();
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
            AckReply::Refused { error, is_retryable: false } => self.refuse(cx, id, kind, error),
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
        let confirmed = if let Some(id) = self.outbox.confirm_echo(update) {
            Some(id)
        } else {
            self.replies.confirm_echo(update).map(|(id, covers)| {
                self.confirm(id, AckKind::Reply { covers });
                id
            })
        };
        let Some(id) = confirmed else { return false };
        cx.answer_ack(id);
        if sender == Sender::Us {
            self.step_one.hear();
        }
        self.settle(now, cx);
        true
    }

    /// A message of the sync channel has this offset.
    pub(crate) fn record_offset(
        &mut self,
        cx: &mut Context,
        topic: &str,
        partition: i32,
        offset: i64,
    ) {
        let topic = cx.topic(topic);
        if self.offsets.record(&topic, partition, offset) {
            cx.note_moved(self.key);
        }
    }

    /// The document layer encoded something.
    pub(crate) fn handle_encoded(
        &mut self,
        now: Instant,
        cx: &mut Context,
        token: u64,
        result: Result<Bytes, ProviderError>,
    ) {
        if self.step_one.take_encoding(token) {
            match result {
                Ok(vector) => self.step_one.set_vector(vector),
                Err(error) => {
                    // A document that can't be read can't be synced.
                    self.step_one.deny();
                    cx.error(Some(self.key), error);
                }
            }
        } else if let Some(reply) = self.replies.take_encoding(token) {
            match (result, reply.covers) {
                // The server has it all.
                (Ok(update), covers) if update::is_empty_update(&update) => {
                    covers.inspect(|&covers| self.outbox.confirm_difference(covers));
                }
                (Ok(update), _) => self.replies.set_ready(update, reply),
                (Err(error), covers) => {
                    if covers.is_some() {
                        self.outbox.refuse_difference(error.clone());
                    }
                    cx.error(Some(self.key), error);
                }
            }
            self.settle(now, cx);
        }
        self.take_sync_turn(cx);
    }

    /// Answers a step 1, damped.
    pub(super) fn answer(&mut self, now: Instant, cx: &mut Context) {
        if !self.replies.is_asked()
            || self.replies.is_busy()
            || self.is_paused(cx)
            || self.started_at.is_none()
        {
            return;
        }
        if self.outbox.refusal().is_some() {
            // The same content would be refused again.
            self.replies.take_asked();
            return;
        }
        match self.replies.admit(now) {
            Err(at) => cx.timers.set_earlier(Timer::Document(self.key, DocumentTimer::Answer), at),
            Ok(()) => {
                if let Some((vector, is_server)) = self.replies.take_asked() {
                    // Only what the server itself lacks tells what the log lacks.
                    let covers = if is_server { self.outbox.request_difference() } else { None };
                    self.encode_difference(cx, vector, Reply { covers, is_answer: true });
                }
            }
        }
    }

    /// Sends the difference the outbox owes, once the server asked or had its time to ask.
    pub(super) fn pursue(&mut self, now: Instant, cx: &mut Context) {
        let Some(started_at) = self.started_at else { return };
        if !self.outbox.is_difference_due() || self.replies.is_busy() || self.is_paused(cx) {
            return;
        }
        let vector = match self.replies.server_vector() {
            Some(vector) => vector.clone(),
            None if now >= started_at + UNASKED => Bytes::new(),
            None => return cx.set_timer(self.key, DocumentTimer::Difference, started_at + UNASKED),
        };
        let covers = self.outbox.request_difference();
        self.encode_difference(cx, vector, Reply { covers, is_answer: false });
    }

    /// Acks are overdue: what they were for is sent again.
    pub(super) fn handle_missing_acks(&mut self, now: Instant, cx: &mut Context) {
        let ids = self.outbox.recall_overdue(now, cx.config.ack_timeout);
        cx.forget_acks(&ids);
        if let Some(id) = self.replies.take_overdue(now, cx.config.ack_timeout) {
            cx.forget_acks(&[id]);
            self.outbox.renew_difference();
        }
        self.settle(now, cx);
        self.watch_acks(cx);
    }

    /// We leave.
    pub(crate) fn say_farewell(&mut self, now: Instant, cx: &mut Context) {
        self.presence.leave(now);
        self.take_presence_turn(cx);
    }

    pub(super) fn take_sync_turn(&mut self, cx: &mut Context) {
        if self.started_at.is_some() && self.has_sync(cx) && !self.has_sync_turn {
            self.has_sync_turn = true;
            cx.sync_turns.push_back(self.key);
        }
    }

    /// Presence waits for step 1, which subscribes the document.
    pub(super) fn take_presence_turn(&mut self, cx: &mut Context) {
        let has_asked = self.started_at.is_some() && self.step_one.sent_as().is_some();
        if has_asked && self.presence.has_message() && !self.has_presence_turn {
            self.has_presence_turn = true;
            cx.presence_turns.push_back(self.key);
        }
    }

    fn has_sync(&self, cx: &Context) -> bool {
        self.step_one.has_vector()
            || (!self.is_paused(cx) && (self.replies.is_ready() || self.outbox.has_unsent()))
    }

    /// A busy server is left alone for a while.
    fn is_paused(&self, cx: &Context) -> bool {
        cx.timers.is_set(Timer::Document(self.key, DocumentTimer::Resume))
    }

    fn take_sync(&mut self, now: Instant, cx: &mut Context) -> Option<Outgoing> {
        let ack_id = cx.acks.next_id();
        let (message, kind) = if let Some(vector) = self.step_one.send(ack_id) {
            if !self.step_one.is_heard() {
                let wait = self.step_one.next_retransmission();
                let at = now + cx.jittered(wait);
                cx.set_timer(self.key, DocumentTimer::Retransmit, at);
            }
            self.take_presence_turn(cx);
            (Message::SyncStep1(vector), AckKind::StepOne)
        } else if self.is_paused(cx) {
            return None;
        } else if let Some((message, reply)) = self.replies.send(now, ack_id) {
            (message, AckKind::Reply { covers: reply.covers })
        } else {
            (Message::Update(self.outbox.send(now, ack_id)?), AckKind::Update)
        };
        self.watch_acks(cx);
        Some(Outgoing { channel: Channel::Sync, message, ack: Some(kind) })
    }

    fn encode_difference(&mut self, cx: &mut Context, state_vector: Bytes, reply: Reply) {
        let token = self.next_token();
        self.replies.begin(token, reply);
        cx.work(Work::EncodeDiff { doc: self.key, token, state_vector });
    }

    fn confirm(&mut self, id: u64, kind: AckKind) {
        match kind {
            AckKind::StepOne => {}
            AckKind::Update => {
                self.outbox.confirm(id);
            }
            AckKind::Reply { covers } => {
                self.replies.finish(id);
                covers.inspect(|&covers| self.outbox.confirm_difference(covers));
            }
        }
    }

    fn retry(&mut self, now: Instant, cx: &mut Context, id: u64, kind: AckKind) {
        let pause = (SHORTEST_PAUSE * 2_u32.pow(self.busy.min(6))).min(LONGEST_PAUSE);
        let at = now + cx.jittered(pause);
        match kind {
            AckKind::StepOne => return cx.set_timer(self.key, DocumentTimer::StepOne, at),
            AckKind::Update => self.outbox.recall(id),
            AckKind::Reply { covers } => {
                self.replies.finish(id);
                if covers.is_some() {
                    self.outbox.renew_difference();
                }
            }
        }
        // Messages that were sent before the pause may be refused during it: that is one and the same pause.
        if !self.is_paused(cx) {
            self.busy = self.busy.saturating_add(1);
            cx.set_timer(self.key, DocumentTimer::Resume, at);
        }
    }

    fn refuse(&mut self, cx: &mut Context, id: u64, kind: AckKind, error: ProviderError) {
        match kind {
            AckKind::StepOne if error.code == ErrorCode::PermissionDenied => self.step_one.deny(),
            AckKind::StepOne => {}
            AckKind::Update => self.outbox.refuse(id, error.clone()),
            AckKind::Reply { covers } => self.refuse_reply(id, covers, &error),
        }
        if error.code == ErrorCode::PermissionDenied {
            self.deny(cx, error.message.clone());
        }
        cx.error(Some(self.key), error);
    }

    fn refuse_reply(&mut self, id: u64, covers: Option<u64>, error: &ProviderError) {
        self.replies.finish(id);
        if covers.is_some() {
            self.outbox.refuse_difference(error.clone());
        }
    }

    /// The outbox or the replies changed: tell who waits, and go on with what is next.
    pub(super) fn settle(&mut self, now: Instant, cx: &mut Context) {
        let oldest = self.outbox.oldest_unconfirmed();
        if oldest.is_none() {
            cx.unconfirmed.remove(&self.key);
        }
        for id in cx.flushes.confirm(self.key, oldest) {
            cx.flushed(id, Ok(()));
        }
        if let Some((first, error)) = self.outbox.refusal() {
            for id in cx.flushes.fail(self.key, first) {
                cx.flushed(id, Err(error.clone()));
            }
        }
        self.answer(now, cx);
        self.pursue(now, cx);
        self.take_sync_turn(cx);
    }

    /// The first deadline is the one that counts, so a running timer is never too late.
    fn watch_acks(&mut self, cx: &mut Context) {
        let timer = Timer::Document(self.key, DocumentTimer::Ack);
        if cx.timers.is_set(timer) {
            return;
        }
        let timeout = cx.config.ack_timeout;
        let deadlines = [self.outbox.ack_deadline(timeout), self.replies.ack_deadline(timeout)];
        if let Some(at) = deadlines.into_iter().flatten().min() {
            cx.timers.set(timer, at);
        }
    }
}
