//! What is computed from the document: answers to step 1, and the difference the outbox owes.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::context::Context;
use super::super::outbox::Outbox;
use super::super::replies::Reply;
use super::super::timers::{DocumentTimer, Timer};
use super::super::work::Work;
use super::DocumentSync;
use crate::error::ProviderError;
use crate::protocol::update;

/// How long a server has to ask for our content before it is sent unasked, and then whole.
const UNASKED: Duration = Duration::from_millis(1500);

impl DocumentSync {
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
        } else if let Some(mut reply) = self.replies.used().and_then(|it| it.take_encoding(token)) {
            if let (Ok(update), true, Some(outbox)) =
                (&result, reply.is_for_server, self.outbox.used())
            {
                reply.covers = outbox.absorb(update, reply.covers);
            }
            match (result, reply.covers) {
                // The server has it all.
                (Ok(update), covers) if update::is_empty_update(&update) => {
                    self.confirm_difference(covers);
                }
                // An answer without operations to somebody who got another one, deletions included.
                (Ok(update), None) if reply.is_second && update.first() == Some(&0) => {}
                (Ok(update), _) => self.replies_mut().set_ready(update, reply),
                (Err(error), covers) => {
                    if covers.is_some() {
                        self.outbox_mut(cx).refuse_difference(error.clone());
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
        if self.outbox.refusal().is_some() || self.replies.is_muted() {
            // The same content would be refused again.
            self.replies_mut().take_question();
            return;
        }
        match self.replies_mut().admit(now) {
            Err(at) => cx.timers.set_earlier(Timer::Document(self.key, DocumentTimer::Answer), at),
            Ok(()) => {
                if let Some(question) = self.replies_mut().take_question() {
                    // Only what the server itself lacks tells what the log lacks.
                    let outbox = self.outbox.used().filter(|_| question.is_server());
                    let covers = outbox.and_then(Outbox::request_difference);
                    let reply = Reply::to(&question, covers);
                    self.encode_difference(cx, question.vector().clone(), reply);
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
        let covers = self.outbox.used().and_then(Outbox::request_difference);
        self.encode_difference(cx, vector, Reply::owed(covers));
    }

    fn encode_difference(&mut self, cx: &mut Context, state_vector: Bytes, reply: Reply) {
        // What was sent before will be there before, too: without this, edits made while connecting are logged twice.
        let on_their_way = self.outbox.updates_on_their_way();
        let state_vector = match update::advance_state_vector(&state_vector, on_their_way) {
            Ok(advanced) => Bytes::from(advanced),
            Err(_) => state_vector,
        };
        let token = self.next_token();
        self.replies_mut().begin(token, reply);
        cx.work(Work::EncodeDiff { doc: self.key, token, state_vector });
    }
}
