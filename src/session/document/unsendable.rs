//! Messages that were made and can't be sent as they are.

use std::time::Instant;

use super::super::ack::AckKind;
use super::super::context::Context;
use super::{DocumentSync, Outgoing};
use crate::error::ProviderError;
use crate::protocol::y_message::Message;

impl DocumentSync {
    /// The message made last has `excess` bytes more than the server takes: sends its update in parts; false if that
    /// can't be.
    pub(crate) fn split_outgoing(
        &mut self,
        now: Instant,
        cx: &mut Context,
        outgoing: &Outgoing,
        excess: usize,
    ) -> bool {
        let (Message::Update(update) | Message::SyncStep2(update)) = &outgoing.message else {
            return false;
        };
        let limit = update.len().saturating_sub(excess);
        let is_split = match outgoing.ack {
            Some(AckKind::Update) => self.outbox_mut(cx).split_last(limit),
            Some(AckKind::Reply { covers }) => {
                let is_split = match covers {
                    Some(covers) => self.outbox_mut(cx).split_difference(covers, update, limit),
                    None => self.replies_mut().split(update, &outgoing.in_reply_to, limit),
                };
                if is_split {
                    self.finish_reply(cx.acks.next_id());
                }
                is_split
            }
            Some(AckKind::StepOne) | None => false,
        };
        if is_split {
            self.settle(now, cx);
        }
        is_split
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
            Some(AckKind::Update) => {
                self.outbox_mut(cx).refuse(cx.acks.next_id(), error.clone());
            }
            Some(AckKind::Reply { covers }) => {
                self.refuse_reply(cx, cx.acks.next_id(), covers, &error);
            }
            Some(AckKind::StepOne) | None => {}
        }
        cx.error(Some(self.key), error);
        self.settle(now, cx);
    }
}
