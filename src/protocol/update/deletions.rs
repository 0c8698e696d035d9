//! What updates delete.

use std::cmp::Reverse;
use std::ops::Range;

use smallvec::SmallVec;

use crate::protocol::lib0::{ReadError, Reader, write_var_uint};

/// Deleted ranges of clocks, of any number of updates.
#[derive(Default)]
pub(super) struct Deletions(SmallVec<[(Reverse<u64>, Range<u32>); 16]>);

impl Deletions {
    /// Adds those of an update that was scanned: its bytes from where they begin.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        let mut reader = Reader::new(bytes);
        for _ in 0..reader.var_uint()? {
            let client = reader.var_uint()?;
            for _ in 0..reader.var_uint()? {
                let (clock, len) = (reader.var_u32()?, reader.var_u32()?);
                // Nothing is in an empty one, and who merges updates leaves it out.
                if len > 0 {
                    self.0.push((Reverse(client), clock..clock + len));
                }
            }
        }
        Ok(())
    }

    /// Writes them as Yjs does: each client once, its ranges in order and apart.
    pub(super) fn write(mut self, out: &mut Vec<u8>) {
        self.0.sort_unstable_by_key(|(client, range)| (*client, range.start));
        self.0.dedup_by(|(next_client, next), (client, range)| {
            let is_joined = next_client == client && next.start <= range.end;
            if is_joined {
                range.end = range.end.max(next.end);
            }
            is_joined
        });
        let clients = || self.0.chunk_by(|one, next| one.0 == next.0);
        write_var_uint(out, clients().count() as u64);
        for ranges in clients() {
            write_var_uint(out, ranges[0].0.0);
            write_var_uint(out, ranges.len() as u64);
            for (_, range) in ranges {
                write_var_uint(out, u64::from(range.start));
                write_var_uint(out, u64::from(range.end - range.start));
            }
        }
    }
}
