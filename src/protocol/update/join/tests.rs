use fastrand::Rng;
use yrs::updates::decoder::Decode;
use yrs::{
    Any, Array, ClientID, Doc, GetString, Map, OffsetKind, Options, ReadTxn, StateVector, Text,
    Transact, Update, merge_updates_v1,
};

use super::super::{inspect_v1, sort_deletions};
use super::*;

fn joined<B: AsRef<[u8]>>(updates: &[B]) -> Option<Vec<u8>> {
    let seen: Vec<_> =
        updates.iter().map(|it| inspect_v1(it.as_ref()).expect("it is an update")).collect();
    join(updates.iter().map(AsRef::as_ref).zip(&seen))
}

fn peer(client: u64) -> Doc {
    // As JavaScript counts.
    let offset_kind = OffsetKind::Utf16;
    let doc = Doc::with_options(Options {
        offset_kind,
        ..Options::with_client_id(ClientID::new(client))
    });
    doc.get_or_insert_text("text");
    doc.get_or_insert_array("array");
    doc.get_or_insert_map("map");
    doc
}

fn apply(doc: &Doc, update: &[u8]) {
    doc.transact_mut().apply_update(Update::decode_v1(update).unwrap()).unwrap();
}

/// Everything that can be told from a document's content.
fn content(doc: &Doc) -> (String, Any, Any) {
    use yrs::types::ToJson;
    let (text, array, map) = (
        doc.get_or_insert_text("text"),
        doc.get_or_insert_array("array"),
        doc.get_or_insert_map("map"),
    );
    let txn = doc.transact();
    (text.get_string(&txn), array.to_json(&txn), map.to_json(&txn))
}

/// An edit of any kind, most of them as people type, as an update.
fn edit(doc: &Doc, rng: &mut Rng) -> Vec<u8> {
    let (text, array, map) = (
        doc.get_or_insert_text("text"),
        doc.get_or_insert_array("array"),
        doc.get_or_insert_map("map"),
    );
    let mut txn = doc.transact_mut();
    let length = text.len(&txn);
    match rng.u8(..12) {
        0..7 => text.push(&mut txn, ["x", "é", "words", "漢"][rng.usize(..4)]),
        7 => text.insert(&mut txn, 0, "front"),
        8 if length > 1 => text.remove_range(&mut txn, rng.u32(..length - 1), 1),
        9 => {
            array.push_back(&mut txn, i64::from(rng.u16(..)));
        }
        10 => {
            map.insert(&mut txn, ["a", "b"][rng.usize(..2)], "value");
        }
        _ => {
            text.insert_embed(&mut txn, 0, Any::from("embed"));
        }
    }
    txn.encode_update_v1()
}

#[test]
fn what_is_typed_on_becomes_one_block() {
    let doc = peer(1);
    let text = doc.get_or_insert_text("text");
    let updates: Vec<_> = "typed on and on, über 128 units 😀: "
        .repeat(9)
        .chars()
        .map(|unit| {
            let mut txn = doc.transact_mut();
            text.push(&mut txn, unit.encode_utf8(&mut [0; 4]));
            txn.encode_update_v1()
        })
        .collect();
    let joined = joined(&updates).unwrap();
    let seen = inspect_v1(&joined).unwrap();
    assert_eq!(seen.spans.iter().map(|it| it.blocks).collect::<Vec<_>>(), [1]);
    assert_eq!(joined, doc.transact().encode_state_as_update_v1(&StateVector::default()));
}

#[test]
fn the_whole_says_what_its_parts_say() {
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    for round in 0..60 {
        let label = format!("seed {seed}, round {round}");
        let peers: Vec<_> = [7, 3, 1 << 40].map(peer).into();
        let mut log: Vec<Vec<u8>> = Vec::new();
        for _ in 0..40 {
            let author = rng.usize(..peers.len());
            for _ in 0..rng.usize(1..6) {
                log.push(edit(&peers[author], &mut rng));
            }
            if rng.bool() {
                for update in &log {
                    apply(&peers[author], update);
                }
            }
        }
        let (start, end) = (rng.usize(..log.len()), log.len() - rng.usize(..9));
        let start = start.min(end);
        let (one_by_one, at_once) = (peer(9), peer(9));
        for update in &log[..start] {
            apply(&one_by_one, update);
            apply(&at_once, update);
        }
        let mut group = log[start..end].to_vec();
        rng.shuffle(&mut group);
        let joined = joined(&group).expect(&label);
        apply(&at_once, &joined);
        for update in &log[start..end] {
            apply(&one_by_one, update);
        }
        assert_eq!(content(&at_once), content(&one_by_one), "{label}");
        let state = |doc: &Doc| (doc.transact().state_vector(), doc.transact().snapshot());
        assert_eq!(state(&at_once), state(&one_by_one), "{label}");

        let whole = inspect_v1(&joined).expect(&label);
        assert!(!whole.has_gaps && !whole.has_unsorted_deletions, "{label}");
        let by_yrs = Update::decode_v1(&merge_updates_v1(&group).unwrap()).unwrap();
        let by_us = Update::decode_v1(&joined).unwrap();
        assert_eq!(by_us.state_vector_lower(), by_yrs.state_vector_lower(), "{label}");
        assert_eq!(by_us.insertions(true), by_yrs.insertions(true), "{label}");
        assert_eq!(by_us.delete_set(), by_yrs.delete_set(), "{label}");
    }
}

