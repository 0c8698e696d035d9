//! What a walk over an update tells about it.

use std::ops::Range;

use smallvec::SmallVec;

use super::{Scan, ScanError};

/// What a scan saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Shared types in the update: they can't be nested deeper than that.
    pub types: usize,
    /// Whether blocks are missing between others of the same client.
    pub has_gaps: bool,
    /// Whether deletions may be other than Yjs writes them: each client once, its ranges in order and apart.
    pub has_unsorted_deletions: bool,
    /// Whether all content is text, or was deleted: then there is nothing in it that `yrs` could refuse.
    pub is_plain: bool,
    /// The blocks of each client that has any, in the order of the update.
    pub spans: Spans,
    /// Where the deletions begin.
    pub(in crate::protocol::update) blocks_end: usize,
}

/// Nearly all updates are of one client.
pub type Spans = SmallVec<[Span; 1]>;

/// Blocks of one client, with the gaps between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Whose they are.
    pub client: u64,
    /// The first clock.
    pub start: u32,
    /// The clock after the last one.
    pub end: u32,
    pub(in crate::protocol::update) blocks: u64,
    /// Where their bytes are.
    pub(in crate::protocol::update) bytes: Range<usize>,
}

/// Walks an update like [`super::scan_v1`] and tells what is in it.
pub fn inspect_v1(update: &[u8]) -> Result<Inspection, ScanError> {
    let mut scan = Scan::new(update);
    let spans = scan.blocks()?;
    let blocks_end = scan.position();
    scan.delete_set()?;
    scan.end()?;
    Ok(Inspection {
        types: scan.types,
        has_gaps: scan.gaps > 0,
        has_unsorted_deletions: scan.has_unsorted_deletions,
        is_plain: scan.is_plain,
        spans,
        blocks_end,
    })
}
