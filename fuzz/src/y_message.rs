//! Payloads of envelopes.

use bytes::Bytes;
use yjs_provider_native::protocol::y_message::{MAX_MESSAGES, decode_all};

use super::memory;

/// Decodes a payload.
pub fn y_message(data: &[u8]) {
    let payload = Bytes::copy_from_slice(data);
    let limit = 4096 + 256 * MAX_MESSAGES + data.len();
    let Ok(messages) = memory::within(limit, || decode_all(&payload)) else { return };
    assert!(!messages.is_empty() && messages.len() <= MAX_MESSAGES);
    for message in messages {
        let again = decode_all(&message.encode().into()).expect("what is encoded decodes");
        assert_eq!(again.as_slice(), [message]);
    }
}
