//! Arguments of events and acks, and the placeholders that stand for attachments.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::DecodeError;

/// What every encoder writes for the first attachment, and what nearly every packet of this protocol has.
pub(super) const FIRST_PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;

/// One argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    /// An attachment.
    Binary(Bytes),
    /// Anything else. Attachments inside of it are reached with [`Args::field`](super::Args::field).
    Json(Json),
}

/// Valid JSON text, not parsed further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(Box<str>);

impl Arg {
    /// Any value as JSON; `None` if it can't be expressed in JSON.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Option<Self> {
        Json::new(value).map(Self::Json)
    }

    /// The attachment, or the JSON form of a Node `Buffer`: `{"type":"Buffer","data":[1,2]}`.
    pub fn to_bytes(&self) -> Option<Bytes> {
        match self {
            Self::Binary(bytes) => Some(bytes.clone()),
            Self::Json(json) => {
                let buffer: BufferJson = json.parse()?;
                (buffer.kind == "Buffer").then(|| buffer.data.into())
            }
        }
    }

    /// The JSON, if this is no attachment.
    pub const fn as_json(&self) -> Option<&Json> {
        match self {
            Self::Binary(_) => None,
            Self::Json(json) => Some(json),
        }
    }

    /// What JSON text of a packet stands for: an attachment if it is a placeholder.
    pub(super) fn from_text(json: &str, attachments: &[Bytes]) -> Self {
        let attachment = find_placeholders(json, attachments.len()).ok().flatten();
        match attachment.and_then(|num| attachments.get(num)) {
            Some(attachment) => Self::Binary(attachment.clone()),
            None => Self::Json(Json(json.into())),
        }
    }

    pub(super) fn field(&self, name: &str, attachments: &[Bytes]) -> Option<Self> {
        let fields: BTreeMap<String, &RawValue> = self.as_json()?.parse()?;
        let value = *fields.get(name)?;
        Some(Self::from_text(value.get(), attachments))
    }
}

impl Json {
    /// Any value as JSON; `None` if it can't be expressed in JSON.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Option<Self> {
        serde_json::to_string(value).ok().map(|text| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses the text as `T`; `None` if it is something else.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.as_str()).ok()
    }
}

impl From<&RawValue> for Json {
    fn from(value: &RawValue) -> Self {
        Self(value.get().into())
    }
}

#[derive(Deserialize)]
struct BufferJson {
    #[serde(rename = "type")]
    kind: String,
    data: Vec<u8>,
}

/// The attachment that `json` stands for, or `None` if it is a value of its own. Fails when it is, or has inside of it,
/// a placeholder for an attachment that doesn't exist.
pub(super) fn find_placeholders(
    json: &str,
    attachments: usize,
) -> Result<Option<usize>, DecodeError> {
    if attachments > 0 && json == FIRST_PLACEHOLDER {
        return Ok(Some(0));
    }
    let may_have_some = attachments > 0 && matches!(json.as_bytes().first(), Some(b'{' | b'['));
    // A key may be written with escapes, though no encoder does that.
    if !may_have_some || !(json.contains("_placeholder") || json.contains('\\')) {
        return Ok(None);
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    // JSON is known to be valid here: what fails is a bad number, or nesting beyond serde_json's limit of 128.
    match (PlaceholderSearch { attachments }).deserialize(&mut deserializer) {
        Ok(Found::Placeholder(num)) => Ok(Some(num)),
        Ok(_) => Ok(None),
        Err(_) => Err(DecodeError::IllegalAttachments),
    }
}

/// Walks a value of any shape.
#[derive(Clone, Copy)]
struct PlaceholderSearch {
    attachments: usize,
}

enum Found {
    Placeholder(usize),
    True,
    Integer(u64),
    Other,
}

impl<'de> DeserializeSeed<'de> for PlaceholderSearch {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PlaceholderSearch {
    type Value = Found;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON with valid placeholders")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut is_placeholder = false;
        let mut num = Found::Other;
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(self)?;
            match key.as_str() {
                "_placeholder" => is_placeholder = matches!(value, Found::True),
                "num" => num = value,
                _ => {}
            }
        }
        match num {
            _ if !is_placeholder => Ok(Found::Other),
            Found::Integer(num) if num < self.attachments as u64 => {
                Ok(Found::Placeholder(num as usize))
            }
            _ => Err(serde::de::Error::custom("illegal attachments")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Found, A::Error> {
        while seq.next_element_seed(self)?.is_some() {}
        Ok(Found::Other)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Found, E> {
        Ok(if value { Found::True } else { Found::Other })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Found, E> {
        Ok(Found::Integer(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found::Other)
    }
}
