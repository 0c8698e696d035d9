//! The codecs against what the official JavaScript libraries wrote: `fixtures/protocol.json`, made by
//! `scripts/golden-vectors.mjs`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a broken fixture must fail the test")]

use std::slice;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use yjs_provider_native::protocol::engine_io::{self, Packet as EnginePacket};
use yjs_provider_native::protocol::envelope::{self, Metadata};
use yjs_provider_native::protocol::socket_io::{self, Arg, Args, Decoder, Json, Packet};
use yjs_provider_native::protocol::update::{self, ScanError};
use yjs_provider_native::protocol::y_message::{self, Message};
use yjs_provider_native::protocol::{awareness, awareness::Entry};
use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{Doc, GetString, ReadTxn, StateVector, Transact, Update};

/// Calls `check` with each vector of a kind; there must be at least `at_least` of them.
fn for_each_vector(kind: &str, at_least: usize, check: impl Fn(&Value, &str)) {
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/protocol.json")).unwrap();
    let vectors = fixture["vectors"].as_array().unwrap();
    let mut count = 0;
    for vector in vectors.iter().filter(|vector| vector["kind"] == kind) {
        check(vector, vector["label"].as_str().unwrap());
        count += 1;
    }
    assert!(count >= at_least, "{count} vectors of kind {kind}");
}

#[test]
fn engine_packets_are_read_as_the_official_parser_reads_them() {
    for_each_vector("engine-packet", 15, |vector, label| {
        let text = vector["text"].as_str().unwrap();
        let decoded = engine_io::decode_text(text);
        let data = vector["data"].as_str().unwrap_or_default();
        let expected = match vector["type"].as_str().unwrap() {
            "error" => return assert!(decoded.is_err(), "{label}"),
            "open" => {
                let handshake: Value = serde_json::from_str(data).unwrap();
                EnginePacket::Open(engine_io::Open {
                    sid: handshake["sid"].as_str().unwrap().into(),
                    ping_interval: Duration::from_millis(
                        handshake["pingInterval"].as_u64().unwrap(),
                    ),
                    ping_timeout: Duration::from_millis(handshake["pingTimeout"].as_u64().unwrap()),
                    max_payload: handshake["maxPayload"].as_u64().map(|len| len as usize),
                })
            }
            "close" => EnginePacket::Close,
            "ping" => EnginePacket::Ping(data),
            "pong" => EnginePacket::Pong(data),
            "upgrade" => EnginePacket::Upgrade,
            "noop" => EnginePacket::Noop,
            "message" if vector["binary"].is_string() => {
                EnginePacket::Binary(bytes(&vector["binary"]))
            }
            "message" => EnginePacket::Message(data),
            unknown => panic!("{unknown}"),
        };
        assert_eq!(decoded, Ok(expected), "{label}");
    });
}

#[test]
fn socket_packets_are_read_as_they_were_written() {
    for_each_vector("socket-packet", 28, |vector, label| {
        let packet = decode_packet(vector);
        let data = &vector["data"];
        let expected_namespace = vector["namespace"].as_str().unwrap();
        match (vector["type"].as_str().unwrap(), &packet) {
            ("connect", Packet::Connect { namespace, data: payload }) => {
                assert_eq!(namespace.as_str(), expected_namespace, "{label}");
                let payload: Value =
                    payload.as_ref().map_or(Value::Null, |json| json.parse().unwrap());
                assert_eq!(&payload, data, "{label}");
            }
            ("disconnect", Packet::Disconnect { namespace }) => {
                assert_eq!(namespace.as_str(), expected_namespace, "{label}");
            }
            ("connect_error", Packet::ConnectError { namespace, message, data: payload }) => {
                assert_eq!(namespace.as_str(), expected_namespace, "{label}");
                let expected = if data.is_string() { data } else { &data["message"] };
                assert_eq!(message, expected.as_str().unwrap(), "{label}");
                let payload: Value =
                    payload.as_ref().map_or(Value::Null, |json| json.parse().unwrap());
                assert_eq!(payload, data.get("data").cloned().unwrap_or_default(), "{label}");
            }
            ("event", Packet::Event(event)) => {
                assert_eq!(event.namespace.as_str(), expected_namespace, "{label}");
                assert_eq!(event.id, vector["id"].as_u64(), "{label}");
                let name = data[0].as_str().map_or_else(|| data[0].to_string(), str::to_owned);
                assert_eq!(event.name(), name, "{label}");
                assert_args(&event.args, &data.as_array().unwrap()[1..], label);
            }
            ("ack", Packet::Ack(ack)) => {
                assert_eq!(ack.namespace.as_str(), expected_namespace, "{label}");
                assert_eq!(ack.id, vector["id"].as_u64(), "{label}");
                assert_args(&ack.args, data.as_array().unwrap(), label);
            }
            (kind, other) => panic!("{label}: expected {kind}, got {other:?}"),
        }
    });
}

