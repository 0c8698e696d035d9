use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::frame::{CloseFrame, Frame};

use super::*;

const LIMIT: usize = 100_000;

fn bytes_of(frame: Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.format(&mut bytes).unwrap();
    bytes
}

fn data(opcode: Data, is_final: bool, payload: &[u8]) -> Vec<u8> {
    bytes_of(Frame::message(payload.to_vec(), OpCode::Data(opcode), is_final))
}

fn close(code: u16, reason: &str) -> CloseFrame {
    CloseFrame { code: CloseCode::from(code), reason: reason.into() }
}

/// All messages of `bytes`, which come in pieces of this size, and the error that ends them.
fn read(bytes: &[u8], piece: usize) -> (Vec<Received>, Option<String>) {
    let mut reader = FrameReader::new(LIMIT);
    let mut all = Vec::new();
    for piece in bytes.chunks(piece) {
        reader.push(piece);
        loop {
            match reader.next() {
                Ok(Some(received)) => all.push(received),
                Ok(None) => break,
                Err(error) => return (all, Some(error.to_string())),
            }
        }
    }
    assert!(reader.unread.is_empty(), "whole frames leave nothing behind");
    assert_eq!(reader.unread.capacity(), 0, "nor room for it");
    (all, None)
}

#[test]
fn messages_are_the_same_however_their_bytes_are_cut() {
    let long = vec![7; 70_000];
    let bytes = [
        data(Data::Text, true, b"hello"),
        data(Data::Binary, true, &long),
        data(Data::Text, false, "gr\u{fc}".as_bytes()),
        bytes_of(Frame::ping(&b"between"[..])),
        data(Data::Continue, false, b"\xc3"),
        data(Data::Continue, true, b"\x9f"),
        data(Data::Binary, true, b""),
        data(Data::Binary, false, b"a"),
        data(Data::Continue, true, b"b"),
        bytes_of(Frame::pong(&b""[..])),
        data(Data::Binary, true, &long[..200]),
        bytes_of(Frame::close(Some(close(4000, "bye")))),
    ]
    .concat();
    let expected = [
        Received::Text("hello".into()),
        Received::Binary(long.clone().into()),
        Received::Ping("between".into()),
        Received::Text("gr\u{fc}\u{df}".into()),
        Received::Binary(Bytes::new()),
        Received::Binary("ab".into()),
        Received::Pong,
        Received::Binary(long[..200].to_vec().into()),
        Received::Close(Some(close(4000, "bye"))),
    ];
    for piece in [1, 2, 3, 7, 1000, 65_536, bytes.len()] {
        let (messages, error) = read(&bytes, piece);
        assert_eq!(error, None, "in pieces of {piece}");
        assert!(messages == expected, "in pieces of {piece}");
    }
}

#[test]
fn what_the_protocol_forbids_is_an_error_in_the_words_of_tungstenite() {
    let protocol = |what: &str| format!("WebSocket protocol error: {what}");
    let mut masked = vec![0x81, 0x81];
    masked.extend([1, 2, 3, 4, 5]);
    let rows: [(&str, Vec<u8>, String); 12] = [
        ("reserved bit", vec![0xc1, 0], protocol("Reserved bits are non-zero")),
        ("masked", masked, protocol("Received a masked frame from server")),
        ("unknown data", vec![0x83, 0], protocol("Encountered invalid opcode: 3")),
        ("unknown control", vec![0x8b, 0], protocol("Encountered invalid opcode: 11")),
        ("ping in parts", vec![0x09, 0], protocol("Fragmented control frame")),
        (
            "long ping, before its payload",
            vec![0x89, 126, 0, 126],
            protocol("Control frame too big (payload must be 125 bytes or less)"),
        ),
        (
            "nothing to continue",
            data(Data::Continue, true, b"x"),
            protocol("Continue frame but nothing to continue"),
        ),
        (
            "another message instead of the rest",
            [data(Data::Text, false, b"x"), data(Data::Text, true, b"y")].concat(),
            protocol("While waiting for more fragments received: TEXT"),
        ),
        ("close of one byte", vec![0x88, 1, 3], protocol("Invalid close sequence")),
        (
            "no text",
            data(Data::Text, true, b"\xff"),
            "UTF-8 encoding error: invalid utf-8 sequence of 1 bytes from index 0".to_owned(),
        ),
        (
            "too long, before its payload",
            vec![0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            format!("Space limit exceeded: Message too long: {} > {LIMIT}", u64::MAX),
        ),
        (
            "too long in parts",
            [data(Data::Binary, false, &vec![0; LIMIT]), data(Data::Continue, false, b"x")]
                .concat(),
            format!("Space limit exceeded: Message too long: {} > {LIMIT}", LIMIT + 1),
        ),
    ];
    for (label, bytes, expected) in rows {
        let bytes = [data(Data::Text, true, b"before"), bytes].concat();
        for piece in [1, bytes.len()] {
            let (messages, error) = read(&bytes, piece);
            assert_eq!(error.as_ref(), Some(&expected), "{label}");
            assert_eq!(messages, [Received::Text("before".into())], "{label}");
        }
    }
}
