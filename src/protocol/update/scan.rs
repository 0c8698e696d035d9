//! A walk over an update that touches every field and builds nothing.
//!
//! It stands between the network and `yrs`, which follows nesting with recursion (a 14 kB update of nested arrays ends
//! the process) and reserves memory for counts that it is told. What passes here has the structure that it claims, and
//! `yrs` sees the same structure: where it would read differently, the scan refuses.

mod value;

use std::ops::Range;

use smallvec::SmallVec;

use crate::protocol::lib0::{ReadError, Reader};

use value::check_json_depth;

pub(super) const HAS_ORIGIN: u8 = 0x80;
pub(super) const HAS_RIGHT_ORIGIN: u8 = 0x40;
pub(super) const CONTENT_KIND: u8 = 0x1f;
pub(super) const STRING: u8 = 4;
pub(super) const ANY: u8 = 8;

/// Deepest nesting of values. Far beyond what people write, far below what a thread's stack holds.
pub const MAX_DEPTH: usize = 200;

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
    /// Content of the kind `ContentJSON`, which Yjs 13 reads but no longer creates. `yrs` 0.28 reads one string too
    /// many, and so takes what follows for something that was never checked.
    #[error("content of the obsolete kind JSON is not supported")]
    ObsoleteJson,
    /// An XML hook. `yrs` 0.28 doesn't read its name, and takes it for something that was never checked.
    #[error("XML hooks are not supported")]
    XmlHook,
    /// A shared type is of a kind that this version of Yjs doesn't know.
    #[error("unknown kind of shared type {0}")]
    UnknownType(u8),
    /// A value is of a kind that this version of Yjs doesn't know.
    #[error("unknown kind of value {0}")]
    UnknownValue(u8),
    /// A gap or a garbage-collected range has no length.
    #[error("malformed update: block without length")]
    EmptyBlock,
    /// Blocks of a client are in two places. Yjs takes those in the second, `yrs` both, in their order.
    #[error("blocks of client {0} in two places")]
    RepeatedClient(u64),
    /// A clock is larger than `yrs` can count.
    #[error("clock out of range")]
    ClockOutOfRange,
    /// Values are nested deeper than [`MAX_DEPTH`], or JSON text deeper than `yrs` reads it.
    #[error("values nested too deep")]
    TooDeep,
    /// Bytes are left after the end.
    #[error("{0} bytes after the end of the update")]
    TrailingBytes(usize),
}

/// Walks an update in format V1. Needs hardly any memory and stops at the first thing that is wrong.
pub fn scan_v1(update: &[u8]) -> Result<(), ScanError> {
    inspect_v1(update).map(drop)
}

/// What a scan saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspection {
    /// Shared types in the update: they can't be nested deeper than that.
    pub types: usize,
    /// Whether blocks are missing between others of the same client.
    pub has_gaps: bool,
    /// Whether deletions may be other than Yjs writes them: each client once, its ranges in order and apart.
    pub has_unsorted_deletions: bool,
}

/// Walks an update like [`scan_v1`] and tells what is in it.
pub fn inspect_v1(update: &[u8]) -> Result<Inspection, ScanError> {
    let mut scan = Scan::new(update);
    scan.blocks()?;
    scan.delete_set()?;
    scan.end()?;
    Ok(Inspection {
        types: scan.types,
        has_gaps: scan.gaps > 0,
        has_unsorted_deletions: scan.has_unsorted_deletions,
    })
}

/// Walks an update and tells where its blocks are, without gaps, in the order of the update; and where they end.
pub(super) fn blocks_v1(update: &[u8]) -> Result<(Vec<Block>, usize), ScanError> {
    let mut scan = Scan { blocks: Some(Vec::new()), ..Scan::new(update) };
    scan.blocks()?;
    let end = scan.position();
    scan.delete_set()?;
    scan.end()?;
    Ok((scan.blocks.unwrap_or_default(), end))
}

/// One block of an update.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) client: u64,
    pub(super) clock: u32,
    /// In clocks.
    pub(super) len: u32,
    /// Where its bytes are.
    pub(super) bytes: Range<usize>,
    /// What it refers to: client and clock.
    pub(super) needs: SmallVec<[(u64, u32); 2]>,
}

/// Walks a snapshot: what was deleted, then a state vector.
pub fn scan_snapshot(bytes: &[u8]) -> Result<(), ScanError> {
    let mut scan = Scan::new(bytes);
    scan.delete_set()?;
    scan.state_vector()?;
    scan.end()
}

/// Walks a value at the front of bytes that may go on behind it.
pub(crate) fn scan_value(bytes: &[u8]) -> Result<(), ScanError> {
    Scan::new(bytes).any()
}

