//! What a session exchanges with the driver of its socket.

use std::sync::Arc;

use bytes::Bytes;

use super::event::Event;
use super::work::Work;

/// A WebSocket message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
}

/// Something the driver must do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Open a WebSocket; answer with `handle_dialed` or `handle_dial_failed`.
    Dial {
        /// Identifies the attempt and the connection that comes of it.
        generation: u64,
        /// Document id and parent id for the handshake's query: the document that was added first.
        document: Option<(Arc<str>, Option<Arc<str>>)>,
    },
    /// Give up the dial or the connection with this generation: flush what was taken from `poll_transmit`, then close
    /// without status. Its input is ignored from here on.
    Close {
        /// Which one.
        generation: u64,
    },
    /// Work for the document layer.
    Work(Work),
    /// Something the user may want to know.
    Event(Event),
    /// The session was destroyed and has nothing left to do. It is the last output, but for answers to later commands:
    /// they fail with `ERR_DESTROYED`.
    Finished,
}

/// How a WebSocket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Status of the peer's close frame.
    pub code: Option<u16>,
    /// What happened, for people.
    pub description: String,
    /// Whether the peer violated the WebSocket protocol (a bad frame, invalid UTF-8, a message above our limit). I/O
    /// errors are no violation.
    pub is_protocol_error: bool,
}
