//! Updates in format V1, on their whole way into a document and out again.

use yjs_provider_native::protocol::update::{
    Contents, inspect_v1, merge, scan_state_vector, scan_v1, split_at_gaps, split_to_size,
    v1_to_v2, v2_to_v1,
};

use super::memory;
use super::replica::Replica;

/// Most memory for each byte: a block of two takes a few hundred inside of the CRDT.
const BYTES_PER_BYTE: usize = 1024;

/// Most memory of a scan for each byte: five of them may be the blocks of one more client.
const SPAN_PER_BYTE: usize = 32;

/// Some.
const BASE: usize = 1 << 20;

/// Scans, splits and merges an update, then applies it to documents.
pub fn update_v1(data: &[u8]) {
    let limit = BASE + BYTES_PER_BYTE * data.len();
    let Ok(seen) = memory::within(4096 + SPAN_PER_BYTE * data.len(), || inspect_v1(data)) else {
        assert!(!Replica::new().apply([data]), "what the scan refuses must not be applied");
        return;
    };
    let contents = memory::within(limit, || Contents::of(data)).expect("it was scanned");

    let parts = memory::within(limit, || split_at_gaps(data)).expect("it was scanned");
    for part in &parts {
        assert!(!inspect_v1(part).expect("a part is an update").has_gaps);
    }
    for size in [64, 1000] {
        let pieces = memory::within(limit, || split_to_size(data, size)).expect("it was scanned");
        for piece in pieces.iter().flatten() {
            scan_v1(piece).expect("a piece is an update");
            assert!(piece.len() <= size);
        }
    }
    if let Ok(merged) = memory::within(2 * limit, || merge(&[data, data])) {
        scan_v1(&merged).expect("what is merged is an update");
        assert!(seen.has_gaps || Contents::of(&merged).is_ok_and(|it| it.contain(&contents)));
    }
    if let Ok(v2) = memory::within(2 * limit, || v1_to_v2(data)) {
        v2_to_v1(&v2).expect("what is translated can be translated back");
    }

    let mut whole = Replica::new();
    whole.apply([data]);
    check(&mut whole);
    let mut reversed = Replica::new();
    reversed.apply(parts.iter().rev().map(Vec::as_slice));
    reversed.apply([data]);
    check(&mut reversed);
}

/// Whatever a document was told, others can read what it says, or it says that it is poisoned.
fn check(replica: &mut Replica) {
    let Some(state) = replica.difference(&[]) else { return };
    scan_v1(&state).expect("a document's state is an update");
    if let Some(vector) = replica.state_vector() {
        scan_state_vector(&vector).expect("a document's state vector is one");
    }
    Replica::new().apply([&state[..]]);
}
