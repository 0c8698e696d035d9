//! Updates in format V2.

use bytes::Bytes;
use yjs_provider_native::protocol::update::{any_to_v1, scan_v1, v1_to_v2, v2_to_v1};

use super::memory;
use super::replica::Replica;

/// Columns say "the same again" up to a million times in a few bytes, and honest updates do, too.
const LIMIT: usize = 1 << 29;

/// Translates an update, and applies it.
pub fn update_v2(data: &[u8]) {
    let translated = memory::within(LIMIT, || v2_to_v1(data));
    let any = memory::within(LIMIT, || any_to_v1(Bytes::copy_from_slice(data)));
    let Ok(v1) = translated else { return };
    scan_v1(&v1).expect("what is translated is an update");
    // Not always to the same bytes: entries of a map have no order.
    assert!(any.is_ok(), "what can be translated is one of the two formats");
    // Enough is known about giants.
    if v1.len() > 1 << 16 {
        return;
    }
    if let Ok(v2) = v1_to_v2(&v1) {
        v2_to_v1(&v2).expect("what is translated back can be translated");
    }
    Replica::new().apply([&v1[..]]);
}
