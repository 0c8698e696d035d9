use super::super::{inspect_v1, merge};
use super::*;
use yrs::updates::decoder::Decode;
use yrs::{Any, Array, Doc, GetString, Map, ReadTxn, StateVector, Text, Transact, Update};

fn state(doc: &Doc) -> Vec<u8> {
    doc.transact().encode_state_as_update_v1(&StateVector::default())
}

fn apply(doc: &Doc, update: &[u8]) {
    doc.transact_mut().apply_update(Update::decode_v1(update).unwrap()).unwrap();
}

/// Applies part by part; each must be small, and leave nothing pending.
fn rebuilt(parts: &[Vec<u8>], limit: usize, label: &str) -> Doc {
    let doc = Doc::with_client_id(99);
    doc.get_or_insert_text("body");
    doc.get_or_insert_array("list");
    doc.get_or_insert_map("map");
    for part in parts {
        assert!(part.len() <= limit, "{label}: {} bytes", part.len());
        assert_eq!(inspect_v1(part).map(|it| it.has_gaps), Ok(false), "{label}");
        apply(&doc, part);
        let is_pending = doc.transact().store().pending_update().is_some();
        assert!(!is_pending, "{label}: a part waits for a later one");
    }
    doc
}

fn check(doc: &Doc, limit: usize, label: &str) {
    let update = state(doc);
    let parts = split_to_size(&update, limit).unwrap().expect(label);
    assert!(parts.len() > 1, "{label}");
    assert_eq!(state(&rebuilt(&parts, limit, label)), update, "{label}");
    // What a receiver that merges makes of it.
    let copy = Doc::with_client_id(98);
    apply(&copy, &merge(&parts).unwrap());
    assert_eq!(state(&copy), update, "{label}: merged");
}

#[test]
fn long_text_is_cut_between_characters() {
    let doc = Doc::with_client_id(1);
    let body = doc.get_or_insert_text("body");
    body.push(&mut doc.transact_mut(), &"aä€😀".repeat(500));
    body.insert(&mut doc.transact_mut(), 3, &"middle".repeat(300));
    for limit in [64, 65, 66, 67, 100, 1000] {
        check(&doc, limit, &format!("limit {limit}"));
    }
}

#[test]
fn long_lists_are_cut_between_elements() {
    let doc = Doc::with_client_id(1);
    let list = doc.get_or_insert_array("list");
    let elements = (0..500).map(|number| Any::from(format!("element {number}")));
    list.insert_range(&mut doc.transact_mut(), 0, elements.collect::<Vec<_>>());
    check(&doc, 200, "list");
}

#[test]
fn no_part_waits_for_a_later_one() {
    // Everybody types into what the other has just typed: each of their blocks refers to the other's last one.
    let (a, b) = (Doc::with_client_id(1), Doc::with_client_id(2));
    for number in 0..200_u32 {
        let (from, to) = if number % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let body = from.get_or_insert_text("body");
        body.insert(&mut from.transact_mut(), number / 2, "xy");
        apply(to, &state(from));
    }
    assert_eq!(state(&a), state(&b));
    for limit in [64, 200, 1000] {
        check(&a, limit, &format!("limit {limit}"));
    }
}

#[test]
fn many_deletions_are_split_and_come_last() {
    let doc = Doc::with_client_id(1);
    let body = doc.get_or_insert_text("body");
    let map = doc.get_or_insert_map("map");
    body.push(&mut doc.transact_mut(), &"text".repeat(500));
    for number in 0..500 {
        body.remove_range(&mut doc.transact_mut(), number, 1);
        map.insert(&mut doc.transact_mut(), "key", number);
    }
    check(&doc, 100, "deletions");
    let text = body.get_string(&doc.transact());
    let parts = split_to_size(&state(&doc), 100).unwrap().unwrap();
    let copy = rebuilt(&parts, 100, "deletions");
    assert_eq!(copy.get_or_insert_text("body").get_string(&copy.transact()), text);
}

#[test]
fn what_can_not_be_cut_is_not() {
    let doc = Doc::with_client_id(1);
    let map = doc.get_or_insert_map("map");
    map.insert(&mut doc.transact_mut(), "key", "x".repeat(1000));
    let update = state(&doc);
    assert_eq!(split_to_size(&update, 1000), Ok(None), "one large value");
    for limit in 0..40 {
        assert_eq!(split_to_size(&update, limit), Ok(None), "limit {limit}");
    }
    assert!(split_to_size(&update[..100], 1000).is_err(), "no update");
}

#[test]
fn references_in_a_circle_come_to_an_end() {
    // Two blocks that name each other as their origin.
    let block = |client: u8, other: u8| [1, client, 0, 0x84, other, 0, 1, b'x'];
    let update = [&[2][..], &block(2, 1), &block(1, 2), &[0]].concat();
    assert_eq!(split_to_size(&update, 30).map(|parts| parts.map(|it| it.len())), Ok(Some(2)));
}
