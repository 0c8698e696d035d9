use std::sync::Arc;

use yrs::branch::Branch;
use yrs::updates::decoder::Decode;
use yrs::{Doc, GetString, OffsetKind, Options, ReadTxn, StateVector, Transact, Update};

use super::*;
use crate::document::{TextRun, Value};

const CHUNKS: [&str; 6] = ["a", "bc", "d😀", "ef gh", "😀", ""];

fn doc(client_id: u64) -> (Doc, TextRef) {
    let doc = Doc::with_options(Options {
        offset_kind: OffsetKind::Utf16,
        client_id: yrs::ClientID::new(client_id),
        ..Options::default()
    });
    let text = doc.get_or_insert_text("text");
    (doc, text)
}

fn branch_of(text: &TextRef) -> BranchPtr {
    BranchPtr::from(AsRef::<Branch>::as_ref(text))
}

fn pass(from: &Doc, to: &Doc) {
    let state = to.transact().state_vector();
    let update = from.transact().encode_state_as_update_v1(&state);
    to.transact_mut().apply_update(Update::decode_v1(&update).unwrap()).unwrap();
}

/// A replica that makes every edit at once and one that holds them back.
struct Pair {
    rng: fastrand::Rng,
    at_once: (Doc, TextRef),
    held_back: (Doc, TextRef),
    edits: TextEdits,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let (at_once, held_back) = (doc(1), doc(2));
        Self { rng: fastrand::Rng::with_seed(seed), at_once, held_back, edits: TextEdits::new(0) }
    }

    fn edit(&mut self, spread: u32) {
        let length = self.edits.length();
        let near = self.rng.u32(..=length.min(spread));
        let position = if self.rng.bool() { near } else { length - near };
        // What is between the halves of a pair and goes away again leaves no trace when it was held back.
        let units: Vec<u16> = Self::text(&self.at_once).encode_utf16().collect();
        let splits_pair =
            |at: u32| units.get(at as usize).is_some_and(|unit| (0xDC00..0xE000).contains(unit));
        if splits_pair(position) {
            return;
        }
        let (doc, text) = &self.at_once;
        let mut txn = doc.transact_mut();
        if self.rng.u8(..5) < 3 {
            let chunk = CHUNKS[self.rng.usize(..CHUNKS.len())];
            if self.edits.insert(position, chunk) {
                text.insert(&mut txn, position, chunk);
            }
        } else {
            let count = self.rng.u32(..=(length - position).min(6));
            if !splits_pair(position + count) && self.edits.delete(position, count) {
                text.remove_range(&mut txn, position, count);
            }
        }
        assert_eq!(self.edits.length(), text.len(&txn));
    }

    fn flush(&mut self) {
        let (doc, text) = &self.held_back;
        let mut txn = doc.transact_mut();
        let edits = std::mem::replace(&mut self.edits, TextEdits::new(0));
        edits.apply(&mut txn, branch_of(text));
        self.edits = TextEdits::new(text.len(&txn));
    }

    /// Every character with its attributes.
    fn formatted((doc, text): &(Doc, TextRef)) -> Vec<(char, String)> {
        let runs = text_runs(&doc.transact(), branch_of(text)).into_iter();
        let chars = |run: TextRun| {
            let Value::Any(Any::String(chunk)) = &run.insert else { panic!("only text came in") };
            let attributes = format!("{:?}", run.attributes);
            chunk.chars().map(|it| (it, attributes.clone())).collect::<Vec<_>>()
        };
        runs.flat_map(chars).collect()
    }

    fn text((doc, text): &(Doc, TextRef)) -> String {
        text.get_string(&doc.transact())
    }
}

#[test]
fn edits_held_back_are_the_edits_made_at_once() {
    let seed = fastrand::u64(..);
    for round in 0..40 {
        let seed = seed.wrapping_add(round);
        let mut pair = Pair::new(seed);
        // Few places, so that parts meet, or many, so that they are made in one pass.
        let spread = if round % 2 == 0 { 8 } else { 200 };
        for _ in 0..12 {
            for _ in 0..pair.rng.u32(1..60) {
                pair.edit(spread);
            }
            pair.flush();
            assert_eq!(Pair::text(&pair.at_once), Pair::text(&pair.held_back), "seed {seed}");
        }
    }
}

