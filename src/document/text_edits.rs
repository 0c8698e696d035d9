//! Plain edits of one text that the CRDT has not seen yet.
//!
//! The CRDT finds a position by walking through all items of a text, and joins none while a transaction is open, so it
//! slows down with every edit (T 7, T 8). Edits that nobody looks at one by one are collected here instead, as what is
//! left of them: what was kept, what was deleted and what came in, from left to right.

use yrs::branch::BranchPtr;
use yrs::types::{Attrs, Delta};
use yrs::{Any, Text, TextRef, TransactionMut};

use super::embed::Embed;
use super::gap_buffer::GapBuffer;
use super::input::Input;
use super::text_delta::text_runs;

/// From so many changes on one pass over the text is cheaper than to find every one of them, even though it takes another
/// pass to see whether there are formats.
const MANY: usize = 8;

/// The edits of one text.
#[derive(Debug)]
pub(super) struct TextEdits {
    parts: Vec<Part>,
    /// Length of the text with the edits, in UTF-16 units.
    length: u32,
    /// A part and the position where it begins: the next edit is often near by.
    cursor: (usize, u32),
}

#[derive(Debug)]
enum Part {
    Kept(u32),
    Deleted(u32),
    Inserted(GapBuffer),
}

impl Part {
    fn inserted(chunk: &str) -> Self {
        let mut text = GapBuffer::default();
        text.insert(0, chunk);
        Self::Inserted(text)
    }

    fn length(&self) -> u32 {
        match self {
            Self::Kept(length) => *length,
            Self::Deleted(_) => 0,
            Self::Inserted(text) => text.len() as u32,
        }
    }
}

impl TextEdits {
    /// No edits of a text of this length.
    pub(super) fn new(length: u32) -> Self {
        let parts = if length > 0 { vec![Part::Kept(length)] } else { Vec::new() };
        Self { parts, length, cursor: (0, 0) }
    }

    /// Length of the text with the edits.
    pub(super) fn length(&self) -> u32 {
        self.length
    }

    /// How many parts the text is in.
    pub(super) fn part_count(&self) -> usize {
        self.parts.len()
    }

