use super::*;
use crate::protocol::socket_io::{Decoder, Packet};

fn event(header: &str, attachment: Option<&'static [u8]>) -> socket_io::Event {
    let mut decoder = Decoder::default();
    let mut packet = decoder.handle_text(header).unwrap();
    if let Some(attachment) = attachment {
        packet = decoder.handle_binary(Bytes::from_static(attachment)).unwrap();
    }
    let Some(Packet::Event(event)) = packet else { panic!("{header}") };
    event
}

#[test]
fn reads_every_form_of_event() {
    let ours = |offset, topic: &'static str, partition| Inbound {
        channel: Some(Channel::Sync),
        envelope: Cow::Owned(Bytes::from_static(b"e")),
        position: LogPosition { topic: topic.into(), partition, offset },
        is_fanned_out: false,
    };
    let name = Channel::Sync.event_name();
    let slot = r#"{"_placeholder":true,"num":0}"#;
    let table = [
        ("envelope only", format!(r#"51-["{name}",{slot}]"#), ours(None, "", 0)),
        ("offset as text", format!(r#"51-["{name}",{slot},"12"]"#), ours(Some(12), "", 0)),
        ("offset as number", format!(r#"51-["{name}",{slot},12]"#), ours(Some(12), "", 0)),
        (
            "with position",
            format!(r#"51-["{name}",{slot},"12",{{"topic":"t","partition":3}}]"#),
            ours(Some(12), "t", 3),
        ),
        ("offset that is none", format!(r#"51-["{name}",{slot},{{}},7]"#), ours(None, "", 0)),
        (
            "object",
            format!(
                r#"51-["{name}",{{"message":{slot},"offset":"9","topic":"t","partition":"2"}}]"#
            ),
            ours(Some(9), "t", 2),
        ),
        (
            "fan-out of the log",
            format!(
                r#"51-["protocol-message",{{"topic":"y-sync-r","offset":"9","message":{slot}}}]"#
            ),
            Inbound { is_fanned_out: true, ..ours(Some(9), "y-sync-r", 0) },
        ),
    ];
    for (label, header, expected) in table {
        let event = event(&header, Some(b"e"));
        assert_eq!(Inbound::read(&event), Some(Ok(expected)), "{label}");
    }
    let buffer = format!(r#"2["{name}",{{"type":"Buffer","data":[101]}}]"#);
    let buffer = event(&buffer, None);
    assert_eq!(Inbound::read(&buffer), Some(Ok(ours(None, "", 0))), "JSON form of a Buffer");
}

#[test]
fn an_event_without_an_envelope_is_an_error_and_a_foreign_one_is_none() {
    assert_eq!(Inbound::read(&event(r#"2["hello",1]"#, None)), None);
    let event = event(&format!(r#"2["{}","text"]"#, Channel::Sync.event_name()), None);
    let error = Inbound::read(&event).unwrap().unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidEnvelope);
}

#[test]
fn a_topic_names_its_channel() {
    let table = [
        ("y-kafka-collabation-sync-room", Some(Channel::Sync)),
        ("ykc.awareness.v1", Some(Channel::Awareness)),
        ("kafka-control-room", Some(Channel::Control)),
        ("asynchronous", None),
    ];
    for (topic, expected) in table {
        assert_eq!(channel_of_topic(topic), expected, "{topic}");
    }
}
