//! Awareness updates.

use std::time::Instant;

use yjs_provider_native::protocol::awareness::{decode, encode};
use yjs_provider_native::session::Awareness;

use super::memory;

const OWN_CLIENT: u64 = 1;

/// Decodes an awareness update, and tells a client that is present of it.
pub fn awareness(data: &[u8]) {
    let now = Instant::now();
    let mut present = Awareness::new(OWN_CLIENT);
    present.set_local_state(now, Some("{}".into()));
    let limit = 8192 + 256 * data.len();
    let applied = memory::within(limit, || present.apply(now, data));
    let decoded = memory::within(limit, || decode(data));
    assert_eq!(applied.is_ok(), decoded.is_ok());
    assert!(present.local_state().is_some(), "nobody else removes our own state");
    let Ok(entries) = decoded else { return };
    assert_eq!(decode(&encode(&entries)), Ok(entries));
    // What is sent on to others is readable for them.
    let clients: Vec<u64> = present.meta().keys().copied().collect();
    let sent = decode(&present.encode(&clients)).expect("what is encoded decodes");
    assert_eq!(sent.len(), clients.len());
}
