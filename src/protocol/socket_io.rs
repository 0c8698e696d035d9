//! Socket.IO v5 packets: a text header in an Engine.IO message, then the binary attachments it announces.
//!
//! `451-["name",{"_placeholder":true,"num":0},"123"]` reads: Engine.IO message, binary event, one attachment, JSON
//! arguments with a placeholder where the attachment goes. Encoded headers contain the Engine.IO type.

mod arg;
mod args;
mod decoder;
mod encode;
mod header;

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use smallvec::SmallVec;

pub use arg::{Arg, Json};
pub use args::Args;
pub use decoder::{DecodeError, Decoder};
pub use encode::{
    EncodeError, Encoded, encode_ack, encode_connect, encode_disconnect, encode_event,
};

/// The official parsers of both sides refuse packets with more attachments.
pub const MAX_ATTACHMENTS: usize = 10;

/// Binary attachments in the order of their placeholders.
pub type Attachments = SmallVec<[Bytes; 1]>;

/// A complete packet, its attachments included.
#[derive(Debug, Clone, PartialEq)]
pub enum Packet {
    /// The server accepted the connection to a namespace.
    Connect {
        /// The namespace.
        namespace: Namespace,
        /// An object with the socket's id as `sid`; servers before version 3 send none.
        data: Option<Json>,
    },
    /// The server closed the connection to a namespace.
    Disconnect {
        /// The namespace.
        namespace: Namespace,
    },
    /// An event.
    Event(Event),
    /// The answer to an event that asked for one.
    Ack(Ack),
    /// The server refused the connection to a namespace.
    ConnectError {
        /// The namespace.
        namespace: Namespace,
        /// The reason for people; empty when the server gave none.
        message: String,
        /// Whatever the server attached to its error.
        data: Option<Json>,
    },
}

impl Packet {
    /// The namespace it was sent to.
    pub fn namespace(&self) -> &Namespace {
        match self {
            Self::Connect { namespace, .. }
            | Self::Disconnect { namespace }
            | Self::ConnectError { namespace, .. } => namespace,
            Self::Event(event) => &event.namespace,
            Self::Ack(ack) => &ack.namespace,
        }
    }
}

/// A named message with arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The namespace it was sent to.
    pub namespace: Namespace,
    /// Present when the sender wants an ack with this id.
    pub id: Option<u64>,
    name: Name,
    /// The arguments after the name.
    pub args: Args,
}

/// The arguments of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Ack {
    /// The namespace it was sent to.
    pub namespace: Namespace,
    /// The id of the event that asked. An ack without one answers nothing.
    pub id: Option<u64>,
    /// The arguments.
    pub args: Args,
}

impl Event {
    /// The name. One that was sent as a number is its text, which is the same to JavaScript.
    pub fn name(&self) -> &str {
        match &self.name {
            Name::AsItStands(span) => self.args.slice(span),
            Name::Decoded(name) => name,
        }
    }
}

/// The name of an event.
#[derive(Debug, Clone, PartialEq)]
enum Name {
    /// It stands in the text of the arguments.
    AsItStands(Range<usize>),
    /// There it has escapes.
    Decoded(Box<str>),
}

/// The name of a namespace: begins with `/` and has no comma, because a comma ends it on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Namespace(Cow<'static, str>);

impl Namespace {
    /// The namespace of a URL without a path.
    pub const MAIN: Self = Self(Cow::Borrowed("/"));

    /// The namespace with this name, or `None` if a server could not parse it.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        (name.starts_with('/') && !name.contains(',')).then_some(Self(Cow::Owned(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the main namespace, which isn't written on the wire.
    pub fn is_main(&self) -> bool {
        self.0 == "/"
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self::MAIN
    }
}

/// These names can't be events: they are what sockets tell about themselves.
fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "connect"
            | "connect_error"
            | "disconnect"
            | "disconnecting"
            | "newListener"
            | "removeListener"
    )
}

#[cfg(test)]
mod tests;
