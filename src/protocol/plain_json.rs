//! JSON as encoders write it all day: ASCII, without white space and escapes, whole numbers. Read in one pass, and borrowed
//! from its text.
//!
//! Reading the JSON of a small message in the general way takes longer than everything else that is done with it. What is
//! not plain, valid or not, is `serde_json`'s: whoever reads here must read the same there.

use std::ops::Range;

/// Deeper than that nothing in a message of this protocol is nested.
const MAX_DEPTH: u8 = 4;

/// Digits that always fit an `i64`.
const MAX_DIGITS: usize = 18;

/// Reads plain JSON from the front of a text. `None` says that it is not plain; then the reader is of no use any more.
#[derive(Debug)]
pub(crate) struct PlainJson<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> PlainJson<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The text is read to its end.
    pub(crate) fn end(&self) -> Option<()> {
        (self.at == self.text.len()).then_some(())
    }

    /// An array; `element` reads one of its elements.
    pub(crate) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.sequence(b'[', b']', &mut element)
    }

    /// An object; `value` reads the value of the key that it is given. A key may come more than once.
    pub(crate) fn object(
        &mut self,
        mut value: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.sequence(b'{', b'}', &mut |json| {
            let key = json.string()?;
            json.byte(b':')?;
            value(json, key)
        })
    }

    pub(crate) fn string(&mut self) -> Option<&'a str> {
        self.byte(b'"')?;
        let start = self.at;
        let rest = self.text.as_bytes().get(start..)?;
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        self.at += rest.iter().position(|&byte| !is_plain(byte))?;
        let string = self.text.get(start..self.at)?;
        self.byte(b'"')?;
        Some(string)
    }

    pub(crate) fn integer(&mut self) -> Option<i64> {
        let is_negative = self.byte(b'-').is_some();
        let digits = self.text.as_bytes().get(self.at..)?;
        let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = &digits[..len];
        // Zero is written as one digit and without a sign: a negative one is no integer.
        let has_leading_zero = digits.first() == Some(&b'0') && (len > 1 || is_negative);
        if len == 0 || len > MAX_DIGITS || has_leading_zero {
            return None;
        }
        self.at += len;
        let number = digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
        Some(if is_negative { -number } else { number })
    }

    /// Where the next value stands, whatever it is.
    pub(crate) fn value(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.skip_value(MAX_DEPTH)?;
        Some(start..self.at)
    }

    /// Whether the next value is a string, if there is one.
    pub(crate) fn is_string(&self) -> bool {
        self.peek() == Some(b'"')
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_value(&mut self, depth: u8) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.integer().map(drop),
            b'[' => {
                let depth = depth.checked_sub(1)?;
                self.array(|json| json.skip_value(depth))
            }
            b'{' => {
                let depth = depth.checked_sub(1)?;
                self.object(|json, _| json.skip_value(depth))
            }
            _ => ["true", "false", "null"].into_iter().find_map(|word| self.word(word)),
        }
    }

    fn sequence(
        &mut self,
        open: u8,
        close: u8,
        item: &mut impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.byte(open)?;
        if self.byte(close).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.byte(close).is_some() {
                return Some(());
            }
            self.byte(b',')?;
        }
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn only_what_is_plain_is_read() {
        let rows = [
            ("string", r#""a b~""#, true),
            ("escape", r#""\n""#, false),
            ("not ASCII", r#""é""#, false),
            ("control character", "\"\u{1}\"", false),
            ("no end", r#""a"#, false),
            ("zero", "0", true),
            ("negative", "-12", true),
            ("negative zero", "-0", false),
            ("leading zero", "01", false),
            ("no digits", "-", false),
            ("largest", "999999999999999999", true),
            ("one digit more", "1000000000000000000", false),
            ("fraction", "1.5", false),
            ("exponent", "1e3", false),
            ("words", "[true,false,null]", true),
            ("half a word", "tru", false),
            ("empty", "[{},[]]", true),
            ("comma at the end", "[1,]", false),
            ("white space", "[1, 2]", false),
            ("nested as deep as may be", r#"[[[{"a":1}]]]"#, true),
            ("nested deeper", "[[[[[]]]]]", false),
            ("nothing", "", false),
        ];
        for (label, text, is_plain) in rows {
            let mut json = PlainJson::new(text);
            let value = json.value().and_then(|value| json.end().map(|()| value));
            assert_eq!(value.map(|value| &text[value]), is_plain.then_some(text), "{label}");
        }
    }

    #[test]
    fn keys_come_in_their_order_with_what_follows_them() {
        let mut json = PlainJson::new(r#"{"a":"x","b":-7,"a":"y"}"#);
        let mut read = Vec::new();
        let object = json.object(|json, key| {
            let value = if json.is_string() {
                json.string()?.to_owned()
            } else {
                json.integer()?.to_string()
            };
            read.push((key, value));
            Some(())
        });
        assert_eq!(object.and_then(|()| json.end()), Some(()));
        assert_eq!(read, [("a", "x".into()), ("b", "-7".into()), ("a", "y".into())]);
    }

    proptest! {
        #[test]
        fn what_is_read_as_plain_is_json(
            text in r#"(\[|\{|"[a-z]"|:|,|[0-9-]{1,2}|true|nul?l|\]|\}){1,8}"#,
        ) {
            let mut json = PlainJson::new(&text);
            if json.value().and_then(|_| json.end()).is_some() {
                prop_assert!(serde_json::from_str::<Value>(&text).is_ok());
            }
        }

        #[test]
        fn integers_are_read_as_the_general_parser_reads_them(number: i64) {
            let text = number.to_string();
            if let Some(read) = PlainJson::new(&text).integer() {
                prop_assert_eq!(read, number);
            } else {
                prop_assert!(text.len() > MAX_DIGITS);
            }
        }
    }
}
