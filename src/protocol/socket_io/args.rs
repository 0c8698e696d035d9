//! The arguments of a packet, as its header has them.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::arg::{FIRST_PLACEHOLDER, find_placeholders};
use super::{Arg, Attachments, DecodeError};
use crate::protocol::plain_json::PlainJson;

/// Where a value stands in the text of a header.
type Span = Range<usize>;

/// The arguments of an event or ack. They are kept as the text that came, and read when somebody asks for them: nearly all
/// are asked for once, and by their index.
#[derive(Debug, Clone, Default)]
pub struct Args {
    text: String,
    spans: SmallVec<[Span; 4]>,
    pub(super) attachments: Attachments,
}

impl Args {
    /// Reads the array of a header that announces so many attachments. They are to be filled in.
    pub(super) fn parse(json: &str, attachments: usize) -> Result<Self, DecodeError> {
        let (text, spans) = match plain_elements(json) {
            Some(spans) => (json.to_owned(), spans),
            None => elements(json)?,
        };
        let args = Self { text, spans, attachments: Attachments::with_capacity(attachments) };
        // Not to be found out when somebody asks for it: the official parser fails at once.
        args.texts().try_for_each(|json| find_placeholders(json, attachments).map(drop))?;
        Ok(args)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// An argument.
    pub fn get(&self, index: usize) -> Option<Arg> {
        self.text(index).map(|json| Arg::from_text(json, &self.attachments))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Arg> {
        self.texts().map(|json| Arg::from_text(json, &self.attachments))
    }

    /// The JSON text of an argument; that of its placeholder if it is an attachment.
    pub fn text(&self, index: usize) -> Option<&str> {
        self.spans.get(index).map(|span| self.slice(span))
    }

    /// An argument that is binary: an attachment, or the JSON form of a Node `Buffer`.
    pub fn bytes(&self, index: usize) -> Option<Cow<'_, Bytes>> {
        let json = self.text(index)?;
        match find_placeholders(json, self.attachments.len()) {
            Ok(Some(num)) => self.attachments.get(num).map(Cow::Borrowed),
            _ => Arg::from_text(json, &[]).to_bytes().map(Cow::Owned),
        }
    }

    /// A field of the object that is argument `index`: its attachment if it is a placeholder, else its JSON.
    pub fn field(&self, index: usize, name: &str) -> Option<Arg> {
        self.get(index)?.field(name, &self.attachments)
    }

    /// All attachments, for placeholders inside of JSON arguments.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// Bytes of the text and the attachments.
    pub fn size(&self) -> usize {
        self.attachments.iter().map(Bytes::len).sum::<usize>() + self.text.len()
    }

    /// Takes the first one away. It is still in the text: [`Self::slice`].
    pub(super) fn take_first(&mut self) -> Option<Span> {
        (!self.spans.is_empty()).then(|| self.spans.remove(0))
    }

    pub(super) fn slice(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.spans.iter().map(|span| self.slice(span))
    }
}

impl PartialEq for Args {
    fn eq(&self, other: &Self) -> bool {
        self.texts().eq(other.texts()) && self.attachments == other.attachments
    }
}

/// Where the elements of a plain array stand in it.
fn plain_elements(json: &str) -> Option<SmallVec<[Span; 4]>> {
    let mut spans = SmallVec::new();
    let mut plain = PlainJson::new(json);
    plain.array(|json| {
        let start = json.position();
        // Longer than all that has to be looked at byte by byte.
        let is_placeholder = json.skip(FIRST_PLACEHOLDER);
        spans.push(if is_placeholder { start..json.position() } else { json.value()? });
        Some(())
    })?;
    plain.end()?;
    Some(spans)
}

/// The elements of any array, one behind the other, and where they stand. No text at all is an array without any.
fn elements(json: &str) -> Result<(String, SmallVec<[Span; 4]>), DecodeError> {
    let values: Vec<&RawValue> = match json {
        "" => Vec::new(),
        json => serde_json::from_str(json).map_err(|_| DecodeError::InvalidPayload)?,
    };
    let mut text = String::with_capacity(json.len());
    let spans = values.into_iter().map(|value| {
        let start = text.len();
        text.push_str(value.get());
        start..text.len()
    });
    let spans = spans.collect();
    Ok((text, spans))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts_of((text, spans): (String, SmallVec<[Span; 4]>)) -> Vec<String> {
        spans.into_iter().map(|span| text[span].to_owned()).collect()
    }

    #[test]
    fn the_usual_header_is_read_without_the_general_parser() {
        let usual = r#"["sync",{"_placeholder":true,"num":0},"12",{"topic":"t","partition":0}]"#;
        assert_eq!(plain_elements(usual).map(|spans| spans.len()), Some(4));
        assert_eq!(plain_elements("[]").map(|spans| spans.len()), Some(0));
        for other in ["", "[", r#"["a"]x"#, r#"["a" ]"#, r#"["\n"]"#, "[1.5]", r#"["é"]"#] {
            assert_eq!(plain_elements(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn both_ways_to_read_an_array_agree(
            json in r#"\[((-?[0-9.]{1,3}|"[a-z\\]{0,2}"|true|nul?l|\{"a":[0-9\[\]]{1,3}\}),?){0,4}\]?"#,
        ) {
            if let Some(spans) = plain_elements(&json) {
                let plain = texts_of((json.clone(), spans));
                prop_assert_eq!(Ok(plain), elements(&json).map(texts_of));
            }
        }
    }
}
