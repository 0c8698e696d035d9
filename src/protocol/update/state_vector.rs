//! State vectors: how far a peer is, computed without a document.

use std::collections::BTreeMap;

use super::scan::{Block, Scan, ScanError, blocks_v1};
use crate::protocol::lib0::{Reader, write_var_uint};

/// Clocks by client.
type Clocks = BTreeMap<u64, u32>;

/// Walks a state vector.
pub fn scan_state_vector(bytes: &[u8]) -> Result<(), ScanError> {
    let mut scan = Scan::new(bytes);
    scan.state_vector()?;
    scan.end()
}

/// The state vector of a peer that gets these updates as well, one after the other. What does not follow on what it has
/// does not count. Empty bytes stand for the empty vector.
pub fn advance_state_vector<'a>(
    state_vector: &[u8],
    updates: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, ScanError> {
    let mut clocks = read(state_vector)?;
    for update in updates {
        for Block { client, clock, len, .. } in blocks_v1(update)?.0 {
            let known = clocks.get(&client).copied().unwrap_or(0);
            if clock <= known {
                // The walk has made sure that the sum is a clock.
                clocks.insert(client, known.max(clock + len));
            }
        }
    }
    Ok(write(&clocks))
}

/// What two peers both have: whoever gets the difference to it lacks nothing, whichever of the two it is.
pub fn common_state_vector(one: &[u8], other: &[u8]) -> Result<Vec<u8>, ScanError> {
    let (mut common, other) = (read(one)?, read(other)?);
    common.retain(|client, clock| {
        *clock = (*clock).min(other.get(client).copied().unwrap_or(0));
        *clock > 0
    });
    Ok(write(&common))
}

fn read(state_vector: &[u8]) -> Result<Clocks, ScanError> {
    let mut clocks = Clocks::new();
    if !state_vector.is_empty() {
        scan_state_vector(state_vector)?;
        let mut reader = Reader::new(state_vector);
        for _ in 0..reader.var_uint()? {
            clocks.insert(reader.var_uint()?, reader.var_u32()?);
        }
    }
    Ok(clocks)
}

fn write(clocks: &Clocks) -> Vec<u8> {
    let mut out = Vec::new();
    write_var_uint(&mut out, clocks.len() as u64);
    for (&client, &clock) in clocks {
        write_var_uint(&mut out, client);
        write_var_uint(&mut out, u64::from(clock));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_have_in_common_what_both_have() {
        // (label, one, other, common), each as [client, clock]
        let vector = |entries: &[[u64; 2]]| {
            let mut out = Vec::new();
            write_var_uint(&mut out, entries.len() as u64);
            entries.iter().flatten().for_each(|&number| write_var_uint(&mut out, number));
            out
        };
        let table: [(&str, [&[[u64; 2]]; 3]); 4] = [
            ("the smaller clock", [&[[1, 5], [2, 7]], &[[1, 9], [2, 3]], &[[1, 5], [2, 3]]]),
            ("nobody unknown to one", [&[[1, 5], [2, 7]], &[[2, 9], [300, 1]], &[[2, 7]]]),
            ("nothing with the empty", [&[[1, 5]], &[], &[]]),
            ("all with itself", [&[[1, 5], [300, 600]]; 3]),
        ];
        for (label, [one, other, common]) in table {
            let (one, other) = (vector(one), vector(other));
            assert_eq!(common_state_vector(&one, &other).unwrap(), vector(common), "{label}");
            assert_eq!(common_state_vector(&other, &one).unwrap(), vector(common), "{label}");
        }
        assert_eq!(common_state_vector(&[], &vector(&[[1, 1]])).unwrap(), [0], "no bytes at all");
        assert!(common_state_vector(&[1], &[0]).is_err());
    }
}
