//! JSON as encoders write it all day: ASCII, without white space and escapes, whole numbers. Read in one pass, and borrowed
//! from its text.
//!
//! Reading the JSON of a small message in the general way takes longer than everything else that is done with it. What is
//! not plain, valid or not, or not in the usual order, is `serde_json`'s: whoever reads here must read the same there.

use std::ops::Range;

/// Deeper than that nothing in a message of this protocol is nested.
const MAX_DEPTH: u8 = 4;

/// Digits that always fit an `i64`.
const MAX_DIGITS: usize = 18;

/// Reads plain JSON from the front of a text. `None` says that it is not plain; then the reader is of no use any more.
#[derive(Debug)]
pub(crate) struct PlainJson<'a> {
    rest: &'a str,
    len: usize,
}

impl<'a> PlainJson<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: text, len: text.len() }
    }

    /// Reads over a text, if it comes next.
    pub(crate) fn skip(&mut self, text: &str) -> bool {
        let after = self.rest.strip_prefix(text);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// A text that must come next.
    pub(crate) fn expect(&mut self, text: &str) -> Option<()> {
        self.skip(text).then_some(())
    }

    /// The text is read to its end.
    pub(crate) fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    pub(crate) fn string(&mut self) -> Option<&'a str> {
        self.expect("\"")?;
        let (string, rest) = self.rest.split_at_checked(plain_len(self.rest.as_bytes()))?;
        self.rest = rest;
        self.expect("\"")?;
        Some(string)
    }

    pub(crate) fn integer(&mut self) -> Option<i64> {
        let is_negative = self.skip("-");
        let has_leading_zero = self.rest.starts_with('0');
        let (mut number, mut len) = (0, 0);
        for digit in self.rest.bytes().take_while(u8::is_ascii_digit) {
            if len == MAX_DIGITS {
                return None;
            }
            number = number * 10 + i64::from(digit - b'0');
            len += 1;
        }
        self.rest = self.rest.get(len..)?;
        match len {
            0 => None,
            // Zero is written as one digit and without a sign: a negative one is no integer.
            _ if has_leading_zero && (len > 1 || is_negative) => None,
            _ => Some(if is_negative { -number } else { number }),
        }
    }

    /// An array; `element` reads one of its elements.
    pub(crate) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.sequence(["[", "]"], &mut element)
    }

    /// Where the next value stands, whatever it is.
    pub(crate) fn value(&mut self) -> Option<Range<usize>> {
        let start = self.position();
        self.skip_value(MAX_DEPTH)?;
        Some(start..self.position())
    }

    /// Where the reader is, in bytes.
    pub(crate) fn position(&self) -> usize {
        self.len - self.rest.len()
    }

    /// Whether the next value is a string, if there is one.
    pub(crate) fn is_string(&self) -> bool {
        self.rest.starts_with('"')
    }

    fn skip_value(&mut self, depth: u8) -> Option<()> {
        match self.rest.as_bytes().first()? {
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.integer().map(drop),
            b'[' => {
                let depth = depth.checked_sub(1)?;
                self.array(|json| json.skip_value(depth))
            }
            b'{' => {
                let depth = depth.checked_sub(1)?;
                self.sequence(["{", "}"], &mut |json| {
                    json.string()?;
                    json.expect(":")?;
                    json.skip_value(depth)
                })
            }
            _ => ["true", "false", "null"].into_iter().find_map(|word| self.expect(word)),
        }
    }

    fn sequence(
        &mut self,
        [open, close]: [&str; 2],
        item: &mut impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.expect(open)?;
        if self.skip(close) {
            return Some(());
        }
        loop {
            item(self)?;
            if self.skip(close) {
                return Some(());
            }
            self.expect(",")?;
        }
    }
}

/// How many bytes from the front may stand in a plain string.
///
/// Strings are most of what there is to read, so eight bytes are looked at as one number. Where a subtraction borrows, the
/// highest bit of a byte tells it; a borrow may reach the bytes behind, but only behind a byte that is not plain itself.
fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHEST: u64 = ONES << 7;

    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let is_below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
        let is_equal = |byte: u8| is_below(word ^ (ONES * u64::from(byte)), 1);
        let not_plain = (word | is_below(word, b' ') | is_equal(b'"') | is_equal(b'\\')) & HIGHEST;
        if not_plain != 0 {
            return index * 8 + not_plain.trailing_zeros() as usize / 8;
        }
    }
    let is_plain = |byte: &u8| matches!(byte, b' '..=0x7f) && !matches!(byte, b'"' | b'\\');
    words.len() * 8 + rest.iter().take_while(|byte| is_plain(byte)).count()
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
    fn every_byte_is_plain_or_not_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let is_plain = (0x20..0x80).contains(&byte) && byte != b'"' && byte != b'\\';
            for at in 0..20 {
                let mut bytes = *b"abcdefghijklmnopqrst";
                bytes[at] = byte;
                assert_eq!(plain_len(&bytes), if is_plain { 20 } else { at }, "{byte:#x} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn eight_bytes_at_a_time_are_as_good_as_one(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let is_plain = |byte: &u8| (0x20..0x80).contains(byte) && !b"\"\\".contains(byte);
            prop_assert_eq!(plain_len(&bytes), bytes.iter().take_while(|byte| is_plain(byte)).count());
        }

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
