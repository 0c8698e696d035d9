use std::time::{Duration, Instant};

use super::*;
use yrs::updates::decoder::Decode;
use yrs::{Doc, GetString, ReadTxn, Text, Transact, Update};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Updates of someone who types these words, one edit each.
fn typed(words: &[&str]) -> Vec<Bytes> {
    let doc = Doc::with_client_id(1);
    let text = doc.get_or_insert_text("text");
    words
        .iter()
        .map(|word| {
            let mut txn = doc.transact_mut();
            let end = text.len(&txn);
            text.insert(&mut txn, end, word);
            txn.encode_update_v1().into()
        })
        .collect()
}

fn read(updates: &[Bytes]) -> String {
    let doc = Doc::new();
    let text = doc.get_or_insert_text("text");
    for update in updates {
        doc.transact_mut().apply_update(Update::decode_v1(update).unwrap()).unwrap();
    }
    assert!(!doc.transact().has_missing_updates());
    text.get_string(&doc.transact())
}

fn error(code: ErrorCode) -> ProviderError {
    ProviderError::new(code, "no")
}

#[test]
fn unsent_edits_go_out_merged_and_are_confirmed_together() {
    let mut outbox = Outbox::new(1000);
    for update in typed(&["a", "b", "c"]) {
        outbox.push(update);
    }
    let now = Instant::now();
    let sent = outbox.send(now, 7).unwrap();
    assert_eq!(read(&[sent]), "abc");
    assert_eq!(outbox.send(now, 8), None);
    assert_eq!(outbox.oldest_unconfirmed(), Some(1));
    assert!(!outbox.confirm(8), "an ack nobody waits for");
    assert!(outbox.confirm(7));
    assert_eq!(outbox.oldest_unconfirmed(), None);
    assert_eq!(outbox.bytes, 0);
}

#[test]
fn acks_in_any_order_confirm_only_their_own_edits() {
    let now = Instant::now();
    let mut outbox = Outbox::new(1000);
    for (id, update) in typed(&["a", "b", "c"]).into_iter().enumerate() {
        outbox.push(update);
        outbox.send(now, id as u64);
    }
    assert!(outbox.confirm(1));
    assert_eq!(outbox.oldest_unconfirmed(), Some(1));
    assert!(outbox.confirm(0));
    assert_eq!(outbox.oldest_unconfirmed(), Some(3));
}

#[test]
fn an_echo_confirms_the_update_it_equals() {
    let now = Instant::now();
    let mut outbox = Outbox::new(1000);
    let updates = typed(&["a", "b"]);
    for (id, update) in updates.iter().enumerate() {
        outbox.push(update.clone());
        outbox.send(now, id as u64);
    }
    assert_eq!(outbox.confirm_echo(&updates[1]), Some(1));
    assert_eq!(outbox.confirm_echo(&updates[1]), None, "a duplicate");
    assert_eq!(outbox.oldest_unconfirmed(), Some(1));
}

#[test]
fn a_missing_ack_brings_updates_back_later_and_later() {
    let start = Instant::now();
    let mut outbox = Outbox::new(1000);
    outbox.push(typed(&["a"]).remove(0));
    outbox.send(start, 0);
    assert_eq!(outbox.ack_deadline(TIMEOUT), Some(start + TIMEOUT));
    assert!(outbox.recall_overdue(start + TIMEOUT / 2, TIMEOUT).is_empty());
    assert_eq!(outbox.recall_overdue(start + TIMEOUT, TIMEOUT).as_slice(), [0]);
    assert!(!outbox.confirm(0), "the old ack is not waited for any more");
    outbox.send(start + TIMEOUT, 1);
    assert_eq!(outbox.ack_deadline(TIMEOUT), Some(start + TIMEOUT * 3), "twice the patience");
    outbox.confirm(1);
    assert_eq!(outbox.missed_acks, 0);
}

#[test]
fn recalled_updates_keep_their_order() {
    let now = Instant::now();
    let mut outbox = Outbox::new(1000);
    for (id, update) in typed(&["a", "b", "c", "d"]).into_iter().enumerate() {
        outbox.push(update);
        if id < 3 {
            outbox.send(now, id as u64);
        }
    }
    outbox.recall(2);
    outbox.recall(0);
    let firsts: Vec<u64> = outbox.unsent.iter().map(|unsent| unsent.edits.first).collect();
    assert_eq!(firsts, [1, 3, 4]);
    assert_eq!(outbox.oldest_unconfirmed(), Some(1));
    outbox.restart();
    let sent = outbox.send(now, 9).unwrap();
    assert_eq!(read(&[sent]), "abcd", "after a reconnect everything goes out again");
}

