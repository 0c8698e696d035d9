//! One update as several, each of which can be applied after the ones before it.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use super::scan::{
    ANY, Block, CONTENT_KIND, HAS_ORIGIN, HAS_RIGHT_ORIGIN, STRING, Scan, ScanError, blocks_v1,
    utf16_len,
};
use crate::protocol::lib0::{Reader, write_var_bytes, write_var_uint};

/// Most bytes of the numbers around the blocks of one client: how many, whose, from which clock on.
const MAX_SECTION_HEAD: usize = 18;

/// Most bytes around everything else: how many clients, and no deletions.
const MAX_PART_HEAD: usize = 6;

/// Most bytes of a length.
const MAX_LENGTH: usize = 5;

/// The same update as several without gaps, the deletions last.
pub fn split_at_gaps(update: &[u8]) -> Result<Vec<Vec<u8>>, ScanError> {
    let (blocks, end) = blocks_v1(update)?;
    let mut parts = Vec::new();
    let mut part = Part::default();
    for block in &blocks {
        if !part.is_continued_by(block.client, block.clock) {
            part.finish_into(&mut parts);
        }
        part.push(block.client, block.clock, block.len, &update[block.bytes.clone()]);
    }
    part.finish_into(&mut parts);
    parts.push([&[0], &update[end..]].concat());
    Ok(parts)
}

/// The same update as several of at most `limit` bytes, the deletions last; `None` if a piece of content is larger.
///
/// A block comes after every block of the update that it refers to, so that no part leaves a gap or waits for a later
/// one. Long text and lists are cut.
pub fn split_to_size(update: &[u8], limit: usize) -> Result<Option<Vec<Vec<u8>>>, ScanError> {
    let (blocks, end) = blocks_v1(update)?;
    let Some(room) = limit.checked_sub(MAX_PART_HEAD + MAX_SECTION_HEAD) else { return Ok(None) };
    let mut parts = Vec::new();
    let mut part = Part::default();
    for block in in_causal_order(&blocks) {
        let bytes = &update[block.bytes.clone()];
        let Some(pieces) = cut(bytes, block, room)? else { return Ok(None) };
        let mut clock = block.clock;
        for Piece { len, bytes } in pieces {
            if part.size_with(block.client, &bytes) > limit
                || part.has_gap_before(block.client, clock)
            {
                part.finish_into(&mut parts);
            }
            part.push(block.client, clock, len, &bytes);
            clock += len;
        }
    }
    part.finish_into(&mut parts);
    Ok(split_deletions(&update[end..], limit, &mut parts)?.then_some(parts))
}

/// Blocks of one client without a gap between them.
struct Section {
    client: u64,
    clock: u32,
    next_clock: u32,
    blocks: u64,
    bytes: Vec<u8>,
}

/// An update in the making.
#[derive(Default)]
struct Part {
    sections: Vec<Section>,
    size: usize,
}

impl Part {
    fn section(&self, client: u64) -> Option<&Section> {
        self.sections.iter().rfind(|it| it.client == client)
    }

    /// Whether this is what follows in the section that came last.
    fn is_continued_by(&self, client: u64, clock: u32) -> bool {
        self.sections.last().is_some_and(|it| it.client == client && it.next_clock == clock)
    }

    fn has_gap_before(&self, client: u64, clock: u32) -> bool {
        self.section(client).is_some_and(|it| it.next_clock != clock)
    }

    /// Never less than the size that it would have with these bytes.
    fn size_with(&self, client: u64, bytes: &[u8]) -> usize {
        let head = if self.section(client).is_some() { 0 } else { MAX_SECTION_HEAD };
        MAX_PART_HEAD + self.size + head + bytes.len()
    }

    fn push(&mut self, client: u64, clock: u32, len: u32, bytes: &[u8]) {
        self.size += bytes.len();
        let index = self.sections.iter().rposition(|it| it.client == client).unwrap_or_else(|| {
            self.size += MAX_SECTION_HEAD;
            let section =
                Section { client, clock, next_clock: clock, blocks: 0, bytes: Vec::new() };
            self.sections.push(section);
            self.sections.len() - 1
        });
        let section = &mut self.sections[index];
        section.next_clock += len;
        section.blocks += 1;
        section.bytes.extend_from_slice(bytes);
    }

    /// Adds the update to `parts`, unless it is empty, and begins anew.
    fn finish_into(&mut self, parts: &mut Vec<Vec<u8>>) {
        let Self { mut sections, size } = std::mem::take(self);
        if sections.is_empty() {
            return;
        }
        // As Yjs writes them.
        sections.sort_unstable_by_key(|it| std::cmp::Reverse(it.client));
        let mut update = Vec::with_capacity(MAX_PART_HEAD + size);
        write_var_uint(&mut update, sections.len() as u64);
        for section in sections {
            for number in [section.blocks, section.client, u64::from(section.clock)] {
                write_var_uint(&mut update, number);
            }
            update.extend_from_slice(&section.bytes);
        }
        update.push(0);
        parts.push(update);
    }
}

