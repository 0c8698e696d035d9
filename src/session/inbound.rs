//! Events of the server: which envelope, at which offset.

mod position;

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;

use super::Session;
use super::document::{Origin, Sender};
use super::event::Event;
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::channel::{Channel, InboundEvent};
use crate::protocol::envelope::{self, Envelope, Metadata};
use crate::protocol::socket_io;
use crate::protocol::y_message::{self, Message};

use position::LogPosition;

/// An event that carries an envelope. Servers write it as `(envelope, offset?, {topic, partition}?)` or as one object
/// `{message, offset?, topic?, partition?}`.
#[derive(Debug, PartialEq)]
pub(crate) struct Inbound<'a> {
    /// The channel of the event's name or topic.
    channel: Option<Channel>,
    envelope: Cow<'a, Bytes>,
    position: LogPosition<'a>,
    /// Whether it came out of the log as it is, sent by a peer or by us.
    is_fanned_out: bool,
}

impl<'a> Inbound<'a> {
    /// Reads an event. `None` if it is none of this protocol, `Err` if it should have an envelope and has none.
    pub(crate) fn read(event: &'a socket_io::Event) -> Option<Result<Self, ProviderError>> {
        let kind = InboundEvent::from_name(event.name())?;
        let args = &event.args;
        let (envelope, position) = match args.bytes(0) {
            Some(envelope) => (Some(envelope), args.text(2)),
            None => (
                args.field(0, "message").and_then(|arg| arg.to_bytes()).map(Cow::Owned),
                args.text(0),
            ),
        };
        let Some(envelope) = envelope else {
            let message = format!("{} without an envelope", event.name());
            return Some(Err(ProviderError::new(ErrorCode::InvalidEnvelope, message)));
        };
        let mut position = position.map(LogPosition::read).unwrap_or_default();
        position.offset = args.text(1).and_then(position::read_offset).or(position.offset);
        let channel = match kind {
            InboundEvent::Channel(channel) => Some(channel),
            InboundEvent::ProtocolMessage => channel_of_topic(&position.topic),
        };
        let is_fanned_out = kind == InboundEvent::ProtocolMessage;
        Some(Ok(Self { channel, envelope, position, is_fanned_out }))
    }
}

/// How an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Sent to this connection.
    Live,
    /// Sent to a connection that was lost, and now again.
    Replayed,
}

impl Session {
    pub(super) fn handle_event(
        &mut self,
        now: Instant,
        event: &socket_io::Event,
        arrival: Arrival,
    ) {
        match Inbound::read(event) {
            Some(Ok(inbound)) => self.handle_inbound(now, &inbound, arrival),
            Some(Err(error)) => self.cx.error(None, error),
            None => {}
        }
    }

    fn handle_inbound(&mut self, now: Instant, inbound: &Inbound<'_>, arrival: Arrival) {
        let Envelope { metadata, payload } = match envelope::decode(&inbound.envelope) {
            Ok(envelope) => envelope,
            Err(error) => {
                return self.cx.error(
                    None,
                    ProviderError::new(ErrorCode::InvalidEnvelope, error.to_string()),
                );
            }
        };
        if metadata.room_id != self.cx.config.room_id {
            return;
        }
        let messages = match y_message::decode_all(&payload) {
            Ok(messages) => messages,
            // Control payloads are the application's.
            Err(_) if inbound.channel == Some(Channel::Control) => {
                return self.report_message(inbound, metadata, payload, Some(Channel::Control));
            }
            Err(error) => {
                let error = ProviderError::new(ErrorCode::InvalidMessage, error.to_string());
                let document = self.documents.find_mut(&metadata.doc_id);
                self.cx.error(document.as_ref().map(|document| document.key()), error);
                if let Some(document) = document {
                    document.ask(now, &mut self.cx);
                }
                return;
            }
        };
        let sender_id = metadata.sender_id.as_deref().unwrap_or_default();
        let origin = Origin {
            sender: self.sender(sender_id, inbound.is_fanned_out, arrival),
            sender_id,
            is_for_us: self.is_for_us(&metadata.in_reply_to, arrival),
            is_fanned_out: inbound.is_fanned_out,
        };
        for message in messages {
            let channel = channel_of(&message);
            if self.has_message_events {
                self.report_message(inbound, metadata.clone(), payload.clone(), channel);
            }
            let Some(document) = self.documents.find_mut(&metadata.doc_id) else { continue };
            let LogPosition { topic, partition, offset } = &inbound.position;
            let offset = offset.or_else(|| metadata.version.as_deref()?.parse().ok());
            if let Some(offset) = offset.filter(|_| channel == Some(Channel::Sync)) {
                document.record_offset(&mut self.cx, topic, *partition, offset);
            }
            // Whoever leaves takes nothing in any more, but still gives what is asked for and hears of its own edits.
            let is_of_use = matches!(message, Message::SyncStep1(_))
                || (origin.sender == Sender::Us && channel == Some(Channel::Sync));
            if is_of_use || !self.cx.is_silent {
                document.handle_message(now, &mut self.cx, message, origin);
            }
        }
    }

    fn report_message(
        &mut self,
        inbound: &Inbound<'_>,
        metadata: Metadata<'_>,
        payload: Bytes,
        channel: Option<Channel>,
    ) {
        let doc = self.documents.find_mut(&metadata.doc_id).map(|document| document.key());
        let (metadata, offset) = (Box::new(metadata.into_owned()), inbound.position.offset);
        self.cx.event(Event::Message { doc, channel, payload, metadata, offset });
    }

    fn is_for_us(&self, addressees: &[String], arrival: Arrival) -> Option<bool> {
        let own = self.connection.socket_id()?;
        let is_named = || arrival == Arrival::Live && addressees.iter().any(|id| **own == *id);
        (!addressees.is_empty()).then(is_named)
    }

    fn sender(&self, id: &str, is_fanned_out: bool, arrival: Arrival) -> Sender {
        let is_current = self.connection.socket_id().is_some_and(|own| **own == *id);
        // A recovered connection has the id of the lost one; what that one sent proves nothing about this one.
        if is_current && arrival == Arrival::Live {
            Sender::Us
        } else if self.connection.is_own_id(id) {
            Sender::FormerUs
        } else if id.starts_with("server-hydration") {
            Sender::Hydration
        } else if !is_fanned_out && (id.is_empty() || id.starts_with("server")) {
            Sender::Server
        } else {
            Sender::Peer
        }
    }
}

/// The channel a message belongs to, whichever event carried it; `None` for auth.
fn channel_of(message: &Message) -> Option<Channel> {
    match message {
        Message::SyncStep1(_) | Message::SyncStep2(_) | Message::Update(_) => Some(Channel::Sync),
        Message::Awareness(_) | Message::QueryAwareness => Some(Channel::Awareness),
        Message::PermissionDenied(_) => None,
    }
}

fn channel_of_topic(topic: &str) -> Option<Channel> {
    [Channel::Sync, Channel::Awareness, Channel::Control]
        .into_iter()
        .find(|channel| topic.split(['-', '.']).any(|part| part == channel.as_str()))
}

#[cfg(test)]
mod tests;
