use super::*;
use proptest::prelude::*;

fn decode(bytes: &[u8]) -> Result<Vec<Message>, DecodeError> {
    decode_all(&Bytes::copy_from_slice(bytes)).map(SmallVec::into_vec)
}

fn bytes(bytes: &'static [u8]) -> Bytes {
    Bytes::from_static(bytes)
}

#[test]
fn decodes_single_doubled_and_concatenated_messages() {
    let rows: [(&str, &[u8], Vec<Message>); 13] = [
        ("step 1", &[0, 0, 1, 0], vec![Message::SyncStep1(bytes(&[0]))]),
        ("step 1 doubled", &[0, 0, 0, 1, 0], vec![Message::SyncStep1(bytes(&[0]))]),
        ("step 2", &[0, 1, 2, 0, 0], vec![Message::SyncStep2(bytes(&[0, 0]))]),
        ("step 2 doubled", &[0, 0, 1, 2, 0, 0], vec![Message::SyncStep2(bytes(&[0, 0]))]),
        ("update", &[0, 2, 2, 0, 0], vec![Message::Update(bytes(&[0, 0]))]),
        ("update doubled", &[0, 0, 2, 2, 0, 0], vec![Message::Update(bytes(&[0, 0]))]),
        ("awareness", &[1, 1, 0], vec![Message::Awareness(bytes(&[0]))]),
        ("awareness doubled", &[1, 1, 1, 0], vec![Message::Awareness(bytes(&[0]))]),
        ("query", &[3], vec![Message::QueryAwareness]),
        ("query doubled", &[3, 3], vec![Message::QueryAwareness]),
        ("denied doubled", &[2, 2, 0, 2, b'n', b'o'], vec![Message::PermissionDenied("no".into())]),
        (
            "two steps",
            &[0, 0, 1, 0, 0, 1, 2, 0, 0],
            vec![Message::SyncStep1(bytes(&[0])), Message::SyncStep2(bytes(&[0, 0]))],
        ),
        (
            "query and awareness",
            &[3, 1, 1, 0],
            vec![Message::QueryAwareness, Message::Awareness(bytes(&[0]))],
        ),
    ];
    for (label, payload, expected) in rows {
        assert_eq!(decode(payload), Ok(expected), "{label}");
    }
}

#[test]
fn rejects_what_no_form_consumes_exactly() {
    let end = DecodeError::Malformed(ReadError::UnexpectedEnd);
    let rows: [(&str, &[u8], DecodeError); 9] = [
        ("empty", &[], DecodeError::Empty),
        ("unknown type", &[4, 1, 0], DecodeError::UnknownType(4)),
        ("unknown sync type", &[0, 3, 1, 0], DecodeError::UnknownInnerType { outer: 0, inner: 3 }),
        ("unknown auth type", &[2, 1], DecodeError::UnknownInnerType { outer: 2, inner: 1 }),
        ("type alone", &[0], end.clone()),
        ("cut off", &[0, 2, 5, 0], end.clone()),
        ("garbage behind a message", &[3, 9], DecodeError::UnknownType(9)),
        ("half a message behind a message", &[1, 1, 0, 0, 2], end),
        ("reason is no UTF-8", &[2, 0, 1, 0xff], DecodeError::Malformed(ReadError::InvalidUtf8)),
    ];
    for (label, payload, expected) in rows {
        assert_eq!(decode(payload), Err(expected), "{label}");
    }
}

#[test]
fn bounds_the_number_of_messages_in_a_payload() {
    assert_eq!(decode(&[3; MAX_MESSAGES]).map(|messages| messages.len()), Ok(MAX_MESSAGES));
    assert_eq!(decode(&[3; MAX_MESSAGES + 1]), Err(DecodeError::TooManyMessages));
}

#[test]
fn bodies_are_slices_of_the_payload() {
    let payload = Bytes::from(vec![0, 2, 2, 0, 0]);
    let messages = decode_all(&payload).unwrap();
    let Message::Update(update) = &messages[0] else { panic!("{messages:?}") };
    assert_eq!(update.as_ptr(), payload[3..].as_ptr());
}

fn any_message() -> impl Strategy<Value = Message> {
    // Bodies as they are on the wire: a state vector, update or awareness update has a byte at least.
    let body = || prop::collection::vec(any::<u8>(), 2..300).prop_map(Bytes::from);
    prop_oneof![
        body().prop_map(Message::SyncStep1),
        body().prop_map(Message::SyncStep2),
        body().prop_map(Message::Update),
        body().prop_map(Message::Awareness),
        any::<String>().prop_map(Message::PermissionDenied),
        Just(Message::QueryAwareness),
    ]
}

proptest! {
    #[test]
    fn messages_survive_a_round_trip(message in any_message()) {
        let encoded = message.encode();
        prop_assert!(encoded.len() <= message.max_encoded_len());
        prop_assert_eq!(decode(&encoded), Ok(vec![message.clone()]));
    }

    #[test]
    fn doubled_messages_are_read_as_single_ones(message in any_message()) {
        let mut encoded = message.encode();
        encoded.insert(0, encoded[0]);
        prop_assert_eq!(decode(&encoded), Ok(vec![message]));
    }

    #[test]
    fn decoding_never_panics(payload: Vec<u8>, start in prop::collection::vec(0_u8..5, 0..6)) {
        let _ = decode(&payload);
        let _ = decode(&[start, payload].concat());
    }
}
