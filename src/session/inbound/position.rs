//! Where in the log an event says it lies.

use std::borrow::Cow;

use serde::Deserialize;

use crate::protocol::lenient;
use crate::protocol::plain_json::PlainJson;

/// Where in the log an event says it lies. Whatever of it is missing or of a wrong type is empty, zero or `None`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LogPosition<'a> {
    pub(crate) topic: Cow<'a, str>,
    pub(crate) partition: i32,
    pub(crate) offset: Option<i64>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct PositionJson<'a> {
    #[serde(default, borrow)]
    topic: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "lenient::integer")]
    partition: Option<i64>,
    #[serde(default, deserialize_with = "lenient::integer")]
    offset: Option<i64>,
}

#[derive(Default, Deserialize)]
struct OffsetJson(#[serde(deserialize_with = "lenient::integer")] Option<i64>);

impl<'a> LogPosition<'a> {
    /// Reads `{topic?, partition?, offset?}`, which may have other fields.
    pub(crate) fn read(json: &'a str) -> Self {
        let read = PositionJson::read_plain(json).or_else(|| serde_json::from_str(json).ok());
        let PositionJson { topic, partition, offset } = read.unwrap_or_default();
        let partition = partition.and_then(|it| it.try_into().ok()).unwrap_or(0);
        Self { topic: topic.unwrap_or_default(), partition, offset }
    }
}

/// Reads an argument that should be an offset.
pub(crate) fn read_offset(json: &str) -> Option<i64> {
    let mut plain = PlainJson::new(json);
    match read_plain_integer(&mut plain).filter(|_| plain.end().is_some()) {
        Some(offset) => offset,
        None => serde_json::from_str(json).map_or(None, |OffsetJson(offset)| offset),
    }
}

impl<'a> PositionJson<'a> {
    /// What our gateway writes, without a copy.
    fn read_plain(json: &'a str) -> Option<Self> {
        let mut json = PlainJson::new(json);
        json.expect(r#"{"topic":"#)?;
        let topic = Some(Cow::Borrowed(json.string()?));
        json.expect(r#","partition":"#)?;
        let partition = read_plain_integer(&mut json)?;
        let offset = if json.skip(r#","offset":"#) { read_plain_integer(&mut json)? } else { None };
        json.expect("}")?;
        json.end()?;
        Some(Self { topic, partition, offset })
    }
}

/// A number or the text of one, as [`lenient::integer`] reads it.
#[allow(clippy::option_option, reason = "a plain text need not be a number")]
fn read_plain_integer(json: &mut PlainJson<'_>) -> Option<Option<i64>> {
    if json.is_string() { Some(json.string()?.parse().ok()) } else { json.integer().map(Some) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_usual_position_is_read_without_a_copy() {
        let read = PositionJson::read_plain(r#"{"topic":"t","partition":3,"offset":"12"}"#);
        let topic = Some(Cow::Borrowed("t"));
        assert_eq!(read, Some(PositionJson { topic, partition: Some(3), offset: Some(12) }));
        assert!(matches!(read.unwrap().topic, Some(Cow::Borrowed(_))));
    }

    #[test]
    fn what_is_no_position_is_an_empty_one() {
        for json in ["", "7", "[]", r#""text""#, r#"{"topic":1}"#, r#"{"partition":4294967296}"#] {
            assert_eq!(LogPosition::read(json), LogPosition::default(), "{json}");
        }
    }

    #[test]
    fn offsets_are_numbers_or_their_text() {
        let rows = [
            ("12", Some(12)),
            (r#""12""#, Some(12)),
            (r#""-12""#, Some(-12)),
            (r#""+12""#, Some(12)),
            (r#""9223372036854775807""#, Some(i64::MAX)),
            ("9223372036854775807", Some(i64::MAX)),
            (r#""9223372036854775808""#, None),
            (r#""\u0031""#, Some(1)),
            (r#""""#, None),
            ("1.5", None),
            ("{}", None),
            ("null", None),
        ];
        for (json, expected) in rows {
            assert_eq!(read_offset(json), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn both_ways_to_read_a_position_agree(
            json in r#"\{"topic":("[a-z]{0,9}"|7),"partition":("?[0-9]{1,3}"?|"a"|-1|null)(,"offset":"?-?[0-9]{1,20}"?){0,2}(,"a":\{\})?\}?"#,
        ) {
            if let Some(plain) = PositionJson::read_plain(&json) {
                prop_assert_eq!(Some(plain), serde_json::from_str(&json).ok());
            }
        }
    }
}
