//! Engine.IO v4 packets: one per WebSocket message.
//!
//! A binary WebSocket message has no packet around it: it is an attachment of the Socket.IO packet before it.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use super::base64;

/// The answer to a ping.
pub const PONG: &str = "3";

/// Node's timers hold no longer delay; with it, no deadline computed from an open packet can overflow.
const MAX_INTERVAL: Duration = Duration::from_millis(i32::MAX as u64);

/// A text message of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The handshake; the connection is open from here on.
    Open(Open),
    /// Means something on HTTP polling only; ignored on a WebSocket.
    Close,
    /// To be answered with [`PONG`], without the payload.
    Ping(&'a str),
    /// Never sent by a server to a client that doesn't ask; ignored.
    Pong(&'a str),
    /// A Socket.IO packet.
    Message(&'a str),
    /// Ignored on a WebSocket.
    Upgrade,
    /// Ignored on a WebSocket.
    Noop,
    /// A binary message that was sent as base64 text.
    Binary(Bytes),
}

/// What the server tells about the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Id of the transport session. The Socket.IO socket has another one.
    pub sid: String,
    /// The server pings this often.
    pub ping_interval: Duration,
    /// The connection is dead when no ping came for `ping_interval + ping_timeout`.
    pub ping_timeout: Duration,
    /// The server closes the connection when a single WebSocket message has more bytes. Old servers don't tell.
    pub max_payload: Option<usize>,
}

/// Why a text message is no Engine.IO packet. The official client closes the connection then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The message is empty.
    #[error("empty packet")]
    Empty,
    /// The first character is no packet type.
    #[error("unknown packet type {0:?}")]
    UnknownType(char),
    /// The handshake lacks a field, or a field is of the wrong type or out of range.
    #[error("invalid open packet: {0}")]
    InvalidOpen(String),
}

/// Decodes a text message. Payloads are slices of it.
pub fn decode_text(text: &str) -> Result<Packet<'_>, DecodeError> {
    let mut chars = text.chars();
    let kind = chars.next().ok_or(DecodeError::Empty)?;
    let payload = chars.as_str();
    match kind {
        '0' => decode_open(payload).map(Packet::Open),
        '1' => Ok(Packet::Close),
        '2' => Ok(Packet::Ping(payload)),
        '3' => Ok(Packet::Pong(payload)),
        '4' => Ok(Packet::Message(payload)),
        '5' => Ok(Packet::Upgrade),
        '6' => Ok(Packet::Noop),
        'b' => Ok(Packet::Binary(decode_base64(payload).into())),
        unknown => Err(DecodeError::UnknownType(unknown)),
    }
}

/// A binary message as text, for servers that were asked to speak base64.
pub fn encode_base64(bytes: &[u8]) -> String {
    format!("b{}", base64::encode(bytes))
}

/// How many bytes a text of this length can carry.
pub const fn base64_capacity(len: usize) -> usize {
    len.saturating_sub(1) / 4 * 3
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenJson {
    sid: String,
    ping_interval: u64,
    ping_timeout: u64,
    max_payload: Option<usize>,
}

fn decode_open(json: &str) -> Result<Open, DecodeError> {
    let open: OpenJson =
        serde_json::from_str(json).map_err(|error| DecodeError::InvalidOpen(error.to_string()))?;
    let ping_interval = Duration::from_millis(open.ping_interval);
    let ping_timeout = Duration::from_millis(open.ping_timeout);
    if ping_interval > MAX_INTERVAL || ping_timeout > MAX_INTERVAL {
        return Err(DecodeError::InvalidOpen("ping interval or timeout out of range".into()));
    }
    Ok(Open { sid: open.sid, ping_interval, ping_timeout, max_payload: open.max_payload })
}

/// Decodes base64 as Node's `Buffer.from(text, 'base64')` does for the official client: both alphabets, foreign
/// characters are skipped, `=` ends the data.
fn decode_base64(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let mut bits = 0_u32;
    let mut count = 0;
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn open(sid: &str, max_payload: Option<usize>) -> Packet<'static> {
        Packet::Open(Open {
            sid: sid.into(),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            max_payload,
        })
    }

    #[test]
    fn decodes_every_packet_type() {
        let rows: [(&str, &str, Packet<'_>); 13] = [
            (
                "open",
                r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#,
                open("x", Some(1_000_000)),
            ),
            (
                "open of an old server, long sid",
                r#"0{"sid":"lv_VI97HAXpY6yYWAAAC0123456789","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#,
                open("lv_VI97HAXpY6yYWAAAC0123456789", None),
            ),
            ("close", "1", Packet::Close),
            ("ping", "2", Packet::Ping("")),
            ("ping with payload", "2probe", Packet::Ping("probe")),
            ("pong", "3", Packet::Pong("")),
            ("message", "42[\"a\"]", Packet::Message("2[\"a\"]")),
            ("message, not ASCII", "4hé", Packet::Message("hé")),
            ("upgrade", "5", Packet::Upgrade),
            ("noop", "6", Packet::Noop),
            ("binary", "bAQIDBA==", Packet::Binary(Bytes::from_static(&[1, 2, 3, 4]))),
            (
                "binary, other alphabet, no padding",
                "b_-8",
                Packet::Binary(Bytes::from_static(&[0xff, 0xef])),
            ),
            ("binary, empty", "b", Packet::Binary(Bytes::new())),
        ];
        for (label, text, expected) in rows {
            assert_eq!(decode_text(text), Ok(expected), "{label}");
        }
    }

    #[test]
    fn rejects_what_is_no_packet() {
        assert_eq!(decode_text(""), Err(DecodeError::Empty));
        assert_eq!(decode_text("a123"), Err(DecodeError::UnknownType('a')));
        assert_eq!(decode_text("é"), Err(DecodeError::UnknownType('é')));
        let invalid = [
            ("no payload", "0"),
            ("no sid", r#"0{"pingInterval":1,"pingTimeout":1}"#),
            ("negative interval", r#"0{"sid":"x","pingInterval":-1,"pingTimeout":1}"#),
            (
                "interval longer than a timer",
                r#"0{"sid":"x","pingInterval":2147483648,"pingTimeout":1}"#,
            ),
        ];
        for (label, text) in invalid {
            assert!(matches!(decode_text(text), Err(DecodeError::InvalidOpen(_))), "{label}");
        }
    }

    proptest! {
        #[test]
        fn base64_comes_back_as_it_went(bytes in any::<Vec<u8>>()) {
            let text = encode_base64(&bytes);
            prop_assert!(base64_capacity(text.len()) >= bytes.len());
            prop_assert!(base64_capacity(text.len() - 1) < bytes.len().max(1));
            prop_assert_eq!(decode_text(&text), Ok(Packet::Binary(bytes.into())));
        }

        #[test]
        fn never_panics(text in any::<String>(), kind in "[0-9b]") {
            let _ = decode_text(&text);
            let _ = decode_text(&format!("{kind}{text}"));
        }
    }
}
