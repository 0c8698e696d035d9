use super::value::MAX_JSON_DEPTH;
use super::*;
use crate::protocol::lib0::ReadError;
use crate::protocol::update::scan_state_vector;
use proptest::prelude::*;
use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{Any, Array, Doc, Map, ReadTxn, StateVector, Text, Transact, Update, XmlFragment};

/// An update with one block, by client 1 at clock 0, and no deletes.
fn with_block(block: &[u8]) -> Vec<u8> {
    [&[1, 1, 1, 0], block, &[0]].concat()
}

/// An update with one item in the root `a`.
fn with_content(kind: u8, content: &[u8]) -> Vec<u8> {
    with_block(&[&[kind, 1, 1, b'a'], content].concat())
}

/// An update with one value in the root array `a`.
fn with_value(value: &[u8]) -> Vec<u8> {
    with_content(8, &[&[1], value].concat())
}

fn with_embed(json: &str) -> Vec<u8> {
    let mut content = Vec::new();
    crate::protocol::lib0::write_var_bytes(&mut content, json.as_bytes());
    with_content(5, &content)
}

/// Arrays of one element inside of each other.
fn nested_arrays(depth: usize) -> Vec<u8> {
    [[117, 1].repeat(depth), vec![126]].concat()
}

fn nested_maps(depth: usize) -> Vec<u8> {
    [[118, 1, 1, b'k'].repeat(depth), vec![126]].concat()
}

#[test]
fn the_update_that_overflows_the_stack_of_yrs_is_refused() {
    let update = with_value(&nested_arrays(7_000));
    assert!((14_000..14_100).contains(&update.len()));
    assert_eq!(scan_v1(&update), Err(ScanError::TooDeep));
}

#[test]
fn values_may_be_nested_up_to_the_limit() {
    let rows = [
        ("arrays at the limit", nested_arrays(MAX_DEPTH), Ok(())),
        ("arrays beyond it", nested_arrays(MAX_DEPTH + 1), Err(ScanError::TooDeep)),
        ("maps at the limit", nested_maps(MAX_DEPTH), Ok(())),
        ("maps beyond it", nested_maps(MAX_DEPTH + 1), Err(ScanError::TooDeep)),
    ];
    for (label, value, expected) in rows {
        assert_eq!(scan_v1(&with_value(&value)), expected, "{label}");
        let subdocument = with_content(9, &[&[1, b'g'], &value[..]].concat());
        assert_eq!(scan_v1(&subdocument), expected, "{label}, options of a subdocument");
        assert!(Update::decode_v1(&subdocument).is_ok(), "{label}, yrs");
    }
}

#[test]
fn siblings_are_not_nesting() {
    // 300 empty arrays, each followed by an empty map, in one array.
    let value = [vec![117, 0xd8, 0x04], [117, 0, 118, 0].repeat(300)].concat();
    assert_eq!(scan_v1(&with_value(&value)), Ok(()));
    assert!(Update::decode_v1(&with_value(&value)).is_ok());
}

#[test]
fn json_may_be_nested_as_deep_as_yrs_reads_it() {
    let nested = |open: &str, close: &str, depth| open.repeat(depth) + "1" + &close.repeat(depth);
    let rows = [
        ("arrays at the limit", nested("[", "]", MAX_JSON_DEPTH), true),
        ("arrays beyond it", nested("[", "]", MAX_JSON_DEPTH + 1), false),
        ("objects at the limit", nested("{\"k\":", "}", MAX_JSON_DEPTH), true),
        ("objects beyond it", nested("{\"k\":", "}", MAX_JSON_DEPTH + 1), false),
        ("brackets in a string", format!("\"{}\"", "[".repeat(300)), true),
        ("brackets after an escaped quote", format!("\"\\\"{}\"", "[".repeat(300)), true),
        (
            "brackets after an escaped backslash",
            format!("[\"\\\\\",{}]", nested("[", "]", 127)),
            false,
        ),
        ("siblings", format!("[{}1]", "[],".repeat(300)), true),
    ];
    for (label, json, accepted) in rows {
        let update = with_embed(&json);
        assert_eq!(
            scan_v1(&update),
            if accepted { Ok(()) } else { Err(ScanError::TooDeep) },
            "{label}"
        );
        assert_eq!(Update::decode_v1(&update).is_ok(), accepted, "{label}, yrs");
    }
    let format = with_content(6, &[&[1, b'b', 0xc8, 2][..], &[b'['; 328]].concat());
    assert_eq!(scan_v1(&format), Err(ScanError::TooDeep), "format");
}

