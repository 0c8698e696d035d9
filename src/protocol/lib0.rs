//! The primitives of the `lib0` encoding, which Yjs uses for everything: variable-length integers, and byte strings
//! that are preceded by their length.

use bytes::Bytes;

/// The largest integer that JavaScript can hold exactly; client ids go up to it.
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Why a primitive could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The input ends in the middle of a value.
    #[error("unexpected end of input")]
    UnexpectedEnd,
    /// An integer is larger than its field can hold.
    #[error("integer out of range")]
    IntegerOutOfRange,
    /// A string is not valid UTF-8.
    #[error("invalid UTF-8 in a string")]
    InvalidUtf8,
}

/// Reads primitives from the front of a byte slice.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Number of bytes not read yet.
    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ReadError> {
        let (&first, rest) = self.rest.split_first().ok_or(ReadError::UnexpectedEnd)?;
        self.rest = rest;
        Ok(first)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], ReadError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(ReadError::UnexpectedEnd)?;
        self.rest = rest;
        Ok(taken)
    }

    /// An unsigned integer of up to 53 bits.
    ///
    /// Bits beyond the range are an error, not dropped: other decoders wrap them in their own ways, and then see
    /// another structure than the one that was checked here.
    pub(crate) fn var_uint(&mut self) -> Result<u64, ReadError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if bits > MAX_SAFE_INTEGER >> shift {
                return Err(ReadError::IntegerOutOfRange);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ReadError::IntegerOutOfRange)
    }

    /// An unsigned integer of up to 32 bits.
    pub(crate) fn var_u32(&mut self) -> Result<u32, ReadError> {
        u32::try_from(self.var_uint()?).map_err(|_| ReadError::IntegerOutOfRange)
    }

    /// Bytes preceded by their length.
    pub(crate) fn var_bytes(&mut self) -> Result<&'a [u8], ReadError> {
        let len = self.var_u32()?;
        self.take(len as usize)
    }

    /// A string preceded by its length in bytes.
    pub(crate) fn var_str(&mut self) -> Result<&'a str, ReadError> {
        std::str::from_utf8(self.var_bytes()?).map_err(|_| ReadError::InvalidUtf8)
    }

    /// Bytes preceded by their length, as a slice of the `Bytes` that this reader was made from.
    pub(crate) fn var_slice(&mut self, source: &Bytes) -> Result<Bytes, ReadError> {
        Ok(source.slice_ref(self.var_bytes()?))
    }
}

/// Appends an unsigned integer.
pub(crate) fn write_var_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends bytes preceded by their length.
pub(crate) fn write_var_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_var_uint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rejects_integers_that_do_not_fit() {
        let rows: [(&str, &[u8], Result<u64, ReadError>); 8] = [
            ("zero", &[0], Ok(0)),
            ("two bytes", &[0x80, 1], Ok(128)),
            ("zero written in three bytes", &[0x80, 0x80, 0], Ok(0)),
            ("2^53 - 1", &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], Ok(MAX_SAFE_INTEGER)),
            (
                "2^53",
                &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
                Err(ReadError::IntegerOutOfRange),
            ),
            (
                "a bit beyond 64",
                &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2],
                Err(ReadError::IntegerOutOfRange),
            ),
            ("eleven bytes", &[0x80; 11], Err(ReadError::IntegerOutOfRange)),
            ("cut off", &[0x80], Err(ReadError::UnexpectedEnd)),
        ];
        for (label, bytes, expected) in rows {
            assert_eq!(Reader::new(bytes).var_uint(), expected, "{label}");
        }
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).var_u32(), Ok(u32::MAX));
        assert_eq!(
            Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x10]).var_u32(),
            Err(ReadError::IntegerOutOfRange)
        );
    }

    #[test]
    fn a_length_beyond_the_input_is_an_error() {
        assert_eq!(Reader::new(&[3, 1, 2]).var_bytes(), Err(ReadError::UnexpectedEnd));
        assert_eq!(Reader::new(&[2, 0xc3, 0x28]).var_str(), Err(ReadError::InvalidUtf8));
    }

    proptest! {
        #[test]
        fn integers_and_bytes_survive_a_round_trip(value in 0..=MAX_SAFE_INTEGER, bytes: Vec<u8>) {
            let mut out = Vec::new();
            write_var_uint(&mut out, value);
            write_var_bytes(&mut out, &bytes);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.var_uint(), Ok(value));
            prop_assert_eq!(reader.var_bytes(), Ok(bytes.as_slice()));
            prop_assert!(reader.is_empty());
        }
    }
}
