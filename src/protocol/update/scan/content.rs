//! The content of a block.

use super::value::check_json_depth;
use super::{ANY, STRING, Scan, ScanError};

impl Scan<'_> {
    /// Walks content and returns its length in clocks.
    pub(super) fn content(&mut self, kind: u8) -> Result<u32, ScanError> {
        const DELETED: u8 = 1;
        const JSON: u8 = 2;
        const BINARY: u8 = 3;
        const EMBED: u8 = 5;
        const FORMAT: u8 = 6;
        const TYPE: u8 = 7;
        const DOC: u8 = 9;

        self.is_plain &= matches!(kind, DELETED | STRING);
        match kind {
            DELETED => return Ok(self.reader.var_u32()?),
            JSON => return Err(ScanError::ObsoleteJson),
            BINARY => {
                self.reader.var_bytes()?;
            }
            STRING => return Ok(utf16_len(self.reader.var_str()?)),
            EMBED => check_json_depth(self.reader.var_str()?)?,
            FORMAT => {
                self.reader.var_str()?;
                check_json_depth(self.reader.var_str()?)?;
            }
            TYPE => self.shared_type()?,
            ANY => {
                let len = self.count(1)?;
                for _ in 0..len {
                    self.any()?;
                }
                return u32::try_from(len).map_err(|_| ScanError::ClockOutOfRange);
            }
            DOC => {
                self.reader.var_str()?;
                self.any()?;
            }
            unknown => return Err(ScanError::UnknownContent(unknown)),
        }
        Ok(1)
    }

    fn shared_type(&mut self) -> Result<(), ScanError> {
        const XML_ELEMENT: u8 = 3;
        const XML_HOOK: u8 = 5;
        const WEAK_LINK: u8 = 7;

        self.types += 1;
        match self.reader.u8()? {
            XML_ELEMENT => {
                self.reader.var_str()?;
            }
            XML_HOOK => return Err(ScanError::XmlHook),
            WEAK_LINK => self.weak_link()?,
            // array, map, text, XML fragment, XML text; and of yrs: document, undefined
            0..=2 | 4 | 6 | 9 | 15 => {}
            unknown => return Err(ScanError::UnknownType(unknown)),
        }
        Ok(())
    }

    /// The two ends of a quotation; a link to a single element has one.
    fn weak_link(&mut self) -> Result<(), ScanError> {
        const QUOTATION: u8 = 0x01;
        const START_UNBOUNDED: u8 = 0x08;
        const END_UNBOUNDED: u8 = 0x10;
        const PARENT_IS_ROOT: u8 = 0x20;

        let flags = self.reader.u8()?;
        let root = flags & PARENT_IS_ROOT != 0;
        let ends = [(START_UNBOUNDED, true), (END_UNBOUNDED, flags & QUOTATION != 0)];
        for (unbounded, is_written) in ends {
            if flags & unbounded != 0 && root {
                self.reader.var_str()?;
            } else if flags & unbounded != 0 || is_written {
                self.id()?;
            }
        }
        Ok(())
    }
}

/// Yjs counts text in UTF-16 code units.
pub(in crate::protocol::update) fn utf16_len(text: &str) -> u32 {
    let len = if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() };
    // No longer than the string, whose length was read as 32 bits.
    len as u32
}
