//! Packets from text headers and attachments.

use bytes::Bytes;

use super::header::Header;
use super::{Ack, Event, MAX_ATTACHMENTS, Packet};

/// Why a message is no Socket.IO packet. The official client closes the connection then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The header is empty. (The official parser takes it for a connect packet.)
    #[error("empty packet")]
    Empty,
    /// The first character is no packet type.
    #[error("unknown packet type {0:?}")]
    UnknownType(char),
    /// The number of attachments is missing or no positive integer, or a placeholder refers to none of them.
    #[error("illegal attachments")]
    IllegalAttachments,
    /// The header announces more attachments than are allowed.
    #[error("too many attachments")]
    TooManyAttachments,
    /// The payload is no JSON, or has a shape that the packet type doesn't allow.
    #[error("invalid payload")]
    InvalidPayload,
    /// A header came before all attachments of the previous one.
    #[error("got plaintext data when reconstructing a packet")]
    UnexpectedText,
    /// An attachment came without a header that announces it.
    #[error("got binary data when not reconstructing a packet")]
    UnexpectedBinary,
}

/// Puts packets together. After an error it must be [`reset`](Self::reset), as the connection must.
#[derive(Debug)]
pub struct Decoder {
    max_attachments: usize,
    pending: Option<Pending>,
}

/// A packet that waits for attachments.
#[derive(Debug)]
struct Pending {
    packet: Packet,
    expected: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(MAX_ATTACHMENTS)
    }
}

impl Decoder {
    /// A decoder that refuses packets with more than `max_attachments` attachments.
    pub const fn new(max_attachments: usize) -> Self {
        Self { max_attachments, pending: None }
    }

    /// Takes the payload of an Engine.IO message. Returns the packet unless it waits for attachments.
    pub fn handle_text(&mut self, text: &str) -> Result<Option<Packet>, DecodeError> {
        if self.pending.is_some() {
            return Err(DecodeError::UnexpectedText);
        }
        let header = Header::parse(text, self.max_attachments)?;
        let expected = header.attachments;
        let packet = header.build()?;
        if expected == 0 {
            return Ok(Some(packet));
        }
        self.pending = Some(Pending { packet, expected });
        Ok(None)
    }

    /// Takes a binary WebSocket message. Returns the packet if this was its last attachment.
    pub fn handle_binary(&mut self, attachment: Bytes) -> Result<Option<Packet>, DecodeError> {
        let Pending { packet, expected } =
            self.pending.as_mut().ok_or(DecodeError::UnexpectedBinary)?;
        let (Packet::Event(Event { args, .. }) | Packet::Ack(Ack { args, .. })) = packet else {
            return Err(DecodeError::UnexpectedBinary);
        };
        args.attachments.push(attachment);
        if args.attachments.len() < *expected {
            return Ok(None);
        }
        Ok(self.pending.take().map(|pending| pending.packet))
    }

    /// Forgets a packet that waits for attachments.
    pub fn reset(&mut self) {
        self.pending = None;
    }
}
