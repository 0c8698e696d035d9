//! The frame around every payload: `[u16 little-endian length][metadata as JSON][payload]`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::lenient;

/// Metadata of more bytes doesn't fit its length field.
pub const MAX_METADATA_LEN: usize = u16::MAX as usize;

const LENGTH_FIELD: usize = 2;

/// Where a payload belongs. Written in the order of the fields, which is the TypeScript provider's.
///
/// Keys that aren't listed are ignored when read, and so are optional fields of a wrong type: a message is not lost
/// over something nobody needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The room.
    pub room_id: String,
    /// The document in the room.
    pub doc_id: String,
    /// The document that this one is nested in.
    #[serde(
        default,
        deserialize_with = "lenient::string",
        skip_serializing_if = "Option::is_none"
    )]
    pub parent_id: Option<String>,
    /// The sender: usually the id of its socket, which changes when it reconnects.
    #[serde(
        default,
        deserialize_with = "lenient::string",
        skip_serializing_if = "Option::is_none"
    )]
    pub sender_id: Option<String>,
    /// The offset of the state that a server hydrates with. Numbers are read as their decimal text.
    #[serde(
        default,
        deserialize_with = "lenient::string",
        skip_serializing_if = "Option::is_none"
    )]
    pub version: Option<String>,
    /// Milliseconds since the epoch, by the sender's clock. Decimal text is read as the number.
    #[serde(
        default,
        deserialize_with = "lenient::nearest",
        skip_serializing_if = "Option::is_none"
    )]
    pub timestamp: Option<i64>,
    /// Senders of the step 1 messages that this step 2 answers. Where everybody gets every answer, it tells which one is
    /// for whom. Servers hand it on unread.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    pub in_reply_to: Vec<String>,
}

/// A payload and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where it belongs.
    pub metadata: Metadata,
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
pub fn encode(metadata: &Metadata, payload: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let mut out = begin(metadata, payload.len())?;
    out.extend_from_slice(payload);
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
        room_id: room_id.to_owned(),
        doc_id: doc_id.to_owned(),
        parent_id: parent_id.map(str::to_owned),
        sender_id: Some("x".repeat(LONGEST_SENDER_ID)),
        timestamp: Some(i64::MAX),
        ..Metadata::default()
    };
    begin(&metadata, 0).map(drop)
}

/// Reads an envelope. The payload is a slice of `bytes`.
pub fn decode(mut bytes: Bytes) -> Result<Envelope, DecodeError> {
    let incomplete = |needed| DecodeError::Incomplete { len: bytes.len(), needed };
    let length = bytes.first_chunk::<LENGTH_FIELD>().ok_or_else(|| incomplete(LENGTH_FIELD))?;
    let end = LENGTH_FIELD + usize::from(u16::from_le_bytes(*length));
    let json = bytes.get(LENGTH_FIELD..end).ok_or_else(|| incomplete(end))?;
    let metadata = serde_json::from_slice(json)
        .map_err(|error| DecodeError::InvalidMetadata(error.to_string()))?;
    Ok(Envelope { metadata, payload: bytes.split_off(end) })
}

