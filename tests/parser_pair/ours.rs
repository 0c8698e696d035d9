//! Our parsers, in the notation of `tests/servers/parsers.mjs`.

use bytes::Bytes;
use serde_json::{Value, json};
use yjs_provider_native::protocol::engine_io::{self, DecodeError};
use yjs_provider_native::protocol::socket_io::{self, Arg, Args, Decoder, Json, Namespace, Packet};

/// What a decoder made of a series of frames.
pub(crate) struct Decoded {
    pub(crate) packets: Vec<Value>,
    pub(crate) is_refused: bool,
}

pub(crate) fn decode(frames: &[Value]) -> Decoded {
    let mut decoder = Decoder::default();
    let mut packets = Vec::new();
    for frame in frames {
        let packet = match frame {
            Value::String(text) => decoder.handle_text(text),
            binary => decoder.handle_binary(bytes(binary)),
        };
        match packet {
            Ok(packet) => packets.extend(packet.map(|packet| plain(&describe(packet)))),
            Err(_) => return Decoded { packets, is_refused: true },
        }
    }
    Decoded { packets, is_refused: false }
}

/// The frames of a packet, without their Engine.IO type.
pub(crate) fn encode(packet: &Value) -> Vec<Value> {
    let namespace = Namespace::new(packet["nsp"].as_str().unwrap()).unwrap();
    let data = packet["data"].as_array().cloned().unwrap_or_default();
    let arg = |value: &Value| {
        if value["$binary"].is_string() {
            Arg::Binary(bytes(value))
        } else {
            Arg::json(value).unwrap()
        }
    };
    let id = packet["id"].as_u64();
    let encoded = if packet["type"] == "EVENT" {
        let args: Vec<Arg> = data[1..].iter().map(arg).collect();
        socket_io::encode_event(&namespace, data[0].as_str().unwrap(), &args, id)
    } else {
        socket_io::encode_ack(&namespace, id.unwrap(), &data.iter().map(arg).collect::<Vec<_>>())
    };
    let encoded = encoded.unwrap();
    let header = encoded.header.strip_prefix('4').unwrap();
    std::iter::once(json!(header)).chain(encoded.attachments.iter().map(|it| hex(it))).collect()
}

/// An Engine.IO message as the official parser describes it. That looks into no handshake: this is not compared.
pub(crate) fn engine(text: &str, official: &Value) -> Value {
    let with = |kind: &str, data: &str| match data {
        "" => json!({ "type": kind }),
        data => json!({ "type": kind, "data": data }),
    };
    match engine_io::decode_text(text) {
        Ok(engine_io::Packet::Open(_)) | Err(DecodeError::InvalidOpen(_)) => {
            assert_eq!(official["type"], "open");
            official.clone()
        }
        // Nobody looks at what comes with these.
        Ok(engine_io::Packet::Close) => with("close", &text[1..]),
        Ok(engine_io::Packet::Upgrade) => with("upgrade", &text[1..]),
        Ok(engine_io::Packet::Noop) => with("noop", &text[1..]),
        Ok(engine_io::Packet::Ping(data)) => with("ping", data),
        Ok(engine_io::Packet::Pong(data)) => with("pong", data),
        Ok(engine_io::Packet::Message(data)) => with("message", data),
        Ok(engine_io::Packet::Binary(data)) => json!({ "type": "message", "data": hex(&data) }),
        Err(_) => json!({ "type": "error", "data": "parser error" }),
    }
}

/// A packet of the official parser with what we keep of it: of errors the message and the data, of names their text, and
/// ids only where they ask for an answer or give one.
pub(crate) fn kept(official: &Value) -> Value {
    let mut packet = plain(official);
    let kind = packet["type"].as_str().unwrap_or_default().to_owned();
    if kind != "EVENT" && kind != "ACK" {
        packet.as_object_mut().unwrap().remove("id");
    }
    let data = packet.get("data").cloned().unwrap_or_default();
    packet["data"] = match (kind.as_str(), data) {
        ("CONNECT_ERROR", Value::Object(error)) => {
            let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
            json!({ "message": message, "data": error.get("data") })
        }
        ("CONNECT_ERROR", message) => {
            json!({ "message": message.as_str().unwrap_or_default(), "data": null })
        }
        ("ACK", Value::Null) => json!([]),
        // No listener hears an event without a name.
        ("EVENT", Value::Null) => json!([""]),
        ("EVENT", Value::Array(mut data)) => {
            if let Some(number) = data[0].as_f64() {
                data[0] = json!(number.to_string());
            }
            Value::Array(data)
        }
        (_, data) => data,
    };
    packet
}

/// The same with numbers as JavaScript has them, and without what is undefined there.
pub(crate) fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().map(|number| number + 0.0)),
        Value::Array(values) => values.iter().map(plain).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), plain(value))).collect()
        }
        other => other.clone(),
    }
}

/// Names of digits were numbers, perhaps written otherwise.
fn name(name: &str) -> Value {
    json!(name.parse().map_or(name.to_owned(), |number: f64| number.to_string()))
}

fn describe(packet: Packet) -> Value {
    let nsp = packet.namespace().as_str().to_owned();
    let (kind, id, data) = match packet {
        Packet::Connect { data, .. } => {
            ("CONNECT", None, data.as_ref().map_or(Value::Null, parsed))
        }
        Packet::Disconnect { .. } => ("DISCONNECT", None, Value::Null),
        Packet::ConnectError { message, data, .. } => {
            let data = data.as_ref().map(parsed);
            ("CONNECT_ERROR", None, json!({ "message": message, "data": data }))
        }
        Packet::Event(event) => {
            let mut data = vec![name(event.name())];
            data.extend(args(&event.args));
            ("EVENT", event.id, Value::Array(data))
        }
        Packet::Ack(ack) => ("ACK", ack.id, Value::Array(args(&ack.args))),
    };
    let mut described = json!({ "type": kind, "nsp": nsp, "data": data });
    if let Some(id) = id {
        described["id"] = json!(id);
    }
    described
}

fn args(args: &Args) -> Vec<Value> {
    args.iter()
        .map(|arg| match arg {
            Arg::Binary(bytes) => hex(&bytes),
            Arg::Json(json) => with_attachments(parsed(&json), args.attachments()),
        })
        .collect()
}

fn parsed(json: &Json) -> Value {
    json.parse().unwrap_or_default()
}

/// Puts attachments where arguments have a placeholder inside.
fn with_attachments(value: Value, attachments: &[Bytes]) -> Value {
    match value {
        Value::Object(fields) if fields.get("_placeholder") == Some(&json!(true)) => {
            let attachment = fields["num"].as_u64().and_then(|num| attachments.get(num as usize));
            attachment.map_or(Value::Object(fields), |bytes| hex(bytes))
        }
        Value::Object(fields) => {
            let replaced = |(key, value)| (key, with_attachments(value, attachments));
            fields.into_iter().map(replaced).collect()
        }
        Value::Array(values) => {
            values.into_iter().map(|value| with_attachments(value, attachments)).collect()
        }
        other => other,
    }
}

pub(crate) fn hex(bytes: &[u8]) -> Value {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "$binary": hex })
}

fn bytes(binary: &Value) -> Bytes {
    let hex = binary["$binary"].as_str().unwrap();
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}
