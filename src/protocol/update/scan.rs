//! A walk over an update that touches every field and builds nothing.
//!
//! It stands between the network and `yrs`, which follows nesting with recursion (a 14 kB update of nested arrays ends
//! the process) and reserves memory for counts that it is told. What passes here has the structure that it claims.

use std::cmp::Ordering;

use super::super::lib0::{ReadError, Reader};

/// Deepest nesting of values. Far beyond what people write, far below what a thread's stack holds.
pub const MAX_DEPTH: usize = 200;

/// `yrs` reads JSON with `serde_json`, which goes no deeper.
const MAX_JSON_DEPTH: usize = 127;

/// Why an update must not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The update ends early, or a number or string is malformed.
    #[error("malformed update: {0}")]
    Malformed(#[from] ReadError),
    /// More elements are claimed than the rest of the update can hold.
    #[error("malformed update: {0} elements claimed")]
    TooManyElements(u64),
    /// A block of content has a kind that this version of Yjs doesn't know.
    #[error("unknown kind of content {0}")]
    UnknownContent(u8),
    /// Content of the kind `ContentJSON`, which Yjs stopped writing with version 13 and `yrs` 0.28 reads wrongly.
    #[error("content of the obsolete kind JSON")]
    ObsoleteJson,
    /// A shared type is of a kind that this version of Yjs doesn't know.
    #[error("unknown kind of shared type {0}")]
    UnknownType(u8),
    /// A value is of a kind that this version of Yjs doesn't know.
    #[error("unknown kind of value {0}")]
    UnknownValue(u8),
    /// A gap or a garbage-collected range has no length.
    #[error("malformed update: block without length")]
    EmptyBlock,
    /// A clock is larger than `yrs` can count.
    #[error("clock out of range")]
    ClockOutOfRange,
    /// Values are nested deeper than [`MAX_DEPTH`].
    #[error("values nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// Bytes are left after the end.
    #[error("{0} bytes after the end of the update")]
    TrailingBytes(usize),
}

/// Walks an update in format V1. Needs no memory and stops at the first thing that is wrong.
pub fn scan_v1(update: &[u8]) -> Result<(), ScanError> {
    let mut scan = Scan { reader: Reader::new(update) };
    scan.blocks()?;
    scan.delete_set()?;
    scan.end()
}

/// Walks a state vector.
pub fn scan_state_vector(bytes: &[u8]) -> Result<(), ScanError> {
    const MIN_ENTRY_LEN: usize = 2;
    let mut scan = Scan { reader: Reader::new(bytes) };
    for _ in 0..scan.count(MIN_ENTRY_LEN)? {
        scan.id()?;
    }
    scan.end()
}

struct Scan<'a> {
    reader: Reader<'a>,
}

