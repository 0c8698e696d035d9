use super::*;
use proptest::prelude::*;
use serde_json::json;

const SYNC: &str = "y-kafka-collabation-server-sync";

fn json(value: &serde_json::Value) -> Arg {
    Arg::json(value).unwrap()
}

/// Feeds a text frame that must be followed by attachments, and those.
fn decode_binary(header: &str, attachments: &[&'static [u8]]) -> Result<Packet, DecodeError> {
    let mut decoder = Decoder::default();
    let mut packet = decoder.handle_text(header)?;
    for attachment in attachments {
        assert_eq!(packet, None, "{header}");
        packet = decoder.handle_binary(Bytes::from_static(attachment))?;
    }
    Ok(packet.expect("the last attachment completes the packet"))
}

fn decode_event(header: &str, attachments: &[&'static [u8]]) -> Event {
    match decode_binary(header, attachments) {
        Ok(Packet::Event(event)) => event,
        other => panic!("{header}: {other:?}"),
    }
}

#[test]
fn decodes_a_sync_event_with_offset_and_position() {
    let args = r#"{"_placeholder":true,"num":0},"123",{"topic":"t","partition":0}"#;
    let header = &format!(r#"51-["{SYNC}",{args}]"#);
    let event = decode_event(header, &[&[1, 2]]);
    assert_eq!(event.name(), SYNC);
    assert_eq!(event.args.get(0), Some(Arg::Binary(Bytes::from_static(&[1, 2]))));
    assert_eq!(event.args.text(1), Some(r#""123""#));
    assert_eq!(event.args.field(2, "topic"), Some(json(&json!("t"))));
    assert_eq!(
        event.args.field(2, "partition").and_then(|arg| arg.as_json()?.parse::<u32>()),
        Some(0)
    );
    assert_eq!(event.args.field(2, "offset"), None);
    assert_eq!(event.args.field(0, "topic"), None);
    assert_eq!(event.args.field(3, "topic"), None);
}

#[test]
fn reaches_attachments_inside_of_objects() {
    let rows = [
        ("usual order", r#"51-["m",{"offset":"7","message":{"_placeholder":true,"num":0}}]"#),
        ("number first", r#"51-["m",{"offset":"7","message":{"num":0,"_placeholder":true}}]"#),
        (
            "with spaces",
            r#"51-["m", { "message" : { "_placeholder" : true , "num" : 0 } , "offset" : "7" } ]"#,
        ),
        (
            "last of doubled keys",
            r#"51-["m",{"offset":"7","message":{"num":3,"_placeholder":true,"num":0}}]"#,
        ),
    ];
    for (label, header) in rows {
        let event = decode_event(header, &[&[9]]);
        assert_eq!(
            event.args.field(0, "message"),
            Some(Arg::Binary(Bytes::from_static(&[9]))),
            "{label}"
        );
        assert_eq!(event.args.field(0, "offset"), Some(json(&json!("7"))), "{label}");
    }
}

#[test]
fn what_only_looks_like_a_placeholder_is_a_value() {
    let rows = [
        ("flag is false", r#"51-["m",{"_placeholder":false,"num":9}]"#),
        ("flag is a string", r#"51-["m",{"_placeholder":"true","num":9}]"#),
        ("text that mentions it", r#"51-["m","_placeholder"]"#),
    ];
    for (label, header) in rows {
        assert!(is_json(&decode_event(header, &[&[9]])), "{label}");
    }
    // Without attachments nothing is looked for.
    let event = decode_event(r#"2["m",{"_placeholder":true,"num":0}]"#, &[]);
    assert!(is_json(&event));
    assert!(event.args.field(0, "num").is_some());
}

fn is_json(event: &Event) -> bool {
    event.args.get(0).is_some_and(|arg| arg.as_json().is_some())
}

#[test]
fn a_node_buffer_that_was_sent_as_json_is_binary() {
    assert_eq!(
        json(&json!({"type": "Buffer", "data": [0, 255]})).to_bytes(),
        Some(Bytes::from_static(&[0, 255]))
    );
    assert_eq!(Arg::Binary(Bytes::from_static(b"x")).to_bytes(), Some(Bytes::from_static(b"x")));
    let others = [
        json!({"type": "Buffer", "data": [256]}),
        json!({"type": "Blob", "data": [1]}),
        json!("x"),
        json!(null),
    ];
    for other in others {
        assert_eq!(json(&other).to_bytes(), None, "{other}");
    }
}

#[test]
fn tolerates_what_the_official_parser_tolerates() {
    let rows = [
        ("namespace without comma", "1/admin"),
        ("event without payload", "2"),
        ("ack without id", "3[]"),
        ("ack without payload", "37"),
        ("connect error without payload", "4"),
        ("connect with spaces", "0 {} "),
        ("leading zeros", "501-[\"a\",1]"),
        ("empty name", "2[\"\"]"),
    ];
    for (label, header) in rows {
        assert!(Decoder::default().handle_text(header).is_ok(), "{label}");
    }
    assert_eq!(
        Decoder::default().handle_text("1/admin"),
        Ok(Some(Packet::Disconnect { namespace: Namespace::new("/admin").unwrap() }))
    );
}

#[test]
fn refuses_ids_that_do_not_fit() {
    let largest = format!("3{}[]", u64::MAX);
    assert!(matches!(
        Decoder::default().handle_text(&largest),
        Ok(Some(Packet::Ack(Ack { id: Some(u64::MAX), .. })))
    ));
    assert_eq!(
        Decoder::default().handle_text(&format!("3{}0[]", u64::MAX)),
        Err(DecodeError::InvalidPayload)
    );
}

#[test]
fn deep_nesting_is_kept_as_text_and_never_followed_too_far() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let event = decode_event(&format!("2[\"m\",{deep}]"), &[]);
    assert_eq!(event.args.text(0), Some(deep.as_str()));

    let deep = format!("{}\"_placeholder\"{}", "[".repeat(100_000), "]".repeat(100_000));
    let header = format!("51-[\"m\",{deep}]");
    assert_eq!(decode_binary(&header, &[&[1]]), Err(DecodeError::IllegalAttachments));
}

#[test]
fn the_limit_of_attachments_can_be_raised() {
    let header = "511-[\"m\"]";
    assert_eq!(Decoder::default().handle_text(header), Err(DecodeError::TooManyAttachments));
    assert_eq!(Decoder::new(11).handle_text(header), Ok(None));
    assert_eq!(Decoder::new(2).handle_text("53-[\"m\"]"), Err(DecodeError::TooManyAttachments));
    assert_eq!(
        Decoder::new(2).handle_text("599999999999999999999-[]"),
        Err(DecodeError::TooManyAttachments)
    );
}

#[test]
fn a_reset_decoder_has_forgotten_the_pending_packet() {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.handle_text("51-[\"m\"]"), Ok(None));
    decoder.reset();
    assert_eq!(decoder.handle_binary(Bytes::new()), Err(DecodeError::UnexpectedBinary));
    assert!(matches!(decoder.handle_text("2[\"m\"]"), Ok(Some(Packet::Event(_)))));
}

#[test]
fn encodes_the_packets_of_this_protocol() {
    let update = Bytes::from_static(&[1, 2]);
    let event =
        encode_event(&Namespace::MAIN, SYNC, &[Arg::Binary(update.clone())], Some(17)).unwrap();
    assert_eq!(
        event.header,
        r#"451-17["y-kafka-collabation-server-sync",{"_placeholder":true,"num":0}]"#
    );
    assert_eq!(event.attachments.as_slice(), [update]);

    let room = Namespace::new("/room").unwrap();
    assert_eq!(encode_connect(&Namespace::MAIN, None), "40");
    assert_eq!(encode_connect(&room, Some(r#"{"token":"x"}"#)), r#"40/room,{"token":"x"}"#);
    assert_eq!(encode_disconnect(&Namespace::MAIN), "41");
    assert_eq!(encode_disconnect(&room), "41/room,");
    assert_eq!(encode_ack(&room, 3, &[]).unwrap().header, "43/room,3[]");
}

#[test]
fn refuses_to_encode_what_the_receiver_would_not_take() {
    assert_eq!(
        encode_event(&Namespace::MAIN, "disconnect", &[], None),
        Err(EncodeError::ReservedName("disconnect".into()))
    );
    let args = vec![Arg::Binary(Bytes::new()); MAX_ATTACHMENTS + 1];
    assert!(encode_event(&Namespace::MAIN, "m", &args[1..], None).is_ok());
    assert_eq!(
        encode_event(&Namespace::MAIN, "m", &args, None),
        Err(EncodeError::TooManyAttachments)
    );
    assert_eq!(encode_ack(&Namespace::MAIN, 0, &args), Err(EncodeError::TooManyAttachments));
    assert_eq!(Namespace::new("/a,b"), None);
    assert_eq!(Namespace::new("a"), None);
}

fn any_arg() -> impl Strategy<Value = Arg> {
    let scalar = prop_oneof![
        any::<Vec<u8>>().prop_map(|bytes| Arg::Binary(bytes.into())),
        any::<String>().prop_map(|text| json(&json!(text))),
        any::<i64>().prop_map(|number| json(&json!(number))),
    ];
    prop_oneof![3 => scalar, 1 => any::<Vec<String>>().prop_map(|list| json(&json!({"list": list, "n": null})))]
}

/// Text that gets past the first checks of the parser.
fn any_header() -> impl Strategy<Value = String> {
    const PREFIX: &str = r"[0-7]([0-9]{0,2}-)?(/[a-z]*,?)?[0-9]{0,3}";
    const NAME: &str = r#"(\["m",)?"#;
    const VALUE: &str =
        r#"(\{"_placeholder":(true|1),"num":-?[0-3](\.5)?\}|[\[\]{}",:0-9a-z\\]{0,8})\]?"#;
    (PREFIX, NAME, VALUE).prop_map(|(prefix, name, value)| prefix + &name + &value)
}

proptest! {
    #[test]
    fn events_survive_a_round_trip(
        name: String,
        namespace in "/[^,]{0,8}",
        id: Option<u64>,
        args in prop::collection::vec(any_arg(), 0..8),
    ) {
        prop_assume!(!is_reserved(&name));
        let namespace = Namespace::new(namespace).unwrap();
        let encoded = encode_event(&namespace, &name, &args, id).unwrap();
        let Ok(Some(Packet::Event(event))) = decode(&encoded) else { panic!("{encoded:?}") };
        prop_assert_eq!((&event.namespace, event.id, event.name()), (&namespace, id, name.as_str()));
        prop_assert_eq!(event.args.attachments(), encoded.attachments.as_slice());
        prop_assert_eq!(event.args.iter().collect::<Vec<_>>(), args);
    }

    #[test]
    fn acks_survive_a_round_trip(id: u64, args in prop::collection::vec(any_arg(), 0..8)) {
        let encoded = encode_ack(&Namespace::MAIN, id, &args).unwrap();
        let Ok(Some(Packet::Ack(ack))) = decode(&encoded) else { panic!("{encoded:?}") };
        prop_assert_eq!((&ack.namespace, ack.id), (&Namespace::MAIN, Some(id)));
        prop_assert_eq!(ack.args.iter().collect::<Vec<_>>(), args);
    }

    #[test]
    fn decoding_never_panics(frames in prop::collection::vec(prop_oneof![any::<String>(), any_header()], 1..4)) {
        let mut decoder = Decoder::default();
        for frame in frames {
            let _ = decoder.handle_text(&frame);
            if let Ok(Some(Packet::Event(event))) = decoder.handle_binary(Bytes::from_static(b"x")) {
                let _ = event.args.field(0, "message");
            }
        }
    }
}

fn decode(encoded: &Encoded) -> Result<Option<Packet>, DecodeError> {
    let mut decoder = Decoder::default();
    let mut packet = decoder.handle_text(encoded.header.strip_prefix('4').unwrap())?;
    for attachment in &encoded.attachments {
        assert_eq!(packet, None);
        packet = decoder.handle_binary(attachment.clone())?;
    }
    Ok(packet)
}

#[test]
fn a_placeholder_with_escapes_in_its_key_is_one() {
    let mut decoder = Decoder::default();
    let header = r#"51-["a",{"\u005fplaceholder":true,"num":0}]"#;
    assert_eq!(decoder.handle_text(header), Ok(None));
    let packet = decoder.handle_binary(Bytes::from_static(&[7])).unwrap();
    let Some(Packet::Event(event)) = packet else { panic!("{packet:?}") };
    assert_eq!(event.args.get(0), Some(Arg::Binary(Bytes::from_static(&[7]))));
}
