//! Reads fields that nobody needs enough to lose a message over them: what has a wrong type is converted or absent.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

pub(super) fn string<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'static, str>>, D::Error> {
    deserializer.deserialize_any(ScalarVisitor {
        text: |text| Some(text.to_owned().into()),
        integer: |number| Some(number.to_string().into()),
        float: |number| Some((number as i64).to_string().into()),
    })
}

/// An integer, also as decimal text; of any other number, what is nearest.
pub(super) fn nearest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_any(ScalarVisitor {
        text: |text| text.parse().ok(),
        integer: Some,
        // A cast saturates, so that an absurd number is only an absurd time.
        float: |number| Some(number as i64),
    })
}

/// An integer, also as decimal text, as int64 must be in JSON. No other number: there is no offset near an absurd one.
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_any(ScalarVisitor {
        text: |text| text.parse().ok(),
        integer: Some,
        float: |_| None,
    })
}

pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum List {
        Strings(Vec<String>),
        Other(IgnoredAny),
    }
    Ok(match List::deserialize(deserializer)? {
        List::Strings(strings) => strings,
        List::Other(_) => Vec::new(),
    })
}

/// Reads a value of any type, and keeps what an optional field can be made of. By hand, because an untagged enum makes an
/// error for every variant that does not fit, and these are read with every message.
struct ScalarVisitor<T> {
    text: fn(&str) -> Option<T>,
    integer: fn(i64) -> Option<T>,
    float: fn(f64) -> Option<T>,
}

impl<'de, T> Visitor<'de> for ScalarVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok((self.text)(text))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok((self.integer)(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).ok().and_then(self.integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok((self.float)(number))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
