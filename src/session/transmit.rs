//! Messages are made here, at the moment the socket takes them.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};

use super::Session;
use super::ack::AckKind;
use super::document::Outgoing;
use super::output::Frame;
use super::timers::Timer;
use super::window::STALL;
use super::work::DocKey;
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::channel::Channel;
use crate::protocol::engine_io;
use crate::protocol::envelope::{self, Metadata};
use crate::protocol::socket_io::{self, Arg};

/// A message that only waits for the socket, with what its ack is for.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) channel: Channel,
    pub(super) envelope: Bytes,
    pub(super) offset: Option<i64>,
    pub(super) ack: Option<(DocKey, AckKind)>,
}

/// A message that was made and can't be sent as it is.
struct Unsendable {
    outgoing: Box<Outgoing>,
    error: ProviderError,
    /// Bytes too many, if that is what is wrong.
    excess: Option<usize>,
}

/// What goes out before the documents' turns.
#[derive(Debug, Default)]
pub(super) struct Transmit {
    /// The attachment of the header that went out last: nothing may come in between.
    attachment: Option<Bytes>,
    /// Messages that were made already.
    direct: VecDeque<Made>,
}

impl Transmit {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.attachment.is_none() && self.direct.is_empty()
    }

    /// Puts a message behind those that were made already.
    pub(super) fn push(&mut self, made: Made) {
        self.direct.push_back(made);
    }

    /// The documents whose edits wait for the socket, once for each message.
    pub(super) fn edited(&self) -> impl Iterator<Item = DocKey> {
        let acks = self.direct.iter().filter_map(|made| made.ack);
        acks.filter(|(_, kind)| kind.has_edits()).map(|(key, _)| key)
    }
}

impl Session {
    pub(super) fn next_frame(&mut self, now: Instant) -> Option<Frame> {
        if let Some(attachment) = self.transmit.attachment.take() {
            return Some(if self.cx.config.force_base64 {
                Frame::Text(engine_io::encode_base64(&attachment))
            } else {
                Frame::Binary(attachment)
            });
        }
        if let Some(text) = self.connection.poll_urgent() {
            return Some(Frame::Text(text));
        }
        if !self.connection.is_joined() {
            return None;
        }
        if let Some(made) = self.transmit.direct.pop_front() {
            return Some(self.emit(made));
        }
        loop {
            let (key, is_presence) = self.next_turn(now)?;
            let (outgoing, envelope) = match self.next_message(now, key, is_presence) {
                Ok(Some(message)) => message,
                Ok(None) => continue,
                Err(unsendable) => {
                    self.handle_unsendable(now, key, unsendable);
                    continue;
                }
            };
            let ack = outgoing.ack.map(|kind| (key, kind));
            return Some(self.emit(Made {
                channel: outgoing.channel,
                envelope,
                offset: outgoing.offset,
                ack,
            }));
        }
    }

    /// Makes all messages of a document that leaves.
    pub(super) fn drain_document(&mut self, now: Instant, key: DocKey) {
        for is_presence in [false, true] {
            loop {
                match self.next_message(now, key, is_presence) {
                    Ok(Some((outgoing, envelope))) => {
                        let ack =
                            outgoing.ack.filter(|kind| kind.has_edits()).map(|kind| (key, kind));
                        self.transmit.push(Made {
                            channel: outgoing.channel,
                            envelope,
                            offset: outgoing.offset,
                            ack,
                        });
                    }
                    Ok(None) => break,
                    Err(unsendable) => self.handle_unsendable(now, key, unsendable),
                }
            }
        }
    }

    /// Whose turn it is. Presence is small and coalesced; sync messages ask for acks and wait for the window.
    fn next_turn(&mut self, now: Instant) -> Option<(DocKey, bool)> {
        if let Some(key) = self.cx.presence_turns.pop_front() {
            return Some((key, true));
        }
        if self.cx.window.is_full() {
            if !self.cx.sync_turns.is_empty() && !self.cx.timers.is_set(Timer::Window) {
                self.cx.timers.set(Timer::Window, now + STALL);
            }
            return None;
        }
        self.cx.sync_turns.pop_front().map(|key| (key, false))
    }

