//! One update as several, each of which can be applied after the ones before it.

mod cut;
mod part;

use std::collections::{BTreeMap, VecDeque};

use super::scan::{Block, ScanError, blocks_v1};
use crate::protocol::lib0::{Reader, write_var_uint};
use cut::{Piece, cut};
use part::{MAX_PART_HEAD, MAX_SECTION_HEAD, Part};

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