#[test]
fn many_offline_edits_stay_few_updates() {
    let words: Vec<String> = (0..1000).map(|n| format!("{n},")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut outbox = Outbox::new(1 << 20);
    for update in typed(&words) {
        outbox.push(update);
    }
    assert!(outbox.unsent.len() < 2 * MAX_BATCH, "{}", outbox.unsent.len());
    let total: usize = outbox.unsent.iter().map(|unsent| unsent.update.len()).sum();
    assert_eq!(outbox.bytes, total);
    let now = Instant::now();
    let sent: Vec<Bytes> = (0..).map_while(|id| outbox.send(now, id)).collect();
    assert_eq!(read(&sent), words.concat());
    assert!(sent.len() <= 2, "{}", sent.len());
}

#[test]
fn past_the_limit_only_a_difference_is_owed() {
    let now = Instant::now();
    let updates = typed(&["hello", "world", "again", "more"]);
    let mut outbox = Outbox::new(updates[0].len() + updates[1].len());
    outbox.push(updates[0].clone());
    outbox.send(now, 0);
    outbox.push(updates[1].clone());
    outbox.push(updates[2].clone());
    assert!(!outbox.has_unsent() && outbox.bytes == 0);
    assert!(outbox.is_difference_due());
    assert_eq!(outbox.oldest_unconfirmed(), Some(1));
    assert_eq!(outbox.request_difference(), Some(3));
    assert!(!outbox.is_difference_due());
    outbox.push(updates[3].clone());
    assert!(outbox.has_unsent(), "newer than the difference that is computed");
    outbox.confirm_difference(3);
    assert_eq!(outbox.oldest_unconfirmed(), Some(4));
}

#[test]
fn edits_join_a_difference_that_is_not_requested_yet() {
    let mut outbox = Outbox::new(1000);
    outbox.push_content();
    outbox.push(typed(&["a"]).remove(0));
    assert!(!outbox.has_unsent());
    assert_eq!(outbox.request_difference(), Some(2));
    outbox.renew_difference();
    assert!(outbox.is_difference_due());
    outbox.request_difference();
    outbox.confirm_difference(1);
    assert_eq!(
        outbox.oldest_unconfirmed(),
        Some(2),
        "an older difference settles older edits only"
    );
}

#[test]
fn refused_edits_stay_unconfirmed_and_get_another_chance_with_a_new_connection() {
    let mut outbox = Outbox::new(1000);
    outbox.push(typed(&["a"]).remove(0));
    outbox.send(Instant::now(), 0);
    outbox.refuse(0, error(ErrorCode::PermissionDenied));
    assert_eq!(outbox.refusal(), Some((1, &error(ErrorCode::PermissionDenied))));
    assert!(!outbox.is_waiting());
    outbox.restart();
    assert!(outbox.is_difference_due());
    assert_eq!(outbox.refusal(), None);
}

#[test]
fn read_only_edits_are_never_sent() {
    let mut outbox = Outbox::new(1000);
    outbox.push_refused(error(ErrorCode::ReadOnly));
    outbox.push_refused(error(ErrorCode::ReadOnly));
    outbox.restart();
    assert!(!outbox.is_waiting() && !outbox.has_unsent());
    assert_eq!(outbox.refusal().map(|(first, _)| first), Some(1));
}

#[test]
fn updates_that_do_not_merge_go_out_one_by_one() {
    let mut outbox = Outbox::new(1000);
    outbox.push(Bytes::from_static(b"no update"));
    outbox.push(Bytes::from_static(b"neither"));
    assert_eq!(outbox.send(Instant::now(), 0).as_deref(), Some(&b"no update"[..]));
    assert_eq!(outbox.send(Instant::now(), 1).as_deref(), Some(&b"neither"[..]));
    assert_eq!(outbox.send(Instant::now(), 2), None);
}

#[test]
fn parts_of_a_large_update_go_out_one_by_one_in_their_order() {
    let now = Instant::now();
    let mut outbox = Outbox::new(10_000);
    let text = "0123456789".repeat(30);
    let updates = typed(&[&text, " later"]);
    outbox.push(updates[0].clone());
    outbox.send(now, 0);
    assert!(outbox.split_last(200));
    outbox.push(updates[1].clone());
    let mut sent: Vec<Bytes> = (1..=2).filter_map(|id| outbox.send(now, id)).collect();
    assert!(sent.iter().all(|update| update.len() <= 200));
    assert_eq!(outbox.recall_all().as_slice(), [1, 2]);
    let again: Vec<Bytes> = (3..=4).filter_map(|id| outbox.send(now, id)).collect();
    assert_eq!(again, sent, "in the same order, and not merged");
    outbox.recall(3);
    assert_eq!(outbox.send(now, 5).as_ref(), sent.first());
    sent.extend(outbox.send(now, 6));
    assert_eq!(read(&sent), text + " later");
    for id in [5, 4] {
        assert_eq!(outbox.oldest_unconfirmed(), Some(1), "until the last part is confirmed");
        assert!(outbox.confirm(id));
    }
    assert_eq!(outbox.oldest_unconfirmed(), Some(2));
    assert!(outbox.confirm(6));
    assert_eq!(outbox.oldest_unconfirmed(), None);
}

#[test]
fn a_part_is_not_split_again_and_a_large_value_not_at_all() {
    let mut outbox = Outbox::new(10_000);
    outbox.push(typed(&[&"x".repeat(300)]).remove(0));
    outbox.send(Instant::now(), 0);
    assert!(!outbox.split_last(20), "nothing fits");
    assert!(outbox.split_last(200));
    outbox.send(Instant::now(), 1);
    assert!(!outbox.split_last(100));
    outbox.refuse(1, error(ErrorCode::MessageTooLarge));
    assert_eq!(outbox.refusal().map(|(first, _)| first), Some(1));
    assert!(outbox.has_unsent(), "the other part");
}

#[test]
fn parts_of_a_difference_settle_what_it_would_have_settled() {
    let mut outbox = Outbox::new(10_000);
    outbox.push_content();
    assert_eq!(outbox.request_difference(), Some(1));
    let difference = typed(&[&"x".repeat(300)]).remove(0);
    assert!(outbox.split_difference(1, &difference, 200));
    assert!(!outbox.is_difference_due());
    let mut id = 0;
    while outbox.send(Instant::now(), id).is_some() {
        assert_eq!(outbox.oldest_unconfirmed(), Some(1));
        assert!(outbox.confirm(id));
        id += 1;
    }
    assert_eq!(id, 2);
    assert_eq!(outbox.oldest_unconfirmed(), None);
}