#[test]
fn counts_and_lengths_are_compared_with_what_is_there() {
    let end = ScanError::Malformed(ReadError::UnexpectedEnd);
    let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let rows: [(&str, Vec<u8>, ScanError); 15] = [
        ("empty input", vec![], end),
        ("clients", [&huge[..], &[0]].concat(), ScanError::TooManyElements(u64::from(u32::MAX))),
        (
            "blocks",
            [&[1], &huge[..], &[1, 0, 0]].concat(),
            ScanError::TooManyElements(u64::from(u32::MAX)),
        ),
        ("values", with_content(8, &huge), ScanError::TooManyElements(u64::from(u32::MAX))),
        ("array", with_value(&[117, 5, 126]), ScanError::TooManyElements(5)),
        ("map", with_value(&[118, 3, 1, b'k', 126]), ScanError::TooManyElements(3)),
        ("deleting clients", vec![0, 9, 0], ScanError::TooManyElements(9)),
        ("deleted ranges", vec![0, 1, 1, 9, 0, 1], ScanError::TooManyElements(9)),
        ("string", with_content(4, &[5, b'x']), end),
        ("binary", with_content(3, &[5, b'x']), end),
        ("float", with_value(&[124, 0]), end),
        ("gap without length", with_block(&[10, 0]), ScanError::EmptyBlock),
        ("collected range without length", with_block(&[0, 0]), ScanError::EmptyBlock),
        (
            "clock of a block",
            [&[1, 1, 1][..], &huge, &[10, 1, 0]].concat(),
            ScanError::ClockOutOfRange,
        ),
        (
            "clock of a deleted range",
            [&[0, 1, 1, 1][..], &huge, &[1]].concat(),
            ScanError::ClockOutOfRange,
        ),
    ];
    for (label, update, expected) in rows {
        assert_eq!(scan_v1(&update), Err(expected), "{label}");
    }
}

#[test]
fn unknown_kinds_and_numbers_that_do_not_fit_are_refused() {
    let number = ScanError::Malformed(ReadError::IntegerOutOfRange);
    let utf8 = ScanError::Malformed(ReadError::InvalidUtf8);
    let signed = |last: u8| with_value(&[&[125, 0x80][..], &[0x80; 8], &[last]].concat());
    let client = |last: u8| {
        [&[1, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, last][..], &[0, 10, 1, 0]].concat()
    };
    let rows: [(&str, Vec<u8>, Result<(), ScanError>); 14] = [
        ("content 10 with flags", with_block(&[0x8a, 1, 0, 1]), Err(ScanError::UnknownContent(10))),
        (
            "content 16, a bit that yrs ignores",
            with_content(0x14, &[1, b'x']),
            Err(ScanError::UnknownContent(20)),
        ),
        ("content 0 with flags", with_block(&[0x80, 1, 0, 1]), Err(ScanError::UnknownContent(0))),
        ("shared type 8", with_content(7, &[8]), Err(ScanError::UnknownType(8))),
        ("value 115", with_value(&[115]), Err(ScanError::UnknownValue(115))),
        ("obsolete JSON", with_content(2, &[1, 1, b'1']), Err(ScanError::ObsoleteJson)),
        ("XML hook", with_content(7, &[5, 1, b'h']), Err(ScanError::XmlHook)),
        ("string that is no UTF-8", with_content(4, &[1, 0xff]), Err(utf8)),
        ("key that is no UTF-8", with_value(&[118, 1, 1, 0xff, 126]), Err(utf8)),
        ("signed integer of 63 bits", signed(1), Ok(())),
        ("signed integer of 64 bits", signed(2), Err(number)),
        (
            "signed integer of 11 bytes",
            with_value(&[&[125, 0x80][..], &[0x80; 9], &[0]].concat()),
            Err(number),
        ),
        ("client of 53 bits", client(0x0f), Ok(())),
        ("client of 54 bits", client(0x10), Err(number)),
    ];
    for (label, update, expected) in rows {
        assert_eq!(scan_v1(&update), expected, "{label}");
    }
}

#[test]
fn links_are_read_with_both_of_their_ends() {
    let rows: [(&str, &[u8]); 5] = [
        ("to one element", &[7, 0, 1, 0]),
        ("quotation", &[7, 1, 1, 0, 1, 5]),
        ("open start of a root", &[7, 0x29, 1, b'a', 1, 5]),
        ("open end of a nested type", &[7, 0x11, 1, 0, 1, 9]),
        ("open at both ends of a root", &[7, 0x39, 1, b'a', 1, b'a']),
    ];
    for (label, content) in rows {
        assert_eq!(scan_v1(&with_content(7, content)), Ok(()), "{label}");
    }
}

#[test]
fn lengths_of_text_are_counted_in_utf16() {
    // The clock ends exactly at its maximum: 4 code units, though the text has 8 bytes.
    let update = |clock: u8| {
        let text = "🚀🚀".as_bytes();
        [&[1, 1, 1, clock, 0xff, 0xff, 0xff, 0x0f, 4, 1, 1, b'a', 8], text, &[0]].concat()
    };
    assert_eq!(scan_v1(&update(0xfb)), Ok(()));
    assert_eq!(scan_v1(&update(0xfc)), Err(ScanError::ClockOutOfRange));
}

