//! The frame around every payload: `[u16 little-endian length][metadata as JSON][payload]`.

mod metadata;

use bytes::Bytes;

use super::y_message::Message;

pub use metadata::Metadata;

/// Metadata of more bytes doesn't fit its length field.
pub const MAX_METADATA_LEN: usize = u16::MAX as usize;

const LENGTH_FIELD: usize = 2;

/// A payload and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Where it belongs.
    pub metadata: Metadata<'a>,
    /// A y message, unless the envelope came on the control channel.
    pub payload: Bytes,
}

/// Why an envelope can't be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The metadata has more than [`MAX_METADATA_LEN`] bytes. The length field must not wrap: the record would be
    /// corrupt for everyone, forever.
    #[error("metadata of {0} bytes, at most {MAX_METADATA_LEN} fit an envelope")]
    MetadataTooLarge(usize),
    /// The metadata has no JSON form.
    #[error("metadata can't be written as JSON: {0}")]
    InvalidMetadata(String),
}

/// Why bytes are no envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the metadata does.
    #[error("incomplete envelope: {len} bytes, {needed} needed")]
    Incomplete {
        /// Number of bytes there are.
        len: usize,
        /// Number of bytes there must be at least.
        needed: usize,
    },
    /// The metadata is no JSON object with `roomId` and `docId`.
    #[error("invalid metadata: {0}")]
    InvalidMetadata(String),
}

/// Writes an envelope around a payload of any kind.
pub fn encode(metadata: &Metadata<'_>, payload: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let mut out = begin(metadata, payload.len())?;
    out.extend_from_slice(payload);
    Ok(out)
}

/// Writes an envelope around a y message, without a buffer in between.
pub fn encode_message(metadata: &Metadata<'_>, message: &Message) -> Result<Vec<u8>, EncodeError> {
    let mut out = begin(metadata, message.max_encoded_len())?;
    message.encode_into(&mut out);
    Ok(out)
}

/// Whether every message of this document fits an envelope, whoever sends it.
pub fn check_ids(room_id: &str, doc_id: &str, parent_id: Option<&str>) -> Result<(), EncodeError> {
    const LONGEST_SENDER_ID: usize = 64;
    /// JSON makes at most six bytes of one; the rest is for what every envelope has.
    const SURELY_FITS: usize = MAX_METADATA_LEN / 6 - 256;
    if room_id.len() + doc_id.len() + parent_id.map_or(0, str::len) <= SURELY_FITS {
        return Ok(());
    }
    let metadata = Metadata {
        room_id: room_id.into(),
        doc_id: doc_id.into(),
        parent_id: parent_id.map(Into::into),
        sender_id: Some("x".repeat(LONGEST_SENDER_ID).into()),
        timestamp: Some(i64::MAX),
        ..Metadata::default()
    };
    begin(&metadata, 0).map(drop)
}

/// Reads an envelope. The payload is a slice of `bytes`, and so is the text in the metadata unless it has escapes.
pub fn decode(bytes: &Bytes) -> Result<Envelope<'_>, DecodeError> {
    let incomplete = |needed| DecodeError::Incomplete { len: bytes.len(), needed };
    let length = bytes.first_chunk::<LENGTH_FIELD>().ok_or_else(|| incomplete(LENGTH_FIELD))?;
    let end = LENGTH_FIELD + usize::from(u16::from_le_bytes(*length));
    let json = bytes.get(LENGTH_FIELD..end).ok_or_else(|| incomplete(end))?;
    Ok(Envelope { metadata: Metadata::parse(json)?, payload: bytes.slice(end..) })
}