    /// Whether the edits changed nothing, or took back all that they changed.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Kept(_)))
    }

    /// Inserts a chunk at an index inside of the text. Refuses to where it would split a surrogate pair.
    pub(super) fn insert(&mut self, position: u32, chunk: &str) -> bool {
        let (index, offset) = self.find(position);
        if self.splits_pair(index, offset) {
            return false;
        }
        let before = self.length;
        self.length += chunk.encode_utf16().count() as u32;
        if self.length == before {
            return true;
        }
        // At the end of what came in before, typing goes on.
        let is_after_insertion =
            offset == 0 && index > 0 && matches!(self.parts[index - 1], Part::Inserted(_));
        match self.parts.get_mut(index) {
            Some(Part::Inserted(text)) => text.insert(offset as usize, chunk),
            _ if is_after_insertion => {
                if let Part::Inserted(text) = &mut self.parts[index - 1] {
                    self.cursor = (index - 1, position - text.len() as u32);
                    text.insert(text.len(), chunk);
                }
            }
            Some(Part::Kept(length)) if offset > 0 => {
                let rest = Part::Kept(*length - offset);
                *length = offset;
                let index = index + 1;
                self.parts.splice(index..index, [Part::inserted(chunk), rest]);
            }
            _ => self.parts.insert(index, Part::inserted(chunk)),
        }
        true
    }

    /// Removes a range inside of the text. Refuses to where it would split a surrogate pair, and where text goes away
    /// behind which something was inserted: whose formats that took over would be forgotten.
    pub(super) fn delete(&mut self, position: u32, length: u32) -> bool {
        let (end, end_offset) = self.find(position + length);
        let (first, mut offset) = self.find(position);
        if self.splits_pair(end, end_offset) || self.splits_pair(first, offset) {
            return false;
        }
        let is_kept = |part: &Part| matches!(part, Part::Kept(_));
        if matches!(self.parts.get(end), Some(Part::Inserted(_)))
            && self.parts[first..end].iter().any(is_kept)
        {
            return false;
        }
        // The part before stays where it is, whatever is joined to it.
        let start = first.saturating_sub(1);
        self.cursor.1 -= if start < first { self.parts[start].length() } else { 0 };
        self.cursor.0 = start;
        self.length -= length;
        let (mut index, mut remaining) = (first, length);
        while remaining > 0 {
            let available = self.parts[index].length() - offset;
            let count = available.min(remaining);
            remaining -= count;
            match &mut self.parts[index] {
                Part::Deleted(_) => index += 1,
                Part::Inserted(text) => {
                    text.remove(offset as usize, count as usize);
                    if text.is_empty() {
                        self.parts.remove(index);
                    } else {
                        index += 1;
                    }
                }
                Part::Kept(_) => {
                    let kept = |length| (length > 0).then_some(Part::Kept(length));
                    let left = kept(offset);
                    let is_split = usize::from(left.is_some());
                    let parts = left
                        .into_iter()
                        .chain([Part::Deleted(count)])
                        .chain(kept(available - count));
                    self.parts.splice(index..=index, parts);
                    index += is_split + 1;
                }
            }
            offset = 0;
        }
        self.join(start, index);
        true
    }

    /// Makes the edits, from left to right, so that every one finds what it would have found by itself.
    pub(super) fn apply(self, txn: &mut TransactionMut<'_>, branch: BranchPtr) {
        let changes = self.parts.iter().filter(|part| !matches!(part, Part::Kept(_))).count();
        // With formats what comes in takes over those on its left, which a delta can't say.
        let has_formats = || text_runs(txn, branch).iter().any(|run| !run.attributes.is_empty());
        if changes >= MANY && !has_formats() {
            self.apply_in_one_pass(txn, branch);
        } else {
            self.apply_one_by_one(txn, branch);
        }
    }

    fn apply_one_by_one(self, txn: &mut TransactionMut<'_>, branch: BranchPtr) {
        let text = TextRef::from(branch);
        let mut position = 0;
        for part in self.parts {
            let length = part.length();
            match part {
                Part::Kept(_) => {}
                Part::Deleted(length) => text.remove_range(txn, position, length),
                Part::Inserted(chunk) => text.insert(txn, position, &chunk.into_string()),
            }
            position += length;
        }
    }

    fn apply_in_one_pass(self, txn: &mut TransactionMut<'_>, branch: BranchPtr) {
        let delta = self.parts.into_iter().map(|part| match part {
            Part::Kept(length) => Delta::Retain(length, None),
            Part::Deleted(length) => Delta::Deleted(length),
            Part::Inserted(chunk) => {
                let chunk = Input::Any(Any::from(chunk.into_string()));
                Delta::Inserted(Embed::new(chunk), Some(Box::new(Attrs::new())))
            }
        });
        TextRef::from(branch).apply_delta(txn, delta);
    }

    /// The part that a position is in, and where in it. Between two parts it is the right one, behind all that was deleted
    /// there: where the CRDT inserts, too.
    fn find(&mut self, position: u32) -> (usize, u32) {
        let (mut index, mut start) = self.cursor;
        while start > position {
            index -= 1;
            start -= self.parts[index].length();
        }
        while let Some(part) = self.parts.get(index)
            && start + part.length() <= position
        {
            index += 1;
            start += part.length();
        }
        self.cursor = (index, start);
        (index, position - start)
    }

    /// Only of what came in is known what it is; the CRDT looks at the rest itself.
    fn splits_pair(&self, index: usize, offset: u32) -> bool {
        match self.parts.get(index) {
            Some(Part::Inserted(text)) => text.is_inside_of_pair(offset as usize),
            _ => false,
        }
    }

    /// Joins neighbours of a kind from one part to another.
    fn join(&mut self, first: usize, last: usize) {
        let mut index = (last + 1).min(self.parts.len());
        while index > first + 1 {
            index -= 1;
            let joined = match (&self.parts[index - 1], &self.parts[index]) {
                (Part::Kept(left), Part::Kept(right)) => Part::Kept(left + right),
                (Part::Deleted(left), Part::Deleted(right)) => Part::Deleted(left + right),
                _ => continue,
            };
            self.parts.splice(index - 1..=index, [joined]);
        }
    }
}

#[cfg(test)]
mod tests;
