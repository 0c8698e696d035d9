//! Headers and attachments of packets.

use bytes::Bytes;
use yjs_provider_native::protocol::socket_io::{
    Ack, Arg, Args, DecodeError, Decoder, MAX_ATTACHMENTS, Packet, encode_ack, encode_event,
};

use super::memory;

/// Between messages, as between the packets of a payload over HTTP. One that begins with `b` is an attachment.
const SEPARATOR: u8 = 0x1e;

/// Decodes a series of messages as one connection does.
pub fn socket_io_packet(data: &[u8]) {
    let mut decoder = Decoder::default();
    for message in data.split(|byte| *byte == SEPARATOR) {
        let limit = 16_384 + 64 * message.len();
        match memory::within(limit, || handle(&mut decoder, message)) {
            Ok(Some(packet)) => check(&packet),
            Ok(None) => {}
            // The connection ends.
            Err(_) => decoder.reset(),
        }
    }
}

fn handle(decoder: &mut Decoder, message: &[u8]) -> Result<Option<Packet>, DecodeError> {
    if let Some(attachment) = message.strip_prefix(b"b") {
        return decoder.handle_binary(Bytes::copy_from_slice(attachment));
    }
    std::str::from_utf8(message).map_or(Ok(None), |text| decoder.handle_text(text))
}

/// What was decoded is what its own encoding decodes to.
fn check(packet: &Packet) {
    assert!(packet.namespace().as_str().starts_with('/'));
    let Some(read) = args_of(packet) else { return };
    assert!(read.attachments().len() <= MAX_ATTACHMENTS);
    for index in 0..read.len() {
        // No field of it may panic, whatever it is.
        read.bytes(index);
        read.field(index, "message");
    }
    let args: Vec<Arg> = read.iter().collect();
    let encoded = match packet {
        Packet::Event(event) => encode_event(&event.namespace, event.name(), &args, event.id),
        Packet::Ack(Ack { namespace, id: Some(id), .. }) => encode_ack(namespace, *id, &args),
        _ => return,
    };
    // Attachments inside of arguments, left out, or used twice, can be read but not written.
    let used = args.iter().filter(|arg| matches!(arg, Arg::Binary(_))).count();
    let is_placeholder_free =
        args.iter().filter_map(Arg::as_json).all(|json| !json.as_str().contains("num"));
    let Ok(encoded) = encoded else { return };
    if used != read.attachments().len() || !is_placeholder_free {
        return;
    }
    let mut decoder = Decoder::default();
    let header = encoded.header.strip_prefix('4').expect("an Engine.IO message");
    let mut again = decoder.handle_text(header).expect("what is encoded decodes");
    for attachment in encoded.attachments {
        again = decoder.handle_binary(attachment).expect("what is encoded decodes");
    }
    let again = again.expect("a whole packet");
    if let (Packet::Event(one), Packet::Event(other)) = (packet, &again) {
        assert_eq!((one.name(), one.id), (other.name(), other.id));
    }
    let again: Vec<Arg> = args_of(&again).into_iter().flat_map(Args::iter).collect();
    assert_eq!(args, again);
}

fn args_of(packet: &Packet) -> Option<&Args> {
    match packet {
        Packet::Event(event) => Some(&event.args),
        Packet::Ack(ack) => Some(&ack.args),
        _ => None,
    }
}
