//! Updates that follow each other, as one: in linear time, and without building what is in them.

use std::cmp::Reverse;

use smallvec::SmallVec;

use super::deletions::Deletions;
use super::scan::{
    CONTENT_KIND, HAS_ORIGIN, HAS_RIGHT_ORIGIN, Inspection, STRING, Scan, ScanError, Span,
};
use crate::protocol::lib0::{write_var_bytes, write_var_uint};

/// Most bytes of the numbers in front of the blocks of a client.
const MAX_HEAD: usize = 24;

/// One update with the content of all, which were inspected, in whatever order they are. What was typed on and on is one
/// block in it. Nothing is decoded: what `yrs` refuses of one of them, it refuses of the whole.
///
/// `None` if blocks are missing between others or are there twice: then it takes somebody who knows what is in them.
pub fn join<'a, I>(updates: I) -> Option<Vec<u8>>
where
    I: IntoIterator<Item = (&'a [u8], &'a Inspection)>,
{
    let mut pieces: SmallVec<[Piece<'_>; 16]> = SmallVec::new();
    let mut deletions = Deletions::default();
    let mut size = MAX_HEAD;
    for (bytes, seen) in updates {
        if seen.has_gaps {
            return None;
        }
        pieces.extend(seen.spans.iter().map(|span| Piece::new(span, bytes)));
        deletions.read(&bytes[seen.blocks_end..]).ok()?;
        size += bytes.len();
    }
    // As Yjs writes them: the highest client first.
    pieces.sort_by_key(|it| (Reverse(it.client), it.start));
    let follow =
        |pair: &[Piece<'_>]| pair[0].client != pair[1].client || pair[0].end == pair[1].start;
    if !pieces.windows(2).all(follow) {
        return None;
    }
    let clients = || pieces.chunk_by(|one, next| one.client == next.client);
    let mut joined = Vec::with_capacity(size);
    write_var_uint(&mut joined, clients().count() as u64);
    let mut section = Section::default();
    for pieces in clients() {
        for piece in pieces {
            section.push(piece);
        }
        section.finish_into(&mut joined, &pieces[0]);
    }
    deletions.write(&mut joined);
    Some(joined)
}

/// Blocks of one client, without gaps.
struct Piece<'a> {
    client: u64,
    start: u32,
    end: u32,
    blocks: u64,
    bytes: &'a [u8],
}

impl<'a> Piece<'a> {
    fn new(span: &Span, update: &'a [u8]) -> Self {
        let Span { client, start, end, blocks, .. } = *span;
        Self { client, start, end, blocks, bytes: &update[span.bytes.clone()] }
    }
}

/// The blocks of one client in the making.
#[derive(Default)]
struct Section<'a> {
    blocks: u64,
    bytes: Vec<u8>,
    /// The last block, if what follows may be typed on: its text is not yet among the bytes.
    last: Option<TextBlock<'a>>,
    text: Vec<u8>,
}

impl<'a> Section<'a> {
    fn push(&mut self, piece: &Piece<'a>) {
        let first = TextBlock::read(piece.bytes).ok().flatten();
        let follows = |first: &TextBlock<'_>| {
            self.last.as_ref().is_some_and(|last| first.is_typed_after(last, piece))
        };
        match first {
            Some(first) if follows(&first) => {
                self.text.extend_from_slice(first.text);
                if !first.rest.is_empty() {
                    self.close();
                    self.bytes.extend_from_slice(first.rest);
                    self.blocks += piece.blocks - 1;
                }
            }
            Some(first) if first.rest.is_empty() => {
                self.close();
                self.bytes.extend_from_slice(first.head);
                self.text.extend_from_slice(first.text);
                self.blocks += 1;
                self.last = Some(first);
            }
            _ => {
                self.close();
                self.bytes.extend_from_slice(piece.bytes);
                self.blocks += piece.blocks;
            }
        }
    }

    /// The last block is complete.
    fn close(&mut self) {
        if self.last.take().is_some() {
            write_var_bytes(&mut self.bytes, &self.text);
            self.text.clear();
        }
    }

    /// Writes the blocks, of which this was the first piece, and begins anew.
    fn finish_into(&mut self, out: &mut Vec<u8>, first: &Piece<'_>) {
        self.close();
        for number in [self.blocks, first.client, u64::from(first.start)] {
            write_var_uint(out, number);
        }
        out.extend_from_slice(&self.bytes);
        self.blocks = 0;
        self.bytes.clear();
    }
}

/// A block of text, and the bytes that come behind it.
struct TextBlock<'a> {
    info: u8,
    origin: Option<(u64, u32)>,
    right_origin: &'a [u8],
    /// Everything before the length of the text.
    head: &'a [u8],
    text: &'a [u8],
    rest: &'a [u8],
}

impl<'a> TextBlock<'a> {
    /// The first of these blocks, if it is text.
    fn read(bytes: &'a [u8]) -> Result<Option<Self>, ScanError> {
        let mut scan = Scan::new(bytes);
        let info = scan.reader.u8()?;
        if info & CONTENT_KIND != STRING {
            return Ok(None);
        }
        let mut origin = None;
        if info & HAS_ORIGIN != 0 {
            origin = Some((scan.reader.var_uint()?, scan.reader.var_u32()?));
        }
        let start = scan.position();
        if info & HAS_RIGHT_ORIGIN != 0 {
            scan.id()?;
        }
        let right_origin = &bytes[start..scan.position()];
        scan.parent(info)?;
        let head = &bytes[..scan.position()];
        let text = scan.reader.var_bytes()?;
        let rest = &bytes[scan.position()..];
        Ok(Some(Self { info, origin, right_origin, head, text, rest }))
    }

    /// Whether this, the beginning of a piece, is what Yjs would put into the same block as the one before it.
    fn is_typed_after(&self, last: &Self, piece: &Piece<'_>) -> bool {
        let before = piece.start.checked_sub(1).map(|clock| (piece.client, clock));
        self.origin.is_some()
            && self.origin == before
            && self.info == last.info | HAS_ORIGIN
            && self.right_origin == last.right_origin
    }
}

#[cfg(test)]
mod tests;