/// A buffer with everything before the payload, and room for it.
pub(super) fn begin(metadata: &impl Serialize, payload_len: usize) -> Result<Vec<u8>, EncodeError> {
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

    fn envelope_of(json: &str, payload: &[u8]) -> Bytes {
        let length = u16::try_from(json.len()).unwrap().to_le_bytes();
        [&length, json.as_bytes(), payload].concat().into()
    }

    fn metadata_of(json: &str) -> Metadata {
        decode(envelope_of(json, &[])).expect(json).metadata
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
        let payload = decode(frame.clone()).unwrap().payload;
        assert_eq!(payload.as_ref(), [1, 2, 3]);
        assert_eq!(payload.as_ptr() as usize, start);
    }

    #[test]
    fn optional_fields_of_a_wrong_type_are_read_as_absent_or_converted() {
        let rows: [(&str, &str, Option<&str>, Option<i64>); 11] = [
            ("absent", "", None, None),
            ("null", r#","version":null,"timestamp":null"#, None, None),
            ("right types", r#","version":"1","timestamp":2"#, Some("1"), Some(2)),
            ("swapped types", r#","version":1,"timestamp":"2""#, Some("1"), Some(2)),
            ("negative", r#","version":-1,"timestamp":-2"#, Some("-1"), Some(-2)),
            ("fractions", r#","version":"1.5","timestamp":2.5"#, Some("1.5"), Some(2)),
            ("booleans", r#","version":true,"timestamp":false"#, None, None),
            ("objects", r#","version":{"a":[1]},"timestamp":{}"#, None, None),
            ("arrays", r#","version":[1,[2]],"timestamp":[]"#, None, None),
            ("date as text", r#","timestamp":"2024-01-01T00:00:00Z""#, None, None),
            ("unknown keys", r#","version":"1","extra":{"deep":[{}]}"#, Some("1"), None),
        ];
        for (label, fields, version, timestamp) in rows {
            let metadata = metadata_of(&format!(r#"{{"roomId":"r","docId":"d"{fields}}}"#));
            assert_eq!(metadata.version.as_deref(), version, "{label}");
            assert_eq!(metadata.timestamp, timestamp, "{label}");
        }
    }

    #[test]
    fn a_list_of_a_wrong_type_is_read_as_empty() {
        for (json, expected) in [
            (r#"["a","b"]"#, &["a", "b"][..]),
            ("null", &[]),
            (r#""a""#, &[]),
            (r#"["a",1]"#, &[]),
            (r#"{"a":[]}"#, &[]),
        ] {
            let metadata =
                metadata_of(&format!(r#"{{"roomId":"r","docId":"d","inReplyTo":{json}}}"#));
            assert_eq!(metadata.in_reply_to, expected, "{json}");
        }
    }

    #[test]
    fn tells_incomplete_frames_from_invalid_ones() {
        let incomplete = |len, needed| Err(DecodeError::Incomplete { len, needed });
        assert_eq!(decode(Bytes::new()), incomplete(0, 2));
        assert_eq!(decode(Bytes::from_static(&[5])), incomplete(1, 2));
        assert_eq!(decode(Bytes::from_static(&[0xff, 0xff, b'{'])), incomplete(3, 65_537));
        let invalid = [
            ("no metadata", ""),
            ("no object", "[]"),
            ("cut off", r#"{"roomId":"r","docId":"d""#),
            ("no docId", r#"{"roomId":"r"}"#),
            ("docId is no string", r#"{"roomId":"r","docId":1}"#),
        ];
        for (label, json) in invalid {
            assert!(
                matches!(decode(envelope_of(json, &[1])), Err(DecodeError::InvalidMetadata(_))),
                "{label}"
            );
        }
        let not_utf8 = Bytes::from_static(&[1, 0, 0xff]);
        assert!(matches!(decode(not_utf8), Err(DecodeError::InvalidMetadata(_))));
    }

    #[test]
    fn metadata_that_does_not_fit_the_length_field_is_an_error() {
        let with_room_of =
            |len| Metadata { room_id: "x".repeat(len), doc_id: "d".into(), ..Metadata::default() };
        let overhead = r#"{"roomId":"","docId":"d"}"#.len();
        let largest = encode(&with_room_of(MAX_METADATA_LEN - overhead), &[9]).unwrap();
        assert_eq!(decode(largest.into()).unwrap().payload.as_ref(), [9]);
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
            let [parent_id, sender_id, version] = optional;
            let metadata = Metadata {
                room_id, doc_id, parent_id, sender_id, version, timestamp, in_reply_to,
            };
            let bytes = encode(&metadata, &payload).unwrap();
            prop_assert_eq!(decode(bytes.into()), Ok(Envelope { metadata, payload: payload.into() }));
        }

        #[test]
        fn decoding_never_panics(bytes: Vec<u8>, json in r#"[\[\]{}":,a-zA-Z0-9]{0,40}"#) {
            let _ = decode(bytes.clone().into());
            let _ = decode(envelope_of(&json, &bytes));
        }
    }
}