    fn next_message(
        &mut self,
        now: Instant,
        key: DocKey,
        is_presence: bool,
    ) -> Result<Option<(Outgoing, Bytes)>, Unsendable> {
        let Some(document) = self.documents.get_mut(key) else { return Ok(None) };
        let outgoing = if is_presence {
            document.next_presence(&mut self.cx)
        } else {
            document.next_sync(now, &mut self.cx)
        };
        let Some(outgoing) = outgoing else { return Ok(None) };
        let metadata = Metadata {
            room_id: self.cx.config.room_id.as_str().into(),
            doc_id: document.doc_id().as_ref().into(),
            parent_id: document.parent_id().map(|id| id.as_ref().into()),
            sender_id: self.connection.socket_id().map(|id| id.as_ref().into()),
            in_reply_to: outgoing.in_reply_to.clone(),
            ..Metadata::default()
        };
        let envelope = match envelope::encode_message(&metadata, &outgoing.message) {
            Ok(envelope) => envelope,
            Err(error) => {
                let error = ProviderError::new(ErrorCode::InvalidArgument, error.to_string());
                return Err(Unsendable { outgoing: Box::new(outgoing), error, excess: None });
            }
        };
        let excess = self.max_envelope().map_or(0, |it| envelope.len().saturating_sub(it));
        match self.check_size(envelope) {
            Ok(envelope) => Ok(Some((outgoing, envelope))),
            Err(error) => {
                Err(Unsendable { outgoing: Box::new(outgoing), error, excess: Some(excess) })
            }
        }
    }

    /// Sends parts of it, or says that it will not get there.
    fn handle_unsendable(&mut self, now: Instant, key: DocKey, unsendable: Unsendable) {
        let Unsendable { outgoing, error, excess } = unsendable;
        let Some(document) = self.documents.get_mut(key) else { return };
        let is_split = excess
            .is_some_and(|excess| document.split_outgoing(now, &mut self.cx, &outgoing, excess));
        if !is_split {
            document.refuse_outgoing(now, &mut self.cx, outgoing.ack, error);
        }
    }

    /// A server closes the connection over a message that is too large, and would again after every reconnect.
    pub(super) fn check_size(&self, envelope: Vec<u8>) -> Result<Bytes, ProviderError> {
        match self.max_envelope() {
            Some(limit) if envelope.len() > limit => {
                let message =
                    format!("message of {} bytes, the server takes {limit}", envelope.len());
                Err(ProviderError::new(ErrorCode::MessageTooLarge, message))
            }
            _ => Ok(envelope.into()),
        }
    }

    /// The largest envelope that the server takes, in bytes.
    fn max_envelope(&self) -> Option<usize> {
        let max_payload = self.connection.max_payload()?;
        let is_text = self.cx.config.force_base64;
        Some(if is_text { engine_io::base64_capacity(max_payload) } else { max_payload })
    }

    fn emit(&mut self, made: Made) -> Frame {
        let Made { channel, envelope, offset, ack } = made;
        let ack_id = ack.map(|(key, kind)| self.cx.await_ack(key, kind, envelope.len()));
        let mut args: SmallVec<[Arg; 2]> = smallvec![Arg::Binary(envelope)];
        args.extend(offset.and_then(|offset| Arg::json(&offset.to_string())));
        let namespace = self.connection.namespace();
        let encoded = socket_io::encode_event(namespace, channel.event_name(), &args, ack_id);
        let Ok(encoded) = encoded else {
            unreachable!("channels have no reserved names, and one attachment is allowed")
        };
        self.transmit.attachment = encoded.attachments.into_iter().next();
        Frame::Text(encoded.header)
    }
}