#[test]
fn text_that_is_not_typed_on_stays_apart() {
    let text = |client: u8, clock: u8, info: u8, head: &[u8], text: u8| {
        [&[1, 1, client, clock, info], head, &[1, text, 0]].concat()
    };
    let first = text(5, 0, 4, &[1, 1, b't'], b'a');
    let rows: [(&str, Vec<u8>, u64); 7] = [
        ("typed on", text(5, 1, 0x84, &[5, 0], b'b'), 1),
        ("behind another client's", text(5, 1, 0x84, &[6, 0], b'b'), 2),
        ("before something", text(5, 1, 0xc4, &[5, 0, 6, 0], b'b'), 2),
        ("in the same place, before something", text(5, 1, 0x44, &[5, 0], b'b'), 2),
        ("of a map", text(5, 1, 0xa4, &[5, 0], b'b'), 2),
        ("no text", text(5, 1, 0x83, &[5, 0], b'b'), 2),
        ("deleted", vec![1, 1, 5, 1, 0x81, 5, 0, 1, 0], 2),
    ];
    for (label, second, blocks) in rows {
        let joined = joined(&[&first, &second]).expect(label);
        let seen = inspect_v1(&joined).expect(label);
        assert_eq!(seen.spans.iter().map(|it| it.blocks).collect::<Vec<_>>(), [blocks], "{label}");
        assert_eq!((seen.spans[0].start, seen.spans[0].end), (0, 2), "{label}");
        assert!(Update::decode_v1(&joined).is_ok(), "{label}");
    }
}

#[test]
fn text_typed_before_something_is_typed_on_before_the_same() {
    let text =
        |clock: u8, origin: u8, right: u8| [1, 1, 5, clock, 0xc4, 5, origin, 6, right, 1, b'x', 0];
    for (label, right, blocks) in [("the same", 3, 1), ("something else", 4, 2)] {
        let joined = joined(&[text(8, 2, 3), text(9, 8, right)]).expect(label);
        let seen = inspect_v1(&joined).expect(label);
        assert_eq!(seen.spans[0].blocks, blocks, "{label}");
    }
}

#[test]
fn blocks_behind_text_that_was_typed_on_stay_as_they_are() {
    let first = [1, 1, 5, 0, 4, 1, 1, b't', 1, b'a', 0];
    let second = [1, 2, 5, 1, 0x84, 5, 0, 1, b'b', 0x81, 5, 1, 3, 0];
    let third = [1, 1, 5, 5, 0x84, 5, 4, 1, b'c', 0];
    let joined = joined(&[&first[..], &second, &third]);
    let expected =
        [1, 3, 5, 0, 4, 1, 1, b't', 2, b'a', b'b', 0x81, 5, 1, 3, 0x84, 5, 4, 1, b'c', 0];
    assert_eq!(joined.as_deref(), Some(&expected[..]));
}

#[test]
fn what_overlaps_or_has_gaps_is_left_to_others() {
    let at = |clock: u8, len: u8| vec![1, 1, 5, clock, 0x81, 5, 0, len, 0];
    let gap = vec![1, 3, 5, 3, 0x81, 5, 0, 1, 10, 1, 0x81, 5, 0, 1, 0];
    let rows = [
        ("nothing", vec![], true),
        ("what follows", vec![at(1, 2), at(3, 1)], true),
        ("in the other order", vec![at(3, 1), at(1, 2)], true),
        ("one missing in between", vec![at(1, 2), at(4, 1)], false),
        ("one twice", vec![at(1, 2), at(1, 2)], false),
        ("an overlap", vec![at(1, 2), at(2, 2)], false),
        ("a gap in one", vec![at(1, 2), gap], false),
    ];
    for (label, updates, is_joined) in rows {
        assert_eq!(joined(&updates).is_some(), is_joined, "{label}");
    }
    assert_eq!(joined::<Vec<u8>>(&[]), Some(vec![0, 0]));
}

#[test]
fn deletions_of_all_are_sorted_and_joined() {
    let updates: [&[u8]; 4] =
        [&[0, 1, 9, 2, 5, 1, 1, 2], &[0, 1, 9, 1, 3, 1], &[0, 1, 10, 1, 1, 1], &[0, 1, 9, 1, 7, 0]];
    let joined = joined(&updates).unwrap();
    assert_eq!(joined, [0, 2, 10, 1, 1, 1, 9, 2, 1, 3, 5, 1]);
    assert_eq!(sort_deletions(&joined), Ok(joined));
}
