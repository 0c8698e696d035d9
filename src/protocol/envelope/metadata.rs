//! Where a payload belongs.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::DecodeError;
use crate::protocol::lenient;
use crate::protocol::plain_json::PlainJson;

/// Where a payload belongs. Written in the order of the fields, which is the TypeScript provider's.
///
/// Keys that aren't listed are ignored when read, and so are optional fields of a wrong type: a message is not lost
/// over something nobody needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata<'a> {
    /// The room.
    pub room_id: Cow<'a, str>,
    /// The document in the room.
    pub doc_id: Cow<'a, str>,
    /// The document that this one is nested in.
    #[serde(
        default,
        deserialize_with = "lenient::string",
        skip_serializing_if = "Option::is_none"
    )]
    pub parent_id: Option<Cow<'a, str>>,
    /// The sender: usually the id of its socket, which changes when it reconnects.
    #[serde(
        default,
        deserialize_with = "lenient::string",
        skip_serializing_if = "Option::is_none"
    )]
    pub sender_id: Option<Cow<'a, str>>,
    /// The offset of the state that a server hydrates with. Numbers are read as their decimal text.
    #[serde(
        default,
        deserialize_with = "lenient::string",
        skip_serializing_if = "Option::is_none"
    )]
    pub version: Option<Cow<'a, str>>,
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

impl<'a> Metadata<'a> {
    /// The same, for longer than the message lives.
    pub fn into_owned(self) -> Metadata<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Metadata {
            room_id: owned(self.room_id),
            doc_id: owned(self.doc_id),
            parent_id: self.parent_id.map(owned),
            sender_id: self.sender_id.map(owned),
            version: self.version.map(owned),
            timestamp: self.timestamp,
            in_reply_to: self.in_reply_to,
        }
    }

    pub(super) fn parse(json: &'a [u8]) -> Result<Self, DecodeError> {
        let invalid = |error: &dyn ToString| DecodeError::InvalidMetadata(error.to_string());
        let json = str::from_utf8(json).map_err(|error| invalid(&error))?;
        match Self::parse_plain(json) {
            Some(metadata) => Ok(metadata),
            None => serde_json::from_str(json).map_err(|error| invalid(&error)),
        }
    }

    /// What nearly every message has, without a copy: plain, and the keys in the order in which they are written. `None` for
    /// what needs more care, and for what is wrong.
    fn parse_plain(json: &'a str) -> Option<Self> {
        let mut json = PlainJson::new(json);
        json.expect(r#"{"roomId":"#)?;
        let room_id = json.string()?.into();
        json.expect(r#","docId":"#)?;
        let doc_id = json.string()?.into();
        let mut metadata = Self { room_id, doc_id, ..Self::default() };
        if json.skip(r#","parentId":"#) {
            metadata.parent_id = Some(json.string()?.into());
        }
        if json.skip(r#","senderId":"#) {
            metadata.sender_id = Some(json.string()?.into());
        }
        if json.skip(r#","version":"#) {
            metadata.version = Some(json.string()?.into());
        }
        if json.skip(r#","timestamp":"#) {
            metadata.timestamp = Some(json.integer()?);
        }
        json.expect("}")?;
        json.end()?;
        Some(metadata)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(json: &str) -> Metadata<'_> {
        Metadata::parse(json.as_bytes()).expect(json)
    }

    #[test]
    fn the_usual_metadata_is_read_without_a_copy() {
        let json = r#"{"roomId":"r","docId":"d","senderId":"s","timestamp":1700000000000}"#;
        let metadata = Metadata::parse_plain(json).unwrap();
        assert!(matches!(metadata.sender_id, Some(Cow::Borrowed("s"))));
        assert_eq!(metadata, serde_json::from_str(json).unwrap());
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
            let json = format!(r#"{{"roomId":"r","docId":"d"{fields}}}"#);
            let metadata = parse(&json);
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
            let json = format!(r#"{{"roomId":"r","docId":"d","inReplyTo":{json}}}"#);
            assert_eq!(parse(&json).in_reply_to, expected, "{json}");
        }
    }

    /// Nearly what is written, and sometimes exactly that.
    fn any_json() -> impl Strategy<Value = String> {
        const TEXT: &str = r#"("[a-zé\\]{0,3}"|"[a-z]{0,9}"|"[a-z]{0,9}"|7|null)"#;
        const NUMBER: &str = r#"(-?[0-9]{1,3}|-?[0-9]{13}|-?[0-9]{17,20}|-?[0-9]\.5|"7"|tru)"#;
        let optional = |key: &str, value: &str| format!(r#"(,"{key}":{value}){{0,2}}"#);
        let json = [
            format!(r#"\{{"roomId":{TEXT},"docId": ?{TEXT}"#),
            optional("parentId", TEXT),
            optional("senderId", TEXT),
            optional("version", TEXT),
            optional("timestamp", NUMBER),
            optional("(extra|docId|inReplyTo)", TEXT),
            r"\}?".to_owned(),
        ];
        prop::string::string_regex(&json.concat()).unwrap()
    }

    proptest! {
        #[test]
        fn both_ways_to_read_metadata_agree(json in any_json()) {
            if let Some(plain) = Metadata::parse_plain(&json) {
                prop_assert_eq!(Some(plain), serde_json::from_str(&json).ok());
            }
        }
    }
}