#[test]
fn socket_packets_are_written_as_the_official_encoder_writes_them() {
    for_each_vector("socket-packet", 28, |vector, label| {
        let attachments: Vec<Bytes> =
            vector["attachments"].as_array().unwrap().iter().map(bytes).collect();
        let header = vector["header"].as_str().unwrap();
        let data = &vector["data"];
        let (written, written_attachments) = match decode_packet(vector) {
            Packet::Connect { namespace, data } => {
                (socket_io::encode_connect(&namespace, data.as_ref().map(Json::as_str)), Vec::new())
            }
            Packet::Disconnect { namespace } => {
                (socket_io::encode_disconnect(&namespace), Vec::new())
            }
            // A client never sends one.
            Packet::ConnectError { .. } => return,
            // Names that are numbers, and attachments inside of objects, are read but never written.
            Packet::Event(_) if !data[0].is_string() => return,
            Packet::Event(event) if event.args.attachments().len() > binary_args(&event.args) => {
                return;
            }
            Packet::Event(event) => {
                let args: Vec<Arg> = event.args.iter().collect();
                let encoded =
                    socket_io::encode_event(&event.namespace, event.name(), &args, event.id)
                        .unwrap();
                (encoded.header, encoded.attachments.into_vec())
            }
            Packet::Ack(ack) => {
                let args: Vec<Arg> = ack.args.iter().collect();
                let encoded =
                    socket_io::encode_ack(&ack.namespace, ack.id.unwrap(), &args).unwrap();
                (encoded.header, encoded.attachments.into_vec())
            }
        };
        assert_eq!(written, header, "{label}");
        assert_eq!(written_attachments, attachments, "{label}");
    });
}

#[test]
fn what_the_official_parser_refuses_is_refused_for_the_same_reason() {
    for_each_vector("invalid-socket-packet", 30, |vector, label| {
        let mut decoder = Decoder::default();
        let outcome = vector["frames"].as_array().unwrap().iter().try_for_each(|frame| {
            let result = match frame.as_str() {
                Some(text) => decoder.handle_text(text),
                None => decoder.handle_binary(bytes(&frame["$binary"])),
            };
            result.map(drop)
        });
        let reason = outcome.expect_err(label).to_string().to_lowercase();
        let expected = vector["error"].as_str().unwrap().to_lowercase();
        assert_eq!(reason.replace('\'', ""), expected, "{label}");
    });
}

#[test]
fn envelopes_match_in_both_directions() {
    for_each_vector("envelope", 5, |vector, label| {
        let metadata = vector["metadata"].to_string();
        let expected: Metadata<'_> = serde_json::from_str(&metadata).unwrap();
        let payload = bytes(&vector["payload"]);
        let record = bytes(&vector["hex"]);
        let envelope = envelope::decode(&record).unwrap();
        assert_eq!(envelope.metadata, expected, "{label}");
        assert_eq!(envelope.payload, payload, "{label}");
        assert_eq!(
            envelope::encode(&envelope.metadata, &payload).unwrap(),
            bytes(&vector["hex"]),
            "{label}"
        );
    });
}

#[test]
fn y_messages_match_in_both_directions_and_the_doubled_form_is_understood() {
    for_each_vector("y-message", 10, |vector, label| {
        let body = || bytes(&vector["body"]);
        let expected = match vector["type"].as_str().unwrap() {
            "sync-step-1" => Message::SyncStep1(body()),
            "sync-step-2" => Message::SyncStep2(body()),
            "update" => Message::Update(body()),
            "awareness" => Message::Awareness(body()),
            "permission-denied" => {
                Message::PermissionDenied(vector["reason"].as_str().unwrap().into())
            }
            "query-awareness" => Message::QueryAwareness,
            unknown => panic!("{unknown}"),
        };
        let single = y_message::decode_all(&bytes(&vector["hex"])).unwrap();
        assert_eq!(single.as_slice(), slice::from_ref(&expected), "{label}");
        let doubled = y_message::decode_all(&bytes(&vector["doubled"])).unwrap();
        assert_eq!(doubled.as_slice(), slice::from_ref(&expected), "{label}, doubled");
        assert_eq!(expected.encode(), bytes(&vector["hex"]), "{label}");
    });
}

#[test]
fn awareness_updates_match_in_both_directions() {
    for_each_vector("awareness", 5, |vector, label| {
        let expected: Vec<Entry> = vector["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| Entry {
                client_id: entry["clientId"].as_u64().unwrap(),
                clock: entry["clock"].as_u64().unwrap().try_into().unwrap(),
                state: entry["state"].as_str().unwrap().into(),
            })
            .collect();
        assert_eq!(awareness::decode(&bytes(&vector["hex"])).as_ref(), Ok(&expected), "{label}");
        assert_eq!(awareness::encode(&expected), bytes(&vector["hex"]), "{label}");
    });
}

