//! y-websocket messages: the payloads of envelopes.
//!
//! A message begins with its type: 0 sync, 1 awareness, 2 auth, 3 query awareness. The TypeScript provider writes the
//! type twice, so that its messages are read wrongly by everyone who expects one. We send one and accept both.

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};

use super::lib0::{ReadError, Reader, write_var_bytes};

const SYNC: u8 = 0;
const AWARENESS: u8 = 1;
const AUTH: u8 = 2;
const QUERY_AWARENESS: u8 = 3;

const SYNC_STEP_1: u8 = 0;
const SYNC_STEP_2: u8 = 1;
const SYNC_UPDATE: u8 = 2;

const AUTH_PERMISSION_DENIED: u8 = 0;

/// More messages in one payload are an attack: a byte each is enough for some, and each costs a value in memory.
pub const MAX_MESSAGES: usize = 1024;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A state vector; asks for what it doesn't cover.
    SyncStep1(Bytes),
    /// The answer: an update in format V1.
    SyncStep2(Bytes),
    /// A change: an update in format V1.
    Update(Bytes),
    /// An awareness update.
    Awareness(Bytes),
    /// The server denies access to a document, with a reason for people.
    PermissionDenied(String),
    /// Asks for the awareness states of everyone.
    QueryAwareness,
}

/// Messages of one payload; there is nearly always one.
pub type Messages = SmallVec<[Message; 1]>;

/// Why a payload can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The payload is empty.
    #[error("empty message")]
    Empty,
    /// The first byte is no message type.
    #[error("unknown message type {0}")]
    UnknownType(u8),
    /// The byte after a sync or auth type is no known type of those.
    #[error("unknown type {inner} of message type {outer}")]
    UnknownInnerType {
        /// The message type: 0 sync, 2 auth.
        outer: u8,
        /// The byte that isn't known.
        inner: u8,
    },
    /// The payload has more than [`MAX_MESSAGES`] messages.
    #[error("more than {MAX_MESSAGES} messages in one payload")]
    TooManyMessages,
    /// The payload ends within a message, or begins with messages and ends with something else.
    #[error("malformed message: {0}")]
    Malformed(#[from] ReadError),
}

impl Message {
    /// The message with one type byte.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.max_encoded_len());
        self.encode_into(&mut out);
        out
    }

    /// Appends the message with one type byte.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let (types, body): (&[u8], Option<&[u8]>) = match self {
            Self::SyncStep1(state_vector) => (&[SYNC, SYNC_STEP_1], Some(state_vector)),
            Self::SyncStep2(update) => (&[SYNC, SYNC_STEP_2], Some(update)),
            Self::Update(update) => (&[SYNC, SYNC_UPDATE], Some(update)),
            Self::Awareness(update) => (&[AWARENESS], Some(update)),
            Self::PermissionDenied(reason) => {
                (&[AUTH, AUTH_PERMISSION_DENIED], Some(reason.as_bytes()))
            }
            Self::QueryAwareness => (&[QUERY_AWARENESS], None),
        };
        // Types are variable-length integers, but all are below 128 and so one byte.
        out.extend_from_slice(types);
        if let Some(body) = body {
            write_var_bytes(out, body);
        }
    }

    /// An upper bound of the encoded length in bytes.
    pub(super) fn max_encoded_len(&self) -> usize {
        const TYPES_AND_LENGTH: usize = 2 + 5;
        TYPES_AND_LENGTH
            + match self {
                Self::SyncStep1(body)
                | Self::SyncStep2(body)
                | Self::Update(body)
                | Self::Awareness(body) => body.len(),
                Self::PermissionDenied(reason) => reason.len(),
                Self::QueryAwareness => 0,
            }
    }
}

/// Reads all messages of a payload; their bodies are slices of it.
///
/// The single and the doubled form are told apart by what consumes the payload exactly: a single message, then a
/// message behind a doubled type, then a sequence of single messages. Anything else is an error, and nothing of it is
/// returned.
pub fn decode_all(payload: &Bytes) -> Result<Messages, DecodeError> {
    let bytes = payload.as_ref();
    let &first = bytes.first().ok_or(DecodeError::Empty)?;
    let mut reader = Reader::new(bytes);
    let single = match decode_one(payload, &mut reader) {
        Ok(message) if reader.is_empty() => return Ok(smallvec![message]),
        single => single,
    };
    if bytes.get(1) == Some(&first) {
        let mut doubled = Reader::new(&bytes[1..]);
        if let Ok(message) = decode_one(payload, &mut doubled)
            && doubled.is_empty()
        {
            return Ok(smallvec![message]);
        }
    }
    let mut messages: Messages = smallvec![single?];
    while !reader.is_empty() {
        if messages.len() == MAX_MESSAGES {
            return Err(DecodeError::TooManyMessages);
        }
        messages.push(decode_one(payload, &mut reader)?);
    }
    Ok(messages)
}

fn decode_one(payload: &Bytes, reader: &mut Reader<'_>) -> Result<Message, DecodeError> {
    match reader.u8()? {
        SYNC => {
            let inner = reader.u8()?;
            let message = match inner {
                SYNC_STEP_1 => Message::SyncStep1,
                SYNC_STEP_2 => Message::SyncStep2,
                SYNC_UPDATE => Message::Update,
                _ => return Err(DecodeError::UnknownInnerType { outer: SYNC, inner }),
            };
            Ok(message(reader.var_slice(payload)?))
        }
        AWARENESS => Ok(Message::Awareness(reader.var_slice(payload)?)),
        AUTH => match reader.u8()? {
            AUTH_PERMISSION_DENIED => Ok(Message::PermissionDenied(reader.var_str()?.to_owned())),
            inner => Err(DecodeError::UnknownInnerType { outer: AUTH, inner }),
        },
        QUERY_AWARENESS => Ok(Message::QueryAwareness),
        unknown => Err(DecodeError::UnknownType(unknown)),
    }
}

#[cfg(test)]
mod tests;
