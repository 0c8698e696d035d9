//! The frame around every payload: `[u16 little-endian length][metadata as JSON][payload]`.

use std::fmt;

use bytes::Bytes;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::y_message::Message;

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
    #[serde(default, deserialize_with = "lenient_string", skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The sender: usually the id of its socket, which changes when it reconnects.
    #[serde(default, deserialize_with = "lenient_string", skip_serializing_if = "Option::is_none")]
    pub sender_id: Option<String>,
    /// The offset of the state that a server hydrates with. Numbers are read as their decimal text.
    #[serde(default, deserialize_with = "lenient_string", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Milliseconds since the epoch, by the sender's clock. Decimal text is read as the number.
    #[serde(
        default,
        deserialize_with = "lenient_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub timestamp: Option<i64>,
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

/// Writes an envelope around a y message, without a buffer in between.
pub fn encode_message(metadata: &Metadata, message: &Message) -> Result<Vec<u8>, EncodeError> {
    let mut out = begin(metadata, message.max_encoded_len())?;
    message.encode_into(&mut out);
    Ok(out)
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
fn begin(metadata: &Metadata, payload_len: usize) -> Result<Vec<u8>, EncodeError> {
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

fn lenient_string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::String(text) => Some(text),
        Scalar::Integer(number) => Some(number.to_string()),
        Scalar::Other => None,
    })
}

fn lenient_integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(match deserializer.deserialize_any(ScalarVisitor)? {
        Scalar::String(text) => text.parse().ok(),
        Scalar::Integer(number) => Some(number),
        Scalar::Other => None,
    })
}

enum Scalar {
    String(String),
    Integer(i64),
    Other,
}

/// Reads a value of any type, and keeps what an optional field can be made of.
struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::String(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(number).map_or(Scalar::Other, Scalar::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        // A cast saturates, so that an absurd number is only an absurd time.
        Ok(Scalar::Integer(number as i64))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}