impl Scan<'_> {
    fn blocks(&mut self) -> Result<(), ScanError> {
        const MIN_CLIENT_LEN: usize = 3;
        const MIN_BLOCK_LEN: usize = 2;
        for _ in 0..self.count(MIN_CLIENT_LEN)? {
            let blocks = self.count(MIN_BLOCK_LEN)?;
            self.client()?;
            let mut clock = self.reader.var_u32()?;
            for _ in 0..blocks {
                let len = self.block()?;
                clock = clock.checked_add(len).ok_or(ScanError::ClockOutOfRange)?;
            }
        }
        Ok(())
    }

    /// Walks a block and returns its length in clocks.
    fn block(&mut self) -> Result<u32, ScanError> {
        const GC: u8 = 0;
        const SKIP: u8 = 10;
        const HAS_ORIGIN: u8 = 0x80;
        const HAS_RIGHT_ORIGIN: u8 = 0x40;
        const HAS_PARENT_SUB: u8 = 0x20;

        let info = self.reader.u8()?;
        if info == GC || info == SKIP {
            return match self.reader.var_u32()? {
                0 => Err(ScanError::EmptyBlock),
                len => Ok(len),
            };
        }
        if info & HAS_ORIGIN != 0 {
            self.id()?;
        }
        if info & HAS_RIGHT_ORIGIN != 0 {
            self.id()?;
        }
        // The parent is known from a neighbour, if there is one.
        if info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN) == 0 {
            if self.reader.var_u32()? == 1 {
                self.reader.var_str()?;
            } else {
                self.id()?;
            }
            if info & HAS_PARENT_SUB != 0 {
                self.reader.var_str()?;
            }
        }
        self.content(info & 0x1f)
    }

    /// Walks content and returns its length in clocks.
    fn content(&mut self, kind: u8) -> Result<u32, ScanError> {
        const DELETED: u8 = 1;
        const JSON: u8 = 2;
        const BINARY: u8 = 3;
        const STRING: u8 = 4;
        const EMBED: u8 = 5;
        const FORMAT: u8 = 6;
        const TYPE: u8 = 7;
        const ANY: u8 = 8;
        const DOC: u8 = 9;

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

        match self.reader.u8()? {
            XML_ELEMENT | XML_HOOK => {
                self.reader.var_str()?;
            }
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

    /// Walks a value without recursion: what is open is on a stack of fixed size.
    fn any(&mut self) -> Result<(), ScanError> {
        #[derive(Clone, Copy)]
        struct Open {
            left: u64,
            is_map: bool,
        }
        const MIN_MAP_ENTRY_LEN: usize = 2;

        let mut stack = [Open { left: 0, is_map: false }; MAX_DEPTH];
        let mut depth = 0;
        loop {
            let opened = match self.reader.u8()? {
                // undefined, null, true, false
                127 | 126 | 121 | 120 => None,
                125 => {
                    self.var_int()?;
                    None
                }
                124 => self.skip(4)?,
                123 | 122 => self.skip(8)?,
                119 => {
                    self.reader.var_str()?;
                    None
                }
                118 => Some(Open { left: self.count(MIN_MAP_ENTRY_LEN)?, is_map: true }),
                117 => Some(Open { left: self.count(1)?, is_map: false }),
                116 => {
                    self.reader.var_bytes()?;
                    None
                }
                unknown => return Err(ScanError::UnknownValue(unknown)),
            };
            if let Some(open) = opened {
                *stack.get_mut(depth).ok_or(ScanError::TooDeep)? = open;
                depth += 1;
            }
            while depth > 0 && stack[depth - 1].left == 0 {
                depth -= 1;
            }
            if depth == 0 {
                return Ok(());
            }
            let open = &mut stack[depth - 1];
            open.left -= 1;
            if open.is_map {
                self.reader.var_str()?;
            }
        }
    }

    fn delete_set(&mut self) -> Result<(), ScanError> {
        const MIN_CLIENT_LEN: usize = 2;
        const MIN_RANGE_LEN: usize = 2;
        for _ in 0..self.count(MIN_CLIENT_LEN)? {
            self.client()?;
            for _ in 0..self.count(MIN_RANGE_LEN)? {
                let clock = self.reader.var_u32()?;
                let len = self.reader.var_u32()?;
                clock.checked_add(len).ok_or(ScanError::ClockOutOfRange)?;
            }
        }
        Ok(())
    }

    /// A count of elements that need at least `min_len` bytes each.
    fn count(&mut self, min_len: usize) -> Result<u64, ScanError> {
        let count = self.reader.var_uint()?;
        match count.cmp(&((self.reader.remaining() / min_len) as u64)) {
            Ordering::Greater => Err(ScanError::TooManyElements(count)),
            _ => Ok(count),
        }
    }

    fn id(&mut self) -> Result<(), ScanError> {
        self.client()?;
        self.reader.var_u32()?;
        Ok(())
    }

    fn client(&mut self) -> Result<(), ScanError> {
        self.reader.var_uint()?;
        Ok(())
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

    fn skip<T>(&mut self, len: usize) -> Result<Option<T>, ScanError> {
        self.reader.take(len)?;
        Ok(None)
    }

    fn end(&self) -> Result<(), ScanError> {
        if self.reader.is_empty() {
            Ok(())
        } else {
            Err(ScanError::TrailingBytes(self.reader.remaining()))
        }
    }
}

/// Yjs counts text in UTF-16 code units.
fn utf16_len(text: &str) -> u32 {
    let len = if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() };
    // No longer than the string, whose length was read as 32 bits.
    len as u32
}

fn check_json_depth(json: &str) -> Result<(), ScanError> {
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
