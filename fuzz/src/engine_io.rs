//! Text messages of a server.

use std::time::Duration;

use yjs_provider_native::protocol::engine_io::{
    Packet, base64_capacity, decode_text, encode_base64,
};

use super::memory;

/// No deadline that is computed from an open packet may overflow.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// Decodes an Engine.IO message.
pub fn engine_io(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let decoded = memory::within(4096 + 4 * text.len(), || decode_text(text));
    match decoded {
        Ok(Packet::Open(open)) => {
            assert!(open.ping_interval <= LONGEST && open.ping_timeout <= LONGEST);
        }
        Ok(Packet::Ping(payload) | Packet::Pong(payload) | Packet::Message(payload)) => {
            assert_eq!(payload, &text[1..]);
        }
        Ok(Packet::Binary(bytes)) => {
            // Without padding, up to two bytes more.
            assert!(bytes.len() <= base64_capacity(text.len()) + 2);
            let again = encode_base64(&bytes);
            assert_eq!(decode_text(&again), Ok(Packet::Binary(bytes)));
        }
        Ok(Packet::Close | Packet::Upgrade | Packet::Noop) | Err(_) => {}
    }
}
