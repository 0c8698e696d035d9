//! A walk over an update that touches every field and builds nothing.
//!
//! It stands between the network and `yrs`, which follows nesting with recursion (a 14 kB update of nested arrays ends
//! the process) and reserves memory for counts that it is told. What passes here has the structure that it claims, and
//! `yrs` sees the same structure: where it would read differently, the scan refuses.

mod content;
mod error;
mod inspection;
mod value;

use std::ops::Range;

use smallvec::SmallVec;

use crate::protocol::lib0::Reader;

pub(super) use content::utf16_len;
pub use error::ScanError;
pub use inspection::{Inspection, Span, Spans, inspect_v1};

pub(super) const HAS_ORIGIN: u8 = 0x80;
pub(super) const HAS_RIGHT_ORIGIN: u8 = 0x40;
pub(super) const CONTENT_KIND: u8 = 0x1f;
pub(super) const STRING: u8 = 4;
pub(super) const ANY: u8 = 8;

/// Deepest nesting of values. Far beyond what people write, far below what a thread's stack holds.
pub const MAX_DEPTH: usize = 200;

/// Walks an update in format V1. Needs little memory and stops at the first thing that is wrong.
pub fn scan_v1(update: &[u8]) -> Result<(), ScanError> {
    inspect_v1(update).map(drop)
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
    is_plain: bool,
    /// The blocks, if anybody wants to know.
    blocks: Option<Vec<Block>>,
    /// What the block being walked refers to, if blocks are wanted.
    needs: SmallVec<[(u64, u32); 2]>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(bytes),
            len: bytes.len(),
            types: 0,
            gaps: 0,
            has_unsorted_deletions: false,
            is_plain: true,
            blocks: None,
            needs: SmallVec::new(),
        }
    }

    /// Bytes that were read.
    pub(super) fn position(&self) -> usize {
        self.len - self.reader.remaining()
    }

    fn blocks(&mut self) -> Result<Spans, ScanError> {
        const MIN_CLIENT_LEN: usize = 3;
        const MIN_BLOCK_LEN: usize = 2;
        let mut clients: SmallVec<[u64; 8]> = SmallVec::new();
        let mut spans = Spans::new();
        for _ in 0..self.count(MIN_CLIENT_LEN)? {
            let blocks = self.count(MIN_BLOCK_LEN)?;
            let client = self.client()?;
            clients.push(client);
            let first = self.reader.var_u32()?;
            let (mut clock, begin) = (first, self.position());
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
            if clock > first {
                let bytes = begin..self.position();
                spans.push(Span { client, start: first, end: clock, blocks, bytes });
            }
        }
        clients.sort_unstable();
        match clients.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(ScanError::RepeatedClient(pair[0])),
            None => Ok(spans),
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

#[cfg(test)]
mod tests;
