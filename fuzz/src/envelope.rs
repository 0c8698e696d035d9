//! Frames around payloads.

use bytes::Bytes;
use yjs_provider_native::protocol::envelope::{Metadata, decode, encode};

use super::memory;

/// Decodes an envelope.
pub fn envelope(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let decoded = memory::within(4096 + 32 * data.len(), || decode(&bytes));
    let Ok(envelope) = decoded else { return };
    assert!(data.ends_with(&envelope.payload));
    // Longer than it came, metadata may be too long.
    let Ok(again) = encode(&envelope.metadata, &envelope.payload) else { return };
    let again = Bytes::from(again);
    let again = decode(&again).expect("what is encoded decodes");
    assert_eq!(again.payload, envelope.payload);
    let Metadata { room_id, doc_id, .. } = &envelope.metadata;
    assert_eq!((room_id, doc_id), (&again.metadata.room_id, &again.metadata.doc_id));
    assert_eq!(again.metadata, envelope.metadata);
}
