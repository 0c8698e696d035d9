//! V1 updates of a single plain edit of a text.

use yrs::{BranchID, ClientID, ID};

use crate::protocol::lib0::{ReadError, Reader, write_var_bytes, write_var_uint};

const HAS_LEFT: u8 = 0x80;
const HAS_RIGHT: u8 = 0x40;
const STRING: u8 = 4;

/// An insertion next to two items, or into a text that is empty.
pub(super) fn write_insertion(
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

/// Deletions of items of one client: clock and length.
pub(super) fn write_deletion(client: ClientID, mut deleted: Vec<(u32, u32)>) -> Vec<u8> {
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

pub(super) type Insertion = (u32, Option<ID>, Option<ID>, u32);

/// Clock, left and right neighbour and length of what an update of nothing else inserts.
pub(super) fn read_insertion(
    update: &[u8],
    author: ClientID,
) -> Result<Option<Insertion>, ReadError> {
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