#[test]
fn what_is_typed_among_formats_takes_them_over() {
    let seed = fastrand::u64(..);
    for round in 0..40 {
        let seed = seed.wrapping_add(round);
        let mut pair = Pair::new(seed);
        for _ in 0..12 {
            let length = pair.edits.length();
            let start = pair.rng.u32(..=length);
            let count = pair.rng.u32(..=length - start);
            let value = if pair.rng.bool() { Any::from(true) } else { Any::Null };
            for (doc, text) in [&pair.at_once, &pair.held_back] {
                let attributes = Attrs::from([(Arc::from("bold"), value.clone())]);
                text.format(&mut doc.transact_mut(), start, count, attributes);
            }
            for _ in 0..pair.rng.u32(1..40) {
                pair.edit(50);
            }
            pair.flush();
            assert_eq!(
                Pair::formatted(&pair.at_once),
                Pair::formatted(&pair.held_back),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn replicas_converge_on_edits_held_back() {
    let seed = fastrand::u64(..);
    for round in 0..20 {
        let seed = seed.wrapping_add(round);
        let (mut one, mut other) = (Pair::new(seed), Pair::new(!seed));
        other.held_back = doc(3);
        for _ in 0..10 {
            for pair in [&mut one, &mut other] {
                pair.at_once = doc(4);
                pass(&pair.held_back.0, &pair.at_once.0);
                pair.edits = TextEdits::new(pair.held_back.1.len(&pair.held_back.0.transact()));
                for _ in 0..pair.rng.u32(..40) {
                    pair.edit(20);
                }
                pair.flush();
            }
            pass(&one.held_back.0, &other.held_back.0);
            pass(&other.held_back.0, &one.held_back.0);
            let texts = [&one, &other].map(|pair| Pair::text(&pair.held_back));
            assert_eq!(texts[0], texts[1], "seed {seed}");
        }
        let state = |pair: &Pair| -> StateVector { pair.held_back.0.transact().state_vector() };
        assert_eq!(state(&one), state(&other), "seed {seed}");
    }
}

#[test]
fn what_came_and_went_leaves_nothing() {
    let mut edits = TextEdits::new(10);
    assert!(edits.insert(3, "abc") && edits.insert(8, "def") && edits.delete(5, 1));
    assert!(edits.delete(3, 2) && edits.delete(5, 3));
    assert!(edits.is_empty(), "{edits:?}");
    assert_eq!((edits.length(), edits.part_count()), (10, 1));
}

#[test]
fn typing_behind_deleted_text_stays_behind_it() {
    // "a" typed, what follows deleted, "b" typed: the CRDT would put it behind what was deleted.
    let mut edits = TextEdits::new(10);
    assert!(edits.insert(0, "a") && edits.delete(1, 4) && edits.insert(1, "b"));
    let parts: Vec<_> = edits.parts.iter().map(|part| format!("{part:?}")).collect();
    assert_eq!(parts.len(), 4, "{parts:?}");
    assert!(parts[1].starts_with("Deleted(4)") && parts[2].starts_with("Inserted"), "{parts:?}");
}

#[test]
fn lengths_are_right_where_pairs_of_the_text_are_split() {
    let (doc, text) = doc(1);
    text.insert(&mut doc.transact_mut(), 0, "😀😀😀");
    let mut edits = TextEdits::new(6);
    assert!(edits.delete(1, 2) && edits.insert(2, "x") && edits.delete(4, 1));
    let length = edits.length();
    let mut txn = doc.transact_mut();
    edits.apply(&mut txn, branch_of(&text));
    assert_eq!(
        (text.len(&txn), text.get_string(&txn).encode_utf16().count() as u32),
        (length, length)
    );
}

#[test]
fn a_pair_that_came_in_is_not_split() {
    let mut edits = TextEdits::new(0);
    assert!(edits.insert(0, "a😀b"));
    assert!(!edits.insert(2, "x"));
    assert!(!edits.delete(0, 2));
    assert!(!edits.delete(2, 1));
    assert!(edits.delete(1, 2));
    assert_eq!(edits.length(), 2);
}
