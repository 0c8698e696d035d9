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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> Result<Vec<Message>, DecodeError> {
        decode_all(&Bytes::copy_from_slice(bytes)).map(SmallVec::into_vec)
    }

    fn bytes(bytes: &'static [u8]) -> Bytes {
        Bytes::from_static(bytes)
    }

    #[test]
    fn decodes_single_doubled_and_concatenated_messages() {
        let rows: [(&str, &[u8], Vec<Message>); 13] = [
            ("step 1", &[0, 0, 1, 0], vec![Message::SyncStep1(bytes(&[0]))]),
            ("step 1 doubled", &[0, 0, 0, 1, 0], vec![Message::SyncStep1(bytes(&[0]))]),
            ("step 2", &[0, 1, 2, 0, 0], vec![Message::SyncStep2(bytes(&[0, 0]))]),
            ("step 2 doubled", &[0, 0, 1, 2, 0, 0], vec![Message::SyncStep2(bytes(&[0, 0]))]),
            ("update", &[0, 2, 2, 0, 0], vec![Message::Update(bytes(&[0, 0]))]),
            ("update doubled", &[0, 0, 2, 2, 0, 0], vec![Message::Update(bytes(&[0, 0]))]),
            ("awareness", &[1, 1, 0], vec![Message::Awareness(bytes(&[0]))]),
            ("awareness doubled", &[1, 1, 1, 0], vec![Message::Awareness(bytes(&[0]))]),
            ("query", &[3], vec![Message::QueryAwareness]),
            ("query doubled", &[3, 3], vec![Message::QueryAwareness]),
            (
                "denied doubled",
                &[2, 2, 0, 2, b'n', b'o'],
                vec![Message::PermissionDenied("no".into())],
            ),
            (
                "two steps",
                &[0, 0, 1, 0, 0, 1, 2, 0, 0],
                vec![Message::SyncStep1(bytes(&[0])), Message::SyncStep2(bytes(&[0, 0]))],
            ),
            (
                "query and awareness",
                &[3, 1, 1, 0],
                vec![Message::QueryAwareness, Message::Awareness(bytes(&[0]))],
            ),
        ];
        for (label, payload, expected) in rows {
            assert_eq!(decode(payload), Ok(expected), "{label}");
        }
    }

    #[test]
    fn rejects_what_no_form_consumes_exactly() {
        let end = DecodeError::Malformed(ReadError::UnexpectedEnd);
        let rows: [(&str, &[u8], DecodeError); 9] = [
            ("empty", &[], DecodeError::Empty),
            ("unknown type", &[4, 1, 0], DecodeError::UnknownType(4)),
            (
                "unknown sync type",
                &[0, 3, 1, 0],
                DecodeError::UnknownInnerType { outer: 0, inner: 3 },
            ),
            ("unknown auth type", &[2, 1], DecodeError::UnknownInnerType { outer: 2, inner: 1 }),
            ("type alone", &[0], end.clone()),
            ("cut off", &[0, 2, 5, 0], end.clone()),
            ("garbage behind a message", &[3, 9], DecodeError::UnknownType(9)),
            ("half a message behind a message", &[1, 1, 0, 0, 2], end),
            (
                "reason is no UTF-8",
                &[2, 0, 1, 0xff],
                DecodeError::Malformed(ReadError::InvalidUtf8),
            ),
        ];
        for (label, payload, expected) in rows {
            assert_eq!(decode(payload), Err(expected), "{label}");
        }
    }

    #[test]
    fn bounds_the_number_of_messages_in_a_payload() {
        assert_eq!(decode(&[3; MAX_MESSAGES]).map(|messages| messages.len()), Ok(MAX_MESSAGES));
        assert_eq!(decode(&[3; MAX_MESSAGES + 1]), Err(DecodeError::TooManyMessages));
    }

    #[test]
    fn bodies_are_slices_of_the_payload() {
        let payload = Bytes::from(vec![0, 2, 2, 0, 0]);
        let messages = decode_all(&payload).unwrap();
        let Message::Update(update) = &messages[0] else { panic!("{messages:?}") };
        assert_eq!(update.as_ptr(), payload[3..].as_ptr());
    }

    fn any_message() -> impl Strategy<Value = Message> {
        // Bodies as they are on the wire: a state vector, update or awareness update has a byte at least.
        let body = || prop::collection::vec(any::<u8>(), 2..300).prop_map(Bytes::from);
        prop_oneof![
            body().prop_map(Message::SyncStep1),
            body().prop_map(Message::SyncStep2),
            body().prop_map(Message::Update),
            body().prop_map(Message::Awareness),
            any::<String>().prop_map(Message::PermissionDenied),
            Just(Message::QueryAwareness),
        ]
    }

    proptest! {
        #[test]
        fn messages_survive_a_round_trip(message in any_message()) {
            let encoded = message.encode();
            prop_assert!(encoded.len() <= message.max_encoded_len());
            prop_assert_eq!(decode(&encoded), Ok(vec![message.clone()]));
        }

        #[test]
        fn doubled_messages_are_read_as_single_ones(message in any_message()) {
            let mut encoded = message.encode();
            encoded.insert(0, encoded[0]);
            prop_assert_eq!(decode(&encoded), Ok(vec![message]));
        }

        #[test]
        fn decoding_never_panics(payload: Vec<u8>, start in prop::collection::vec(0_u8..5, 0..6)) {
            let _ = decode(&payload);
            let _ = decode(&[start, payload].concat());
        }
    }
}
