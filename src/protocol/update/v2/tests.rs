use super::*;
use yrs::{Any, Array, Doc, GetString, Map, MapPrelim, ReadTxn, StateVector, Text, Transact};

fn document() -> Doc {
    let doc = Doc::with_client_id(1);
    let (text, map, array) = (
        doc.get_or_insert_text("text"),
        doc.get_or_insert_map("map"),
        doc.get_or_insert_array("array"),
    );
    let mut txn = doc.transact_mut();
    text.insert(&mut txn, 0, "hello wörld 🙂");
    text.format(&mut txn, 0, 5, [("bold".into(), true.into())].into());
    text.insert_embed(&mut txn, 3, Any::from_json(r#"{"image":[1,2]}"#).unwrap());
    text.remove_range(&mut txn, 1, 2);
    map.insert(&mut txn, "key", Any::from_json(r#"{"a":[{"b":null}]}"#).unwrap());
    array.push_back(&mut txn, MapPrelim::from([("nested", 1)]));
    drop(txn);
    doc
}

#[test]
fn translates_in_both_directions() {
    let doc = document();
    let original = doc.get_or_insert_text("text");
    let txn = doc.transact();
    let (v1, v2) = (
        txn.encode_state_as_update_v1(&StateVector::default()),
        txn.encode_state_as_update_v2(&StateVector::default()),
    );
    assert_eq!(v2_to_v1(&v2).unwrap(), v1);
    assert_eq!(v1_to_v2(&v1).unwrap(), v2);
    let copy = Doc::new();
    let text = copy.get_or_insert_text("text");
    let mut copied = copy.transact_mut();
    copied.apply_update(Update::decode_v1(&v2_to_v1(&v2).unwrap()).unwrap()).unwrap();
    assert_eq!(text.get_string(&copied), original.get_string(&txn));
}

#[test]
fn either_format_is_told_from_the_other() {
    let doc = document();
    let text = doc.get_or_insert_text("text");
    let before = doc.transact().state_vector();
    text.remove_range(&mut doc.transact_mut(), 0, 1);
    let txn = doc.transact();
    for (label, since) in [("content", StateVector::default()), ("deletions only", before)] {
        let v1 = Bytes::from(txn.encode_state_as_update_v1(&since));
        let v2 = Bytes::from(txn.encode_state_as_update_v2(&since));
        assert_eq!(v1[0] == 0, label != "content", "{label}: the first byte does not tell");
        assert_eq!(any_to_v1(v1.clone()).unwrap(), v1, "{label}");
        assert_eq!(any_to_v1(v2).unwrap(), v1, "{label}");
    }
    let empty = Bytes::from_static(&super::super::EMPTY);
    assert_eq!(any_to_v1(empty.clone()).unwrap(), empty);
    let empty_v2 =
        Bytes::from(Doc::new().transact().encode_state_as_update_v2(&StateVector::default()));
    assert_eq!(any_to_v1(empty_v2).unwrap(), empty);
    assert!(any_to_v1(Bytes::from_static(&[0, 1, 2, 3])).is_err());
}

#[test]
fn binary_content_is_read_back() {
    let v1 = [1, 1, 1, 0, 3, 1, 1, b'a', 2, 7, 8, 0];
    assert_eq!(v2_to_v1(&v1_to_v2(&v1).unwrap()).unwrap(), v1);
}

#[test]
fn merges() {
    let doc = Doc::with_client_id(1);
    let text = doc.get_or_insert_text("text");
    let updates: Vec<_> = (0..200)
        .map(|index| {
            let mut txn = doc.transact_mut();
            text.insert(&mut txn, index, "x");
            txn.encode_update_v2()
        })
        .collect();
    let merged = v2_to_v1(&merge_v2(&updates).unwrap()).unwrap();
    let copy = Doc::new();
    let copied = copy.get_or_insert_text("text");
    let mut txn = copy.transact_mut();
    txn.apply_update(Update::decode_v1(&merged).unwrap()).unwrap();
    assert_eq!(copied.get_string(&txn), "x".repeat(200));
    assert_eq!(v2_to_v1(&merge_v2::<&[u8]>(&[]).unwrap()).unwrap(), super::super::EMPTY);
}

#[test]
fn refuses_garbage_without_panicking() {
    let update = document().transact().encode_state_as_update_v2(&StateVector::default());
    for len in 0..update.len() {
        assert!(v2_to_v1(&update[..len]).is_err(), "cut to {len}");
    }
    for index in 0..update.len() {
        for bit in 0..8 {
            let mut flipped = update.clone();
            flipped[index] ^= 1 << bit;
            if let Ok(v1) = v2_to_v1(&flipped) {
                scan_v1(&v1).unwrap();
            }
        }
    }
    let mut longer = update;
    longer.push(0);
    assert!(v2_to_v1(&longer).is_err(), "one byte too many");
}
