//! A stretch of a text of which every item is known, because this replica inserted all of it.
//!
//! Where an item goes, and which ones an edit deletes, is known there without asking the CRDT, which would walk through
//! the whole text (T 7). So the edit can be written as the update that it is.

use smallvec::SmallVec;
use yrs::{BranchID, ClientID, ID};

use crate::protocol::lib0::{ReadError, Reader, write_var_bytes, write_var_uint};

/// A stretch in more runs than this is given up, so that its memory and the time to shift them are bounded.
const MAX_RUNS: usize = 1 << 16;

const HAS_LEFT: u8 = 0x80;
const HAS_RIGHT: u8 = 0x40;
const STRING: u8 = 4;

/// What this replica inserted between two items, with what was deleted of it.
#[derive(Debug)]
pub(super) struct OwnRuns {
    client: ClientID,
    /// Clock of what is inserted next.
    clock: u32,
    /// Where the stretch begins in the text, in UTF-16 units.
    start: u32,
    /// Its length without what was deleted.
    length: u32,
    /// Length of the whole text.
    text_length: u32,
    /// The items around it: the right one is not deleted.
    left: Option<ID>,
    right: Option<ID>,
    runs: Vec<Run>,
    /// A run and where it begins in the stretch: the next edit is often near by.
    cursor: (usize, u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    clock: u32,
    count: u32,
    is_deleted: bool,
}

type Parts = SmallVec<[Run; 8]>;

impl Run {
    fn length(self) -> u32 {
        if self.is_deleted { 0 } else { self.count }
    }

    fn end(self) -> u32 {
        self.clock + self.count
    }
}

impl OwnRuns {
    /// What the update of an insertion tells: it is all that is known then. Nothing, if it is of anything else.
    pub(super) fn of_insertion(
        update: &[u8],
        client: ClientID,
        position: u32,
        text_length: u32,
    ) -> Option<Self> {
        let (clock, left, right, count) = read_insertion(update, client).ok().flatten()?;
        Some(Self {
            client,
            clock: clock + count,
            start: position,
            length: count,
            text_length,
            left,
            right,
            runs: vec![Run { clock, count, is_deleted: false }],
            cursor: (0, 0),
        })
    }

    /// Length of the text that the stretch is in.
    pub(super) fn text_length(&self) -> u32 {
        self.text_length
    }

    /// Inserts a chunk and returns the update, unless the position is outside of the stretch.
    pub(super) fn insert(
        &mut self,
        parent: &BranchID,
        position: u32,
        chunk: &str,
    ) -> Option<Vec<u8>> {
        let position = position.checked_sub(self.start).filter(|it| *it <= self.length)?;
        if self.runs.len() > MAX_RUNS {
            return None;
        }
        let (index, offset) = self.find(position);
        let id = |clock| ID::new(self.client, clock);
        let before = index.checked_sub(1).map(|index| self.runs[index]);
        let left = match before {
            _ if offset > 0 => Some(id(self.runs[index].clock + offset - 1)),
            Some(run) => Some(id(run.end() - 1)),
            None => self.left,
        };
        let right = self.runs.get(index).map_or(self.right, |run| Some(id(run.clock + offset)));
        let new = Run {
            clock: self.clock,
            count: chunk.encode_utf16().count() as u32,
            is_deleted: false,
        };
        let update = write_insertion(id(new.clock), left, right, parent, chunk);
        match before {
            _ if offset > 0 => {
                let run = &mut self.runs[index];
                let rest = Run { clock: run.clock + offset, count: run.count - offset, ..*run };
                run.count = offset;
                let index = index + 1;
                self.runs.splice(index..index, [new, rest]);
            }
            Some(run) if run.end() == new.clock && !run.is_deleted => {
                self.runs[index - 1].count += new.count;
                self.cursor = (index - 1, position - run.count);
            }
            _ => self.runs.insert(index, new),
        }
        self.clock = new.end();
        self.length += new.count;
        self.text_length += new.count;
        Some(update)
    }

    /// Removes a range and returns the update, unless it reaches out of the stretch.
    pub(super) fn delete(&mut self, position: u32, length: u32) -> Option<Vec<u8>> {
        let position = position.checked_sub(self.start)?;
        if position + length > self.length || self.runs.len() > MAX_RUNS {
            return None;
        }
        let (first, mut offset) = self.find(position);
        // The run before stays where it is, whatever is joined to it.
        let start = first.saturating_sub(1);
        let mut parts = Parts::from_slice(&self.runs[start..first]);
        let (mut index, mut remaining) = (first, length);
        let mut deleted = Vec::new();
        while remaining > 0 {
            let run = self.runs[index];
            index += 1;
            if run.is_deleted {
                push(&mut parts, run);
                continue;
            }
            let count = remaining.min(run.count - offset);
            let gone = Run { clock: run.clock + offset, count, is_deleted: true };
            let rest = Run { clock: gone.end(), count: run.count - offset - count, ..run };
            for part in [Run { count: offset, ..run }, gone, rest] {
                push(&mut parts, part);
            }
            deleted.push((gone.clock, count));
            remaining -= count;
            offset = 0;
        }
        if let Some(next) = self.runs.get(index) {
            push(&mut parts, *next);
            index += 1;
        }
        let shift = if start < first { self.runs[start].length() } else { 0 };
        self.cursor = (start, self.cursor.1 - shift);
        // Mostly as many as before, so that no others move.
        self.runs.splice(start..index, parts);
        self.length -= length;
        self.text_length -= length;
        Some(write_deletion(self.client, deleted))
    }