pub(super) struct Scan<'a> {
    pub(super) reader: Reader<'a>,
    len: usize,
    types: usize,
    gaps: usize,
    has_unsorted_deletions: bool,
    /// The blocks, if anybody wants to know.
    blocks: Option<Vec<Block>>,
    /// What the block being walked refers to, if blocks are wanted.
    needs: SmallVec<[(u64, u32); 2]>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let reader = Reader::new(bytes);
        let needs = SmallVec::new();
        let len = bytes.len();
        Self { reader, len, types: 0, gaps: 0, has_unsorted_deletions: false, blocks: None, needs }
    }

    /// Bytes that were read.
    pub(super) fn position(&self) -> usize {
        self.len - self.reader.remaining()
    }

    fn blocks(&mut self) -> Result<(), ScanError> {
        const MIN_CLIENT_LEN: usize = 3;
        const MIN_BLOCK_LEN: usize = 2;
        let mut clients: SmallVec<[u64; 8]> = SmallVec::new();
        for _ in 0..self.count(MIN_CLIENT_LEN)? {
            let blocks = self.count(MIN_BLOCK_LEN)?;
            let client = self.client()?;
            clients.push(client);
            let mut clock = self.reader.var_u32()?;
            for _ in 0..blocks {
                let (start, gaps) = (self.position(), self.gaps);
                let len = self.block()?;
                let bytes = start..self.position();
                if let Some(blocks) = self.blocks.as_mut().filter(|_| self.gaps == gaps) {
                    let needs = std::mem::take(&mut self.needs);
                    blocks.push(Block { client, clock, len, bytes, needs });
                }
                clock = clock.checked_add(len).ok_or(ScanError::ClockOutOfRange)?;
            }
        }
        clients.sort_unstable();
        match clients.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(ScanError::RepeatedClient(pair[0])),
            None => Ok(()),
        }
    }

    /// Walks a block and returns its length in clocks.
    fn block(&mut self) -> Result<u32, ScanError> {
        const GC: u8 = 0;
        const SKIP: u8 = 10;

        let info = self.reader.u8()?;
        if info == SKIP {
            self.gaps += 1;
        }
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
        self.parent(info)?;
        self.content(info & CONTENT_KIND)
    }

    /// The parent is known from a neighbour, if there is one.
    pub(super) fn parent(&mut self, info: u8) -> Result<(), ScanError> {
        const HAS_PARENT_SUB: u8 = 0x20;

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
        Ok(())
    }

    /// Walks content and returns its length in clocks.
    fn content(&mut self, kind: u8) -> Result<u32, ScanError> {
        const DELETED: u8 = 1;
        const JSON: u8 = 2;
        const BINARY: u8 = 3;
        const EMBED: u8 = 5;
        const FORMAT: u8 = 6;
        const TYPE: u8 = 7;
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

    pub(super) fn state_vector(&mut self) -> Result<(), ScanError> {
        const MIN_ENTRY_LEN: usize = 2;
        for _ in 0..self.count(MIN_ENTRY_LEN)? {
            self.id()?;
        }
        Ok(())
    }

    fn delete_set(&mut self) -> Result<(), ScanError> {
        const MIN_CLIENT_LEN: usize = 2;
        const MIN_RANGE_LEN: usize = 2;
        // Yjs writes the clients in descending order, yrs in ascending order. In neither, one may be there twice.
        let (mut rises, mut falls, mut previous) = (false, false, None);
        for _ in 0..self.count(MIN_CLIENT_LEN)? {
            let client = self.client()?;
            rises |= previous.is_some_and(|previous| client >= previous);
            falls |= previous.is_some_and(|previous| client <= previous);
            previous = Some(client);
            let mut end = 0;
            for _ in 0..self.count(MIN_RANGE_LEN)? {
                let clock = self.reader.var_u32()?;
                let len = self.reader.var_u32()?;
                self.has_unsorted_deletions |= clock < end;
                end = clock.checked_add(len).ok_or(ScanError::ClockOutOfRange)?;
            }
        }
        self.has_unsorted_deletions |= rises && falls;
        Ok(())
    }

    /// A count of elements that need at least `min_len` bytes each.
    fn count(&mut self, min_len: usize) -> Result<u64, ScanError> {
        let count = self.reader.var_uint()?;
        if count > (self.reader.remaining() / min_len) as u64 {
            return Err(ScanError::TooManyElements(count));
        }
        Ok(count)
    }

    pub(super) fn id(&mut self) -> Result<(), ScanError> {
        let client = self.client()?;
        let clock = self.reader.var_u32()?;
        if self.blocks.is_some() {
            self.needs.push((client, clock));
        }
        Ok(())
    }

    fn client(&mut self) -> Result<u64, ScanError> {
        Ok(self.reader.var_uint()?)
    }

    pub(super) fn end(&self) -> Result<(), ScanError> {
        if self.reader.is_empty() {
            Ok(())
        } else {
            Err(ScanError::TrailingBytes(self.reader.remaining()))
        }
    }
}

/// Yjs counts text in UTF-16 code units.
pub(super) fn utf16_len(text: &str) -> u32 {
    let len = if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() };
    // No longer than the string, whose length was read as 32 bits.
    len as u32
}

#[cfg(test)]
mod tests;
