use yrs::updates::decoder::Decode;
use yrs::{Doc, GetString, OffsetKind, Options, Text, TextRef, Transact, Update};

use super::*;

const CLIENT: ClientID = ClientID::new(7);
const CHUNKS: [&str; 5] = ["a", "bc", "d😀", "ef gh", "😀"];

fn root() -> BranchID {
    BranchID::Root("text".into())
}

fn doc() -> (Doc, TextRef) {
    let doc = Doc::with_options(Options {
        offset_kind: OffsetKind::Utf16,
        client_id: CLIENT,
        ..Options::default()
    });
    let text = doc.get_or_insert_text("text");
    (doc, text)
}

/// Inserts as the CRDT does and returns the update.
fn insert(doc: &Doc, text: &TextRef, position: u32, chunk: &str) -> Vec<u8> {
    let mut txn = doc.transact_mut();
    text.insert(&mut txn, position, chunk);
    txn.commit();
    txn.encode_update_v1()
}

fn delete(doc: &Doc, text: &TextRef, position: u32, length: u32) -> Vec<u8> {
    let mut txn = doc.transact_mut();
    text.remove_range(&mut txn, position, length);
    txn.commit();
    txn.encode_update_v1()
}

/// Edits at random inside of the stretch: every update must be, byte by byte, what the CRDT makes of the same edit.
fn edits_are_those_of_the_crdt(doc: &Doc, text: &TextRef, mut runs: OwnRuns, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    for step in 0..400 {
        let near = rng.u32(..=runs.length.min(6));
        let offset = if rng.bool() { near } else { runs.length - near };
        let position = runs.start + offset;
        let (known, real) = if rng.u8(..5) < 3 || runs.length == 0 {
            let chunk = CHUNKS[rng.usize(..CHUNKS.len())];
            let known = runs.insert(&root(), position, chunk);
            (known, insert(doc, text, position, chunk))
        } else {
            let length = rng.u32(..=(runs.length - offset).min(5));
            if length == 0 {
                continue;
            }
            (runs.delete(position, length), delete(doc, text, position, length))
        };
        assert_eq!(known, Some(real), "seed {seed}, step {step}");
        assert_eq!(runs.text_length(), text.len(&doc.transact()), "seed {seed}, step {step}");
    }
}

#[test]
fn edits_of_a_text_of_ones_own_are_those_of_the_crdt() {
    let seed = fastrand::u64(..);
    for round in 0..30 {
        let (doc, text) = doc();
        let update = insert(&doc, &text, 0, "hello");
        let runs = OwnRuns::of_insertion(&update, CLIENT, 0, 5).expect("it is an insertion");
        edits_are_those_of_the_crdt(&doc, &text, runs, seed.wrapping_add(round));
    }
}

#[test]
fn edits_inside_of_the_text_of_others_are_those_of_the_crdt() {
    let seed = fastrand::u64(..);
    for round in 0..30 {
        let seed = seed.wrapping_add(round);
        let mut rng = fastrand::Rng::with_seed(seed);
        let (doc, text) = doc();
        let other = Doc::with_client_id(9);
        let other_text = other.get_or_insert_text("text");
        for _ in 0..40 {
            let length = other_text.len(&other.transact());
            let mut txn = other.transact_mut();
            if rng.u8(..3) > 0 {
                other_text.insert(&mut txn, rng.u32(..=length), "other");
            } else {
                let position = rng.u32(..=length);
                other_text.remove_range(&mut txn, position, (length - position).min(3));
            }
            let update = Update::decode_v1(&txn.encode_update_v1()).expect("it is one");
            doc.transact_mut().apply_update(update).expect("nothing is missing");
        }
        let length = text.len(&doc.transact());
        let position = rng.u32(..=length);
        let update = insert(&doc, &text, position, "mine");
        let runs = OwnRuns::of_insertion(&update, CLIENT, position, length + 4)
            .expect("it is an insertion");
        edits_are_those_of_the_crdt(&doc, &text, runs, seed);
    }
}

#[test]
fn what_reaches_out_of_the_stretch_is_unknown() {
    let (doc, text) = doc();
    insert(&doc, &text, 0, "0123456789");
    let update = insert(&doc, &text, 5, "abc");
    let mut runs = OwnRuns::of_insertion(&update, CLIENT, 5, 13).expect("it is an insertion");
    assert_eq!(runs.insert(&root(), 4, "x"), None);
    assert_eq!(runs.insert(&root(), 9, "x"), None);
    assert_eq!(runs.delete(4, 2), None);
    assert_eq!(runs.delete(7, 2), None);
    assert_eq!(runs.text_length(), 13);
    assert!(runs.delete(5, 3).is_some() && runs.insert(&root(), 5, "x").is_some());
    assert_eq!(text.get_string(&doc.transact()), "01234abc56789");
}

#[test]
fn only_insertions_of_ones_own_are_learned_from() {
    let (doc, text) = doc();
    let first = insert(&doc, &text, 0, "abc");
    let deletion = delete(&doc, &text, 1, 1);
    let learn = |update: &[u8]| OwnRuns::of_insertion(update, CLIENT, 0, 3);
    assert!(learn(&first).is_some());
    assert!(learn(&deletion).is_none(), "a deletion");
    assert!(OwnRuns::of_insertion(&first, ClientID::new(8), 0, 3).is_none(), "of another");
    assert!(learn(&first[..first.len() - 1]).is_none(), "cut");
    let mut txn = doc.transact_mut();
    text.insert_with_attributes(&mut txn, 0, "x", [("b".into(), true.into())].into());
    assert!(learn(&txn.encode_update_v1()).is_none(), "with formats");
}