    /// The run that a position is in, and where in it. Between two runs it is the right one, behind all that was deleted
    /// there: where the CRDT inserts, too.
    fn find(&mut self, position: u32) -> (usize, u32) {
        let (mut index, mut start) = self.cursor;
        while start > position {
            index -= 1;
            start -= self.runs[index].length();
        }
        while let Some(run) = self.runs.get(index)
            && start + run.length() <= position
        {
            index += 1;
            start += run.length();
        }
        self.cursor = (index, start);
        (index, position - start)
    }
}

/// Adds a run, joined to the last one if it follows it in the CRDT, too.
fn push(parts: &mut Parts, run: Run) {
    match parts.last_mut() {
        _ if run.count == 0 => {}
        Some(last) if last.is_deleted == run.is_deleted && last.end() == run.clock => {
            last.count += run.count;
        }
        _ => parts.push(run),
    }
}

fn write_insertion(
    id: ID,
    left: Option<ID>,
    right: Option<ID>,
    parent: &BranchID,
    chunk: &str,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(48 + chunk.len());
    let write_id = |out: &mut Vec<u8>, id: ID| {
        write_var_uint(out, id.client.get());
        write_var_uint(out, id.clock.into());
    };
    // One client, one item.
    out.extend([1, 1]);
    write_id(&mut out, id);
    let flag = |id: Option<ID>, flag| if id.is_some() { flag } else { 0 };
    out.push(STRING | flag(left, HAS_LEFT) | flag(right, HAS_RIGHT));
    for id in left.into_iter().chain(right) {
        write_id(&mut out, id);
    }
    // An item next to another is where that one is.
    if left.is_none() && right.is_none() {
        match parent {
            BranchID::Root(name) => {
                out.push(1);
                write_var_bytes(&mut out, name.as_bytes());
            }
            BranchID::Nested(id) => {
                out.push(0);
                write_id(&mut out, *id);
            }
        }
    }
    write_var_bytes(&mut out, chunk.as_bytes());
    // Nothing was deleted.
    out.push(0);
    out
}

fn write_deletion(client: ClientID, mut deleted: Vec<(u32, u32)>) -> Vec<u8> {
    deleted.sort_unstable();
    deleted.dedup_by(|next, range| {
        let follows = range.0 + range.1 == next.0;
        range.1 += if follows { next.1 } else { 0 };
        follows
    });
    // No items, deletions of one client.
    let mut out = vec![0, 1];
    write_var_uint(&mut out, client.get());
    write_var_uint(&mut out, deleted.len() as u64);
    for (clock, count) in deleted {
        write_var_uint(&mut out, clock.into());
        write_var_uint(&mut out, count.into());
    }
    out
}

type Insertion = (u32, Option<ID>, Option<ID>, u32);

/// Clock, left and right neighbour and length of what an update of nothing else inserts.
fn read_insertion(update: &[u8], author: ClientID) -> Result<Option<Insertion>, ReadError> {
    let mut reader = Reader::new(update);
    let read_id = |reader: &mut Reader<'_>| -> Result<ID, ReadError> {
        Ok(ID::new(ClientID::new(reader.var_uint()?), reader.var_u32()?))
    };
    if (reader.var_uint()?, reader.var_uint()?) != (1, 1) {
        return Ok(None);
    }
    let id = read_id(&mut reader)?;
    let info = reader.u8()?;
    let neighbour = |reader: &mut Reader<'_>, flag| {
        if info & flag != 0 { read_id(reader).map(Some) } else { Ok(None) }
    };
    let left = neighbour(&mut reader, HAS_LEFT)?;
    let right = neighbour(&mut reader, HAS_RIGHT)?;
    if info & !(HAS_LEFT | HAS_RIGHT) != STRING || id.client != author {
        return Ok(None);
    }
    if left.is_none() && right.is_none() {
        match reader.u8()? {
            1 => drop(reader.var_str()?),
            _ => drop(read_id(&mut reader)?),
        }
    }
    let count = reader.var_str()?.encode_utf16().count() as u32;
    Ok((reader.u8()? == 0 && reader.is_empty()).then_some((id.clock, left, right, count)))
}

#[cfg(test)]
mod tests;