/// Every block after those that it refers to, and after those of its client that come before it.
fn in_causal_order(blocks: &[Block]) -> Vec<&Block> {
    let mut queues: BTreeMap<u64, VecDeque<&Block>> = BTreeMap::new();
    for block in blocks {
        queues.entry(block.client).or_default().push_back(block);
    }
    let clients: Vec<u64> = queues.keys().copied().collect();
    let mut order = Vec::with_capacity(blocks.len());
    for client in clients {
        // Each client's next block waits for one of the client behind it.
        let mut waiting = vec![client];
        while let Some(&client) = waiting.last() {
            let Some(&block) = queues.get(&client).and_then(VecDeque::front) else {
                waiting.pop();
                continue;
            };
            let is_missing = |&&(other, clock): &&(u64, u32)| {
                let next = queues.get(&other).and_then(VecDeque::front);
                // References in a circle are an update that nobody can apply: they must only not keep us for ever.
                next.is_some_and(|next| next.clock <= clock) && !waiting.contains(&other)
            };
            if let Some(&(needed, _)) = block.needs.iter().find(is_missing) {
                waiting.push(needed);
                continue;
            }
            queues.entry(client).or_default().pop_front();
            order.push(block);
            if waiting.len() > 1 {
                waiting.pop();
            }
        }
    }
    order
}

/// A block, or a part of one.
struct Piece<'a> {
    len: u32,
    bytes: Cow<'a, [u8]>,
}

/// A block as pieces of at most `room` bytes; `None` if that can't be.
fn cut<'a>(
    bytes: &'a [u8],
    block: &Block,
    room: usize,
) -> Result<Option<Vec<Piece<'a>>>, ScanError> {
    if bytes.len() <= room {
        return Ok(Some(vec![Piece { len: block.len, bytes: Cow::Borrowed(bytes) }]));
    }
    let mut scan = Scan::new(bytes);
    let info = scan.reader.u8()?;
    let kind = info & CONTENT_KIND;
    if kind != STRING && kind != ANY {
        return Ok(None);
    }
    if info & HAS_ORIGIN != 0 {
        scan.id()?;
    }
    let start = scan.position();
    if info & HAS_RIGHT_ORIGIN != 0 {
        scan.id()?;
    }
    let right_origin = &bytes[start..scan.position()];
    scan.parent(info)?;
    let mut head = bytes[..scan.position()].to_vec();
    let mut pieces = Vec::new();
    let mut clock = block.clock;
    let mut content = Content::read(kind, &mut scan)?;
    while !content.is_empty() {
        let room = room.checked_sub(head.len() + MAX_LENGTH);
        let Some((len, mut piece)) = room.and_then(|room| content.take(room, &head)) else {
            return Ok(None);
        };
        piece.shrink_to_fit();
        pieces.push(Piece { len, bytes: Cow::Owned(piece) });
        clock += len;
        // What comes after a cut follows what is before it, like content that was typed behind it.
        head.clear();
        head.push(info | HAS_ORIGIN);
        write_var_uint(&mut head, block.client);
        write_var_uint(&mut head, u64::from(clock - 1));
        head.extend_from_slice(right_origin);
    }
    Ok(Some(pieces))
}

/// Content that can be cut.
enum Content<'a> {
    Text(&'a str),
    /// The bytes of each element.
    List(VecDeque<&'a [u8]>),
}

impl<'a> Content<'a> {
    fn read(kind: u8, scan: &mut Scan<'a>) -> Result<Self, ScanError> {
        if kind == STRING {
            return Ok(Self::Text(scan.reader.var_str()?));
        }
        let mut elements = VecDeque::new();
        for _ in 0..scan.reader.var_uint()? {
            let before = scan.reader.clone();
            scan.any()?;
            let len = before.remaining() - scan.reader.remaining();
            elements.push_back(before.clone().take(len)?);
        }
        Ok(Self::List(elements))
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(elements) => elements.is_empty(),
        }
    }

    /// Takes what fits into `room` bytes, as a block with this head, and its length in clocks; `None` if nothing fits.
    fn take(&mut self, room: usize, head: &[u8]) -> Option<(u32, Vec<u8>)> {
        let mut bytes = head.to_vec();
        match self {
            Self::Text(text) => {
                let mut end = room.min(text.len());
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                let (taken, rest) = text.split_at(end);
                *text = rest;
                write_var_bytes(&mut bytes, taken.as_bytes());
                (!taken.is_empty()).then(|| (utf16_len(taken), bytes))
            }
            Self::List(elements) => {
                let mut size = 0;
                let fits = |element: &&&[u8]| {
                    size += element.len();
                    size <= room
                };
                let count = elements.iter().take_while(fits).count();
                write_var_uint(&mut bytes, count as u64);
                elements.drain(..count).for_each(|element| bytes.extend_from_slice(element));
                (count > 0).then_some((count as u32, bytes))
            }
        }
    }
}

/// Adds parts with the deletions only; false if `limit` is too small for any.
fn split_deletions(
    deletions: &[u8],
    limit: usize,
    parts: &mut Vec<Vec<u8>>,
) -> Result<bool, ScanError> {
    const MAX_RANGE: usize = 2 * MAX_LENGTH;
    // No blocks, one client, its id, its number of ranges.
    const MAX_HEAD: usize = 2 + 8 + MAX_LENGTH;

    if deletions == [0] {
        return Ok(true);
    }
    if deletions.len() < limit {
        parts.push([&[0], deletions].concat());
        return Ok(true);
    }
    let ranges_per_part = limit.saturating_sub(MAX_HEAD) / MAX_RANGE;
    if ranges_per_part == 0 {
        return Ok(false);
    }
    let mut reader = Reader::new(deletions);
    for _ in 0..reader.var_uint()? {
        let client = reader.var_uint()?;
        let mut left = reader.var_uint()?;
        while left > 0 {
            let count = left.min(ranges_per_part as u64);
            let mut part = vec![0, 1];
            write_var_uint(&mut part, client);
            write_var_uint(&mut part, count);
            for _ in 0..2 * count {
                write_var_uint(&mut part, reader.var_uint()?);
            }
            parts.push(part);
            left -= count;
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