#[test]
fn the_scan_accepts_every_update_of_yjs_and_yrs() {
    for_each_vector("update", 35, |vector, label| {
        let update = bytes(&vector["hex"]);
        assert_eq!(update::scan_v1(&update), Ok(()), "{label}");
        assert_eq!(update::scan_state_vector(&bytes(&vector["stateVector"])), Ok(()), "{label}");

        let doc = apply(&update);
        assert_eq!(text(&doc), vector["text"].as_str().unwrap_or_default(), "{label}");
        let written_by_yrs = doc.transact().encode_state_as_update_v1(&StateVector::default());
        assert_eq!(update::scan_v1(&written_by_yrs), Ok(()), "{label}, written by yrs");
        let state_vector = doc.transact().state_vector().encode_v1();
        assert_eq!(
            update::scan_state_vector(&state_vector),
            Ok(()),
            "{label}, state vector of yrs"
        );
    });
}

#[test]
fn the_scan_refuses_every_update_that_was_cut_off_or_has_more_behind_it() {
    for_each_vector("update", 35, |vector, label| {
        let update = bytes(&vector["hex"]);
        for len in 0..update.len() {
            assert!(update::scan_v1(&update[..len]).is_err(), "{label}, first {len} bytes");
        }
        assert_eq!(
            update::scan_v1(&[&update[..], &[0]].concat()),
            Err(ScanError::TrailingBytes(1)),
            "{label}"
        );
    });
}

#[test]
fn the_scan_refuses_content_that_yrs_reads_wrongly() {
    for_each_vector("unsupported-update", 2, |vector, label| {
        let update = bytes(&vector["hex"]);
        assert!(
            matches!(update::scan_v1(&update), Err(ScanError::ObsoleteJson | ScanError::XmlHook)),
            "{label}"
        );
        // When this fails, yrs has been repaired and the scan can let such updates pass.
        assert!(Update::decode_v1(&update).is_err(), "{label}");
    });
}

#[test]
fn merged_updates_make_the_same_document_as_those_of_yjs() {
    for_each_vector("merge", 8, |vector, label| {
        let updates: Vec<Bytes> = vector["updates"].as_array().unwrap().iter().map(bytes).collect();
        let merged = update::merge(&updates).unwrap();
        assert_eq!(update::scan_v1(&merged), Ok(()), "{label}");
        let (ours, theirs) = (apply(&merged), apply(&bytes(&vector["merged"])));
        assert_eq!(text(&ours), vector["text"].as_str().unwrap_or_default(), "{label}");
        assert_eq!(
            ours.transact().state_vector(),
            StateVector::decode_v1(&bytes(&vector["stateVector"])).unwrap(),
            "{label}"
        );
        assert_eq!(state(&ours), state(&theirs), "{label}");
    });
}

fn decode_packet(vector: &Value) -> Packet {
    let mut decoder = Decoder::default();
    let header = vector["header"].as_str().unwrap();
    let EnginePacket::Message(header) = engine_io::decode_text(header).unwrap() else {
        panic!("{header}")
    };
    let mut packet = decoder.handle_text(header).unwrap();
    for attachment in vector["attachments"].as_array().unwrap() {
        assert_eq!(packet, None, "complete before its last attachment");
        packet = decoder.handle_binary(bytes(attachment)).unwrap();
    }
    packet.unwrap()
}

fn assert_args(args: &Args, expected: &[Value], label: &str) {
    assert_eq!(args.len(), expected.len(), "{label}");
    for (index, (arg, expected)) in args.iter().zip(expected).enumerate() {
        match arg {
            Arg::Binary(attachment) => {
                assert_eq!(attachment, bytes(&expected["$binary"]), "{label}");
            }
            // Attachments of nested objects are reached field by field.
            Arg::Json(_)
                if expected.as_object().is_some_and(|fields| fields.values().any(is_binary)) =>
            {
                for (name, field) in expected.as_object().unwrap() {
                    let found = args.field(index, name).unwrap();
                    match &found {
                        Arg::Binary(attachment) => {
                            assert_eq!(attachment, &bytes(&field["$binary"]), "{label} {name}");
                        }
                        Arg::Json(json) if field.is_array() => {
                            assert!(json.as_str().contains("_placeholder"), "{label} {name}");
                        }
                        Arg::Json(json) => {
                            assert_eq!(&json.parse::<Value>().unwrap(), field, "{label} {name}");
                        }
                    }
                }
            }
            Arg::Json(json) => assert_eq!(&json.parse::<Value>().unwrap(), expected, "{label}"),
        }
    }
    assert_eq!(args.field(expected.len(), "anything"), None, "{label}");
}

fn is_binary(value: &Value) -> bool {
    value.get("$binary").is_some()
}

fn binary_args(args: &Args) -> usize {
    args.iter().filter(|arg| matches!(arg, Arg::Binary(_))).count()
}

fn bytes(hex: &Value) -> Bytes {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn apply(update: &[u8]) -> Doc {
    let doc = Doc::new();
    doc.transact_mut().apply_update(Update::decode_v1(update).unwrap()).unwrap();
    doc
}

/// The text of the root `body`; empty if it is no text.
fn text(doc: &Doc) -> String {
    let body = doc.get_or_insert_text("body");
    let txn = doc.transact();
    body.get_string(&txn)
}

/// Everything a document knows, pending updates included.
fn state(doc: &Doc) -> Vec<u8> {
    doc.transact().encode_state_as_update_v1(&StateVector::default())
}
