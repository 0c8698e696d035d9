//! The decoder behind the translation of V2: that of `yrs`, under guard.

use std::sync::Arc;

use yrs::encoding::read::{Cursor, Error, Read};
use yrs::updates::decoder::{Decoder, DecoderV2};
use yrs::{Any, ClientID, ID};

use super::{ScanError, scan_value};
use crate::protocol::lib0::Reader;

/// Blocks and strings that an update may have without a byte for each: a column says "the same again, a million times"
/// in five bytes. Honest updates do so, too: many empty nested types that were made at once, say.
const FREE_PARTS: usize = 1 << 20;

/// Bytes of keys that an update may repeat without having them again: the format of every word has the same few.
const FREE_KEY_BYTES: usize = 1 << 26;

/// The part of a block's info that tells its content, as `yrs` reads it.
const CONTENT_KIND: u8 = 0x0f;
const JSON: u8 = 2;
const ANY: u8 = 8;

/// The decoder of `yrs`, which counts what it makes, looks at counts before room is made for as many, and at values before
/// it follows their nesting (T 3).
pub(super) struct GuardedDecoder<'a> {
    inner: DecoderV2<'a>,
    parts_left: usize,
    key_bytes_left: usize,
    /// The number that is being read, and how far.
    number: u32,
    shift: u32,
    content: u8,
}

impl<'a> GuardedDecoder<'a> {
    pub(super) fn new(update: &'a [u8]) -> Result<Self, Error> {
        const MIN_CLIENT_LEN: usize = 2;
        let mut inner = DecoderV2::new(Cursor::new(update))?;
        let rest = inner.read_to_end()?;
        let clients =
            Reader::new(rest).var_u32().map_err(|error| Error::Custom(error.to_string()))?;
        if clients as usize > rest.len() / MIN_CLIENT_LEN {
            return Err(too_much());
        }
        Ok(Self {
            inner,
            parts_left: FREE_PARTS + update.len(),
            key_bytes_left: FREE_KEY_BYTES + update.len(),
            number: 0,
            shift: 0,
            content: 0,
        })
    }

    /// Bytes that were not read.
    pub(super) fn remaining(&mut self) -> Result<usize, Error> {
        Ok(self.inner.read_to_end()?.len())
    }

    fn count_parts(&mut self, count: usize) -> Result<(), Error> {
        self.parts_left = self.parts_left.checked_sub(count).ok_or_else(too_much)?;
        Ok(())
    }

    fn value(&mut self) -> Result<Any, Error> {
        scan_value(self.inner.read_to_end()?).map_err(|error| Error::Custom(error.to_string()))?;
        self.inner.read_any()
    }
}

fn too_much() -> Error {
    Error::Custom("more content is claimed than bytes are there".into())
}

impl Read for GuardedDecoder<'_> {
    fn read_exact(&mut self, len: usize) -> Result<&[u8], Error> {
        self.inner.read_exact(len)
    }

    fn read_u8(&mut self) -> Result<u8, Error> {
        let byte = self.inner.read_u8()?;
        // As `yrs` reads numbers, wrapping around included.
        let bits = u32::from(byte & 0x7f).wrapping_shl(self.shift);
        self.number = if self.shift == 0 { bits } else { self.number | bits };
        self.shift = if byte < 0x80 { 0 } else { self.shift + 7 };
        Ok(byte)
    }

    fn read_string(&mut self) -> Result<&str, Error> {
        self.count_parts(1)?;
        self.inner.read_string()
    }
}

impl Decoder for GuardedDecoder<'_> {
    fn reset_ds_cur_val(&mut self) {
        self.inner.reset_ds_cur_val();
    }

    fn read_ds_clock(&mut self) -> Result<u32, Error> {
        self.inner.read_ds_clock()
    }

    fn read_ds_len(&mut self) -> Result<u32, Error> {
        self.inner.read_ds_len()
    }

    fn read_left_id(&mut self) -> Result<ID, Error> {
        self.inner.read_left_id()
    }

    fn read_right_id(&mut self) -> Result<ID, Error> {
        self.inner.read_right_id()
    }

    fn read_client(&mut self) -> Result<ClientID, Error> {
        // The number before a client is that of its blocks, which `yrs` makes room for next.
        self.count_parts(self.number as usize)?;
        self.inner.read_client()
    }

    fn read_info(&mut self) -> Result<u8, Error> {
        let info = self.inner.read_info()?;
        self.content = info & CONTENT_KIND;
        if self.content == JSON {
            return Err(Error::Custom(ScanError::ObsoleteJson.to_string()));
        }
        Ok(info)
    }

    fn read_parent_info(&mut self) -> Result<bool, Error> {
        self.inner.read_parent_info()
    }

    fn read_type_ref(&mut self) -> Result<u8, Error> {
        self.inner.read_type_ref()
    }

    fn read_len(&mut self) -> Result<u32, Error> {
        let len = self.inner.read_len()?;
        // Values follow, each of a byte at least.
        if self.content == ANY && len as usize > self.remaining()? {
            return Err(too_much());
        }
        Ok(len)
    }

    fn read_any(&mut self) -> Result<Any, Error> {
        self.value()
    }

    // What is JSON text in V1 is a value here.
    fn read_json(&mut self) -> Result<Any, Error> {
        self.value()
    }

    fn read_key(&mut self) -> Result<Arc<str>, Error> {
        self.count_parts(1)?;
        let key = self.inner.read_key()?;
        self.key_bytes_left = self.key_bytes_left.checked_sub(key.len()).ok_or_else(too_much)?;
        Ok(key)
    }

    fn read_to_end(&mut self) -> Result<&[u8], Error> {
        self.inner.read_to_end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::v2_to_v1;

    /// A V2 update whose columns are as given; the others are empty.
    fn with_columns(client: &[u8], info: &[u8], len: &[u8], rest: &[u8]) -> Vec<u8> {
        let mut update = vec![0];
        for column in [&[], client, &[], &[], info, &[1, 0], &[], &[], len] {
            update.push(column.len() as u8);
            update.extend_from_slice(column);
        }
        update.extend_from_slice(rest);
        update
    }

    #[test]
    fn refuses_what_would_exhaust_stack_or_memory() {
        let any = 8;
        let mut deep = vec![1, 1, 0];
        deep.extend([117, 1].repeat(100_000));
        deep.extend([127, 0]);
        let skip_for_ever = [10];
        let a_billion = [0x80, 0x94, 0xeb, 0xdc, 0x03];
        let rows = [
            ("nesting", with_columns(&[1], &[any | 0x80], &[1], &deep)),
            (
                "endless blocks",
                with_columns(&[1], &skip_for_ever, &[], &{
                    let mut rest = vec![1];
                    rest.extend(a_billion);
                    rest.push(0);
                    rest.extend([1].repeat(3_000_000));
                    rest
                }),
            ),
            (
                "endless garbage",
                with_columns(&[1], &[0], &[0x41, 0xff, 0xff, 0xff, 0x7f], &{
                    let mut rest = vec![1];
                    rest.extend(a_billion);
                    rest.push(0);
                    rest
                }),
            ),
            (
                "more clients than bytes",
                with_columns(&[], &[], &[], &[0xff, 0xff, 0xff, 0x7f, 0, 0]),
            ),
            ("more values than bytes", {
                with_columns(&[1], &[any | 0x80], &[0xbf, 0xff, 0xff, 0x7f], &[1, 1, 0, 127, 0])
            }),
        ];
        for (label, update) in rows {
            assert!(v2_to_v1(&update).is_err(), "{label}");
        }
    }
}