/// A buffer with everything before the payload, and room for it.
fn begin(metadata: &Metadata<'_>, payload_len: usize) -> Result<Vec<u8>, EncodeError> {
    const USUAL_METADATA_LEN: usize = 192;
    let mut out = Vec::with_capacity(LENGTH_FIELD + USUAL_METADATA_LEN + payload_len);
    out.extend_from_slice(&[0; LENGTH_FIELD]);
    serde_json::to_writer(&mut out, metadata)
        .map_err(|error| EncodeError::InvalidMetadata(error.to_string()))?;
    let len = out.len() - LENGTH_FIELD;
    let length = u16::try_from(len).map_err(|_| EncodeError::MetadataTooLarge(len))?;
    out[..LENGTH_FIELD].copy_from_slice(&length.to_le_bytes());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_is_written_as_its_metadata_and_its_encoding_would_be() {
        let message = Message::Update(Bytes::from(vec![7; 300]));
        let mut metadata =
            Metadata { room_id: "r\"".into(), doc_id: "d".into(), ..Metadata::default() };
        for _ in 0..2 {
            let written = encode_message(&metadata, &message);
            assert_eq!(written, encode(&metadata, &message.encode()));
            metadata.parent_id = Some("p".into());
            metadata.sender_id = Some("s".into());
            metadata.in_reply_to = vec!["a".into(), "b".into()];
        }
    }

    fn envelope_of(json: &str, payload: &[u8]) -> Bytes {
        let length = u16::try_from(json.len()).unwrap().to_le_bytes();
        [&length, json.as_bytes(), payload].concat().into()
    }

    #[test]
    fn writes_the_keys_in_their_order_and_leaves_out_what_is_absent() {
        let metadata = Metadata { room_id: "r".into(), doc_id: "d".into(), ..Metadata::default() };
        assert_eq!(
            encode(&metadata, &[7]).unwrap(),
            envelope_of(r#"{"roomId":"r","docId":"d"}"#, &[7])
        );
        let metadata = Metadata {
            in_reply_to: vec!["a".into(), "b".into()],
            parent_id: Some("p".into()),
            sender_id: Some("s".into()),
            version: Some("42".into()),
            timestamp: Some(1_700_000_000_000),
            ..metadata
        };
        let json = concat!(
            r#"{"roomId":"r","docId":"d","parentId":"p","senderId":"s","#,
            r#""version":"42","timestamp":1700000000000,"inReplyTo":["a","b"]}"#
        );
        assert_eq!(encode(&metadata, &[]).unwrap(), envelope_of(json, &[]));
    }

    #[test]
    fn the_payload_is_a_slice_of_the_frame() {
        let frame = envelope_of(r#"{"roomId":"r","docId":"d"}"#, &[1, 2, 3]);
        let start = frame.as_ptr() as usize + frame.len() - 3;
        let payload = decode(&frame).unwrap().payload;
        assert_eq!(payload.as_ref(), [1, 2, 3]);
        assert_eq!(payload.as_ptr() as usize, start);
    }

    #[test]
    fn tells_incomplete_frames_from_invalid_ones() {
        let incomplete = |len, needed| Err(DecodeError::Incomplete { len, needed });
        assert_eq!(decode(&Bytes::new()), incomplete(0, 2));
        assert_eq!(decode(&Bytes::from_static(&[5])), incomplete(1, 2));
        assert_eq!(decode(&Bytes::from_static(&[0xff, 0xff, b'{'])), incomplete(3, 65_537));
        let invalid = [
            ("no metadata", ""),
            ("no object", "[]"),
            ("cut off", r#"{"roomId":"r","docId":"d""#),
            ("no docId", r#"{"roomId":"r"}"#),
            ("docId is no string", r#"{"roomId":"r","docId":1}"#),
        ];
        for (label, json) in invalid {
            assert!(
                matches!(decode(&envelope_of(json, &[1])), Err(DecodeError::InvalidMetadata(_))),
                "{label}"
            );
        }
        let not_utf8 = Bytes::from_static(&[1, 0, 0xff]);
        assert!(matches!(decode(&not_utf8), Err(DecodeError::InvalidMetadata(_))));
    }

    #[test]
    fn metadata_that_does_not_fit_the_length_field_is_an_error() {
        let with_room_of = |len| Metadata {
            room_id: "x".repeat(len).into(),
            doc_id: "d".into(),
            ..Metadata::default()
        };
        let overhead = r#"{"roomId":"","docId":"d"}"#.len();
        let largest = encode(&with_room_of(MAX_METADATA_LEN - overhead), &[9]).unwrap();
        assert_eq!(decode(&largest.into()).unwrap().payload.as_ref(), [9]);
        assert_eq!(
            encode(&with_room_of(MAX_METADATA_LEN - overhead + 1), &[9]),
            Err(EncodeError::MetadataTooLarge(MAX_METADATA_LEN + 1))
        );
    }

    #[test]
    fn ids_are_checked_with_room_for_a_sender() {
        let id = "x".repeat(MAX_METADATA_LEN - 200);
        assert_eq!(check_ids("room", &id, None), Ok(()));
        assert!(check_ids("room", &id, Some(&"p".repeat(200))).is_err());
        assert!(check_ids(&"ä".repeat(MAX_METADATA_LEN / 2), "doc", None).is_err(), "in bytes");
        assert!(check_ids("room", &"\"".repeat(MAX_METADATA_LEN / 2), None).is_err(), "as JSON");
    }

    proptest! {
        #[test]
        fn envelopes_survive_a_round_trip(
            room_id: String,
            doc_id: String,
            optional: [Option<String>; 3],
            timestamp: Option<i64>,
            in_reply_to: Vec<String>,
            payload: Vec<u8>,
        ) {
            let [parent_id, sender_id, version] = optional.map(|it| it.map(Into::into));
            let (room_id, doc_id) = (room_id.into(), doc_id.into());
            let metadata = Metadata {
                room_id, doc_id, parent_id, sender_id, version, timestamp, in_reply_to,
            };
            let bytes = Bytes::from(encode(&metadata, &payload).unwrap());
            prop_assert_eq!(decode(&bytes), Ok(Envelope { metadata, payload: payload.into() }));
        }

        #[test]
        fn decoding_never_panics(bytes: Vec<u8>, json in r#"[\[\]{}":,a-zA-Z0-9]{0,40}"#) {
            let _ = decode(&bytes.clone().into());
            let _ = decode(&envelope_of(&json, &bytes));
        }
    }
}
