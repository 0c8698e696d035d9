//! The nested parts of an update: values of `lib0`, and JSON text in embeds and formats.

use crate::protocol::lib0::ReadError;

use super::{MAX_DEPTH, Scan, ScanError};

/// `yrs` reads JSON with `serde_json`, which goes no deeper.
pub(super) const MAX_JSON_DEPTH: usize = 127;

/// An array or map whose elements are being walked.
#[derive(Clone, Copy)]
struct Open {
    left: u64,
    is_map: bool,
}

impl Scan<'_> {
    /// Walks a value and everything inside of it.
    pub(in crate::protocol::update) fn any(&mut self) -> Result<(), ScanError> {
        match self.value()? {
            Some(outermost) => self.elements(outermost),
            None => Ok(()),
        }
    }

    /// Walks the elements of an array or map without recursion: what is open is on a stack of fixed size.
    fn elements(&mut self, outermost: Open) -> Result<(), ScanError> {
        let mut stack = [outermost; MAX_DEPTH];
        let mut depth = 1;
        while depth > 0 {
            let innermost = &mut stack[depth - 1];
            if innermost.left == 0 {
                depth -= 1;
                continue;
            }
            innermost.left -= 1;
            if innermost.is_map {
                self.reader.var_str()?;
            }
            if let Some(open) = self.value()? {
                *stack.get_mut(depth).ok_or(ScanError::TooDeep)? = open;
                depth += 1;
            }
        }
        Ok(())
    }

    /// Walks a value up to its first element; returns the elements to come if it is an array or map.
    fn value(&mut self) -> Result<Option<Open>, ScanError> {
        const MIN_MAP_ENTRY_LEN: usize = 2;
        match self.reader.u8()? {
            // undefined, null, true, false
            127 | 126 | 121 | 120 => {}
            125 => self.var_int()?,
            // 32-bit float
            124 => {
                self.reader.take(4)?;
            }
            // 64-bit float, bigint
            123 | 122 => {
                self.reader.take(8)?;
            }
            119 => {
                self.reader.var_str()?;
            }
            118 => return Ok(Some(Open { left: self.count(MIN_MAP_ENTRY_LEN)?, is_map: true })),
            117 => return Ok(Some(Open { left: self.count(1)?, is_map: false })),
            116 => {
                self.reader.var_bytes()?;
            }
            unknown => return Err(ScanError::UnknownValue(unknown)),
        }
        Ok(None)
    }

    /// A signed integer of up to 63 bits; its first byte has 6.
    fn var_int(&mut self) -> Result<(), ScanError> {
        let first = self.reader.u8()?;
        let mut more = first & 0x80 != 0;
        let mut shift = 6;
        while more {
            let byte = self.reader.u8()?;
            if shift > 62 || (shift == 62 && byte & 0x7f > 1) {
                return Err(ReadError::IntegerOutOfRange.into());
            }
            more = byte & 0x80 != 0;
            shift += 7;
        }
        Ok(())
    }
}

/// JSON text only counts as deep: whether it is JSON at all, the decoder finds out without harm.
pub(super) fn check_json_depth(json: &str) -> Result<(), ScanError> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_string => {
                bytes.next();
            }
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > MAX_JSON_DEPTH {
                    return Err(ScanError::TooDeep);
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}
