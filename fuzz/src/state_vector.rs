//! State vectors and snapshots.

use yjs_provider_native::protocol::update::{
    advance_state_vector, common_state_vector, decode_snapshot_v1, decode_snapshot_v2,
    encode_snapshot_v1, encode_snapshot_v2, scan_state_vector, scan_v1,
};

use super::memory;
use super::replica::Replica;

/// An update of client 1, one of client 2.
const UPDATE: &[u8] =
    &[2, 1, 2, 0, 4, 1, 1, b't', 2, b'h', b'i', 1, 1, 0, 4, 1, 1, b't', 2, b'h', b'o', 0];

/// Scans, advances and answers a state vector; or reads the bytes as a snapshot.
pub fn state_vector(data: &[u8]) {
    let limit = 8192 + 256 * data.len();
    if let Ok(snapshot) = memory::within(limit, || decode_snapshot_v1(data)) {
        let again = decode_snapshot_v1(&encode_snapshot_v1(&snapshot)).expect("it reads back");
        assert_eq!(again, snapshot);
    }
    if let Ok(snapshot) = memory::within(limit, || decode_snapshot_v2(data)) {
        let again = decode_snapshot_v2(&encode_snapshot_v2(&snapshot)).expect("it reads back");
        assert_eq!(again, snapshot);
    }
    if scan_state_vector(data).is_err() {
        return;
    }
    let advanced = memory::within(limit, || advance_state_vector(data, [UPDATE]));
    scan_state_vector(&advanced.expect("it was scanned")).expect("a state vector");
    let common = memory::within(limit, || common_state_vector(data, data)).expect("it was scanned");
    assert_eq!(common_state_vector(&common, data).as_ref(), Ok(&common));
    let mut replica = Replica::new();
    assert!(replica.apply([UPDATE]));
    let difference = replica.difference(data).expect("the document is well");
    scan_v1(&difference).expect("a difference is an update");
}
