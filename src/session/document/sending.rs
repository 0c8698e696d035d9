//! What a document sends: step 1, local edits, answers, presence.

use std::time::Instant;

use bytes::Bytes;

use super::super::ack::AckKind;
use super::super::context::Context;
use super::super::replies::Reply;
use super::super::timers::{DocumentTimer, Timer};
use super::DocumentSync;
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::channel::Channel;
use crate::protocol::y_message::Message;

/// A message to send.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) channel: Channel,
    pub(crate) message: Message,
    /// What the ack is for, if one is asked for. It gets the next id.
    pub(crate) ack: Option<AckKind>,
    /// Offset up to which the document has everything, for a server that resumes there.
    pub(crate) offset: Option<i64>,
    /// The peers whose step 1 this answers.
    pub(crate) in_reply_to: Vec<String>,
}

impl Outgoing {
    fn new(channel: Channel, message: Message, ack: Option<AckKind>) -> Self {
        Self { channel, message, ack, offset: None, in_reply_to: Vec::new() }
    }
}

impl DocumentSync {
    /// The document was edited.
    pub(crate) fn handle_local_update(&mut self, now: Instant, cx: &mut Context, update: Bytes) {
        if self.synced.is_missing_updates() {
            self.look_again(cx);
        }
        let refusal = self.outbox.refusal().map(|(_, error)| error.clone());
        cx.note_unconfirmed(self.key);
        if cx.config.read_only {
            let error = ProviderError::new(
                ErrorCode::ReadOnly,
                "the provider is read-only: edits stay local",
            );
            if refusal.is_none() {
                cx.error(Some(self.key), error.clone());
            }
            self.outbox_mut(cx).push_refused(error);
        } else if let Some(error) =
            refusal.filter(|error| error.code == ErrorCode::PermissionDenied)
        {
            // One refusal tells enough; with the next connection it all gets another chance.
            self.outbox_mut(cx).push_refused(error);
        } else {
            self.outbox_mut(cx).push(update);
            self.take_sync_turn(cx);
            self.pursue(now, cx);
        }
        self.count_bytes(cx);
    }

    /// The next sync message, step 1 first.
    pub(crate) fn next_sync(&mut self, now: Instant, cx: &mut Context) -> Option<Outgoing> {
        self.has_sync_turn = false;
        self.started_at?;
        let outgoing = self.take_sync(now, cx)?;
        self.count_bytes(cx);
        self.take_sync_turn(cx);
        Some(outgoing)
    }

    /// The next presence message.
    pub(crate) fn next_presence(&mut self, cx: &mut Context) -> Option<Outgoing> {
        self.has_presence_turn = false;
        self.started_at?;
        let message = self.presence.take_message()?;
        self.take_presence_turn(cx);
        Some(Outgoing::new(Channel::Awareness, message, None))
    }

    /// A message of the sync channel has this offset.
    pub(crate) fn record_offset(
        &mut self,
        cx: &mut Context,
        topic: &str,
        partition: i32,
        offset: i64,
    ) {
        if self.offsets.record(topic, partition, offset, |topic| cx.topic(topic)) {
            cx.note_moved(self.key);
        }
    }

    /// We leave.
    pub(crate) fn say_farewell(&mut self, now: Instant, cx: &mut Context) {
        // Nothing goes out before step 1, and a document that leaves may never hear its state vector. An empty one
        // serves as well: the answer will find nobody.
        let is_unheard = self.step_one.sent_as().is_none() && !self.step_one.has_vector();
        if is_unheard && self.outbox.has_undelivered() {
            self.step_one.set_vector(Bytes::from_static(&[0]));
        }
        self.replies_mut().hurry();
        self.take_sync_turn(cx);
        self.presence.leave(now);
        self.take_presence_turn(cx);
    }

    pub(super) fn take_sync_turn(&mut self, cx: &mut Context) {
        if self.started_at.is_some() && self.has_sync(cx) && !self.has_sync_turn {
            self.has_sync_turn = true;
            cx.sync_turns.push_back(self.key);
        }
    }

    pub(super) fn take_presence_turn(&mut self, cx: &mut Context) {
        if self.has_asked() && self.presence.has_message() && !self.has_presence_turn {
            self.has_presence_turn = true;
            cx.presence_turns.push_back(self.key);
        }
    }

    fn has_sync(&self, cx: &Context) -> bool {
        let has_edits = self.outbox.has_unsent() && !self.replies.holds_edits();
        let has_content = self.replies.is_ready() || has_edits;
        self.step_one.has_vector() || (has_content && self.may_send(cx))
    }

    /// Step 1 subscribes a document: nothing of it goes out before.
    fn has_asked(&self) -> bool {
        self.started_at.is_some() && self.step_one.sent_as().is_some()
    }

    fn may_send(&self, cx: &Context) -> bool {
        self.has_asked() && !self.is_paused(cx)
    }

    /// A busy server is left alone for a while.
    pub(super) fn is_paused(&self, cx: &Context) -> bool {
        cx.timers.is_set(Timer::Document(self.key, DocumentTimer::Resume))
    }

    fn take_sync(&mut self, now: Instant, cx: &mut Context) -> Option<Outgoing> {
        let ack_id = cx.acks.next_id();
        let sync = |message, kind| Outgoing::new(Channel::Sync, message, Some(kind));
        let outgoing = if let Some(vector) = self.step_one.send(ack_id) {
            if !self.step_one.is_heard() {
                let wait = self.step_one.next_retransmission();
                let at = now + cx.jittered(wait);
                cx.set_timer(self.key, DocumentTimer::Retransmit, at);
            }
            if self.step_one.take_repeat() {
                self.repeat_what_follows(now, cx);
            }
            self.take_presence_turn(cx);
            let offset = self.offsets.resume_at();
            Outgoing { offset, ..sync(Message::SyncStep1(vector), AckKind::StepOne) }
        } else if !self.may_send(cx) {
            return None;
        } else if let Some((message, reply)) =
            self.replies.used().and_then(|replies| replies.send(now, ack_id))
        {
            let Reply { covers, in_reply_to, .. } = reply;
            Outgoing { in_reply_to, ..sync(message, AckKind::Reply { covers }) }
        } else if self.replies.holds_edits() {
            return None;
        } else {
            let outbox = self.outbox.used()?;
            let update = outbox.send(now, ack_id)?;
            if self.step_one.is_heard() {
                outbox.expect_last();
            }
            sync(Message::Update(update), AckKind::Update)
        };
        self.watch_acks(cx);
        Some(outgoing)
    }
}