#[test]
fn state_vectors_are_scanned_too() {
    let rows: [(&str, &[u8], Result<(), ScanError>); 5] = [
        ("empty", &[0], Ok(())),
        ("two clients", &[2, 1, 5, 0x80, 1, 0x80, 1], Ok(())),
        ("claims more", &[2, 1, 5], Err(ScanError::TooManyElements(2))),
        ("more behind it", &[1, 1, 5, 0], Err(ScanError::TrailingBytes(1))),
        ("no bytes", &[], Err(ScanError::Malformed(ReadError::UnexpectedEnd))),
    ];
    for (label, bytes, expected) in rows {
        assert_eq!(scan_state_vector(bytes), expected, "{label}");
    }
}

fn any_value() -> impl Strategy<Value = Any> {
    let scalar = prop_oneof![
        Just(Any::Null),
        Just(Any::Undefined),
        any::<bool>().prop_map(Any::from),
        any::<i64>().prop_map(|number| Any::from(number / 2)),
        any::<f64>().prop_map(Any::from),
        any::<String>().prop_map(Any::from),
        any::<Vec<u8>>().prop_map(Any::from),
    ];
    scalar.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Any::from),
            prop::collection::hash_map(any::<String>(), inner, 0..6).prop_map(Any::from),
        ]
    })
}

/// A document of yrs with something of each kind in it, as an update.
fn any_update() -> impl Strategy<Value = Vec<u8>> {
    (any::<String>(), prop::collection::vec(any_value(), 1..4), 0..1_u64 << 53).prop_map(
        |(string, values, client)| {
            let doc = Doc::with_client_id(client);
            let (text, array, map, xml) = (
                doc.get_or_insert_text("text"),
                doc.get_or_insert_array("array"),
                doc.get_or_insert_map("map"),
                doc.get_or_insert_xml_fragment("xml"),
            );
            let mut txn = doc.transact_mut();
            text.insert(&mut txn, 0, &string);
            for (index, value) in values.into_iter().enumerate() {
                text.insert_embed(&mut txn, 0, Any::from(index as u32));
                text.insert_with_attributes(
                    &mut txn,
                    0,
                    "x",
                    [("bold".into(), Any::Bool(true))].into(),
                );
                array.push_back(&mut txn, value.clone());
                map.insert(&mut txn, index.to_string(), value.clone());
                map.insert(&mut txn, "overwritten", value);
            }
            map.insert(&mut txn, "sub", Doc::new());
            xml.push_back(&mut txn, yrs::XmlElementPrelim::empty("p"));
            xml.push_back(&mut txn, yrs::XmlTextPrelim::new(string));
            text.remove_range(&mut txn, 0, 1);
            array.remove(&mut txn, 0);
            drop(txn);
            doc.transact().encode_state_as_update_v1(&StateVector::default())
        },
    )
}

proptest! {
    #[test]
    fn accepts_what_yrs_writes(update in any_update()) {
        prop_assert_eq!(scan_v1(&update), Ok(()));
        let state_vector = Update::decode_v1(&update).unwrap().state_vector();
        prop_assert_eq!(scan_state_vector(&state_vector.encode_v1()), Ok(()));
    }

    /// Runs with overflow checks, so that a length or clock that wraps inside of yrs fails it too.
    #[test]
    fn what_passes_the_scan_does_not_panic_in_the_decoder_of_yrs(
        update in any_update(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut update = update;
        for (at, byte) in changes {
            let at = at.index(update.len());
            update[at] = byte;
        }
        if scan_v1(&update).is_ok() {
            let _ = Update::decode_v1(&update);
        }
    }

    #[test]
    fn scanning_arbitrary_bytes_never_panics(bytes: Vec<u8>, block in prop::collection::vec(0_u8..128, 0..40)) {
        let _ = scan_v1(&bytes);
        let _ = scan_state_vector(&bytes);
        for update in [with_block(&block), with_value(&block), with_content(7, &block)] {
            if scan_v1(&update).is_ok() {
                let _ = Update::decode_v1(&update);
            }
        }
    }
}

#[test]
fn blocks_of_a_client_are_in_one_place() {
    let update = [2, 1, 1, 0, 4, 1, 1, b't', 1, b'x', 1, 1, 1, 4, 1, 1, b't', 1, b'y', 0];
    assert_eq!(scan_v1(&update), Err(ScanError::RepeatedClient(1)));
    let mut of_two = update;
    of_two[11] = 2;
    assert_eq!(scan_v1(&of_two), Ok(()));
}
