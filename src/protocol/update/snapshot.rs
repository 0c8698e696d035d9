//! Snapshots: what a document held at one time. Format V2 is that of Yjs, which `yrs` writes differently.

use std::panic::catch_unwind;

use yrs::updates::decoder::Decode;
use yrs::updates::encoder::{Encode, Encoder, EncoderV2};
use yrs::{ClientID, ID, IdSet, Snapshot, StateVector};

use super::{ScanError, scan_snapshot};
use crate::protocol::lib0::{ReadError, Reader, write_var_uint};

/// Reads a snapshot in format V1.
pub fn decode_snapshot_v1(bytes: &[u8]) -> Result<Snapshot, ScanError> {
    scan_snapshot(bytes)?;
    let malformed = ScanError::Malformed(ReadError::UnexpectedEnd);
    let mut snapshot =
        catch_unwind(|| Snapshot::decode_v1(bytes)).ok().and_then(Result::ok).ok_or(malformed)?;
    // A client that wrote nothing says nothing, and `yrs` looks for the block before its first one.
    if snapshot.state_map.iter().any(|(_, clock)| *clock == 0) {
        let clients = snapshot.state_map.iter().filter(|(_, clock)| **clock > 0);
        snapshot.state_map = clients.map(|(client, clock)| (*client, *clock)).collect();
    }
    Ok(snapshot)
}

/// Writes a snapshot in format V2, as Yjs does: clocks of what was deleted are relative to each other.
pub fn encode_snapshot_v2(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = Vec::new();
    let mut deletes: Vec<_> = snapshot.delete_set.iter().collect();
    deletes.sort_by_key(|(client, _)| std::cmp::Reverse(client.get()));
    write_var_uint(&mut out, deletes.len() as u64);
    for (client, ranges) in deletes {
        write_var_uint(&mut out, client.get());
        write_var_uint(&mut out, ranges.iter().count() as u64);
        let mut at = 0;
        for range in ranges.iter() {
            write_var_uint(&mut out, u64::from(range.start.saturating_sub(at)));
            write_var_uint(&mut out, u64::from((range.end - range.start).saturating_sub(1)));
            at = range.end;
        }
    }
    let mut clients: Vec<_> = snapshot.state_map.iter().collect();
    clients.sort_by_key(|(client, _)| std::cmp::Reverse(client.get()));
    write_var_uint(&mut out, clients.len() as u64);
    for (client, clock) in clients {
        write_var_uint(&mut out, client.get());
        write_var_uint(&mut out, u64::from(*clock));
    }
    out
}

/// Reads a snapshot in format V2, of Yjs or of `yrs`.
pub fn decode_snapshot_v2(bytes: &[u8]) -> Result<Snapshot, ScanError> {
    // `yrs` puts its empty columns in front. In what Yjs writes, two zeros are a whole snapshot.
    let columns = EncoderV2::new().to_vec();
    let mut reader = Reader::new(bytes.strip_prefix(columns.as_slice()).unwrap_or(bytes));
    let mut delete_set = IdSet::new();
    for _ in 0..count(&mut reader)? {
        let client = ClientID::new(reader.var_uint()?);
        let mut at = 0u32;
        for _ in 0..count(&mut reader)? {
            let start = at.checked_add(reader.var_u32()?).ok_or(ScanError::ClockOutOfRange)?;
            let len = reader.var_u32()?.checked_add(1).ok_or(ScanError::ClockOutOfRange)?;
            at = start.checked_add(len).ok_or(ScanError::ClockOutOfRange)?;
            delete_set.insert(ID::new(client, start), len);
        }
    }
    let mut state_map = StateVector::default();
    for _ in 0..count(&mut reader)? {
        let client = ClientID::new(reader.var_uint()?);
        match reader.var_u32()? {
            0 => {}
            clock => state_map.set_max(client, clock),
        }
    }
    match reader.remaining() {
        0 => Ok(Snapshot::new(state_map, delete_set)),
        left => Err(ScanError::TrailingBytes(left)),
    }
}

/// Writes a snapshot in format V1.
pub fn encode_snapshot_v1(snapshot: &Snapshot) -> Vec<u8> {
    snapshot.encode_v1()
}

/// A count of entries, each of which needs two bytes at least.
fn count(reader: &mut Reader<'_>) -> Result<u64, ScanError> {
    let count = reader.var_uint()?;
    if count > (reader.remaining() / 2) as u64 {
        return Err(ScanError::TooManyElements(count));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use yrs::{Doc, ReadTxn, Text, Transact};

    fn snapshot() -> Snapshot {
        let doc = Doc::with_client_id(7);
        let text = doc.get_or_insert_text("text");
        let mut txn = doc.transact_mut();
        text.insert(&mut txn, 0, "hello world");
        text.remove_range(&mut txn, 2, 3);
        text.remove_range(&mut txn, 5, 1);
        drop(txn);
        doc.transact().snapshot()
    }

    #[test]
    fn every_format_reads_back() {
        let snapshot = snapshot();
        assert_eq!(decode_snapshot_v1(&encode_snapshot_v1(&snapshot)).unwrap(), snapshot);
        assert_eq!(decode_snapshot_v2(&encode_snapshot_v2(&snapshot)).unwrap(), snapshot);
        assert_eq!(decode_snapshot_v2(&snapshot.encode_v2()).unwrap(), snapshot, "that of yrs");
        assert_eq!(decode_snapshot_v2(&[0, 0]).unwrap(), Snapshot::default(), "an empty one");
    }

    #[test]
    fn what_is_cut_or_claims_too_much_is_refused() {
        let (v1, v2) = (encode_snapshot_v1(&snapshot()), encode_snapshot_v2(&snapshot()));
        for len in 0..v1.len() {
            assert!(decode_snapshot_v1(&v1[..len]).is_err(), "V1 cut to {len}");
        }
        for len in 0..v2.len() {
            assert!(decode_snapshot_v2(&v2[..len]).is_err(), "V2 cut to {len}");
        }
        assert!(decode_snapshot_v2(&[0xff, 0xff, 0xff, 0x7f]).is_err());
    }

    #[test]
    fn a_client_without_content_is_left_out() {
        let snapshot = decode_snapshot_v1(&[0, 2, 7, 0, 8, 1]).unwrap();
        assert_eq!(snapshot.state_map.len(), 1);
    }
}
