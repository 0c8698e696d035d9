//! The pool against a simulated JS thread: who touches a document when, and what listeners and providers are told.

#![allow(
    clippy::drop_non_drop,
    clippy::needless_for_each,
    clippy::semicolon_if_nothing_returned,
    clippy::unit_arg,
    reason = "one-line closures that ignore what an edit returns"
)]

mod document_support;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

use bytes::Bytes;
use document_support::{
    Js, PATIENCE, Provider, TEXT, TextMirror, Told, apply_to, edit_text, peer, read_text, text_of,
    typed, update_of,
};
use yjs_provider_native::ErrorCode;
use yjs_provider_native::document::{
    Document, Interest, JobDone, TypeChange, text_delete, text_insert,
};
use yrs::updates::decoder::Decode;
use yrs::{Map, ReadTxn, StateVector, Text, Transact, WriteTxn};

#[test]
fn fifty_touches_of_one_tick_take_the_baton_once_and_see_no_remote_change_between() {
    let js = Js::new();
    let mut provider = Provider::attach(&js.local.document());
    for update in typed(2, 5_000) {
        provider.apply(update);
    }
    let mut ticks_during_stream = 0;
    loop {
        let mut acquisitions = 0;
        let mut expected = None;
        for touch in 0..50 {
            acquisitions += usize::from(js.local.enter().unwrap().is_new);
            if touch % 2 == 0 {
                edit_text(&js.local, |txn, branch| text_insert(txn, branch, 0, "-", None));
            }
            let remote = read_text(&js.local).trim_start_matches('-').len();
            assert_eq!(
                *expected.get_or_insert(remote),
                remote,
                "touch {touch} saw a remote change"
            );
        }
        assert_eq!(acquisitions, 1, "one tick, one wait");
        js.local.leave();
        if expected == Some(5_000) {
            break;
        }
        ticks_during_stream += 1;
    }
    assert_eq!(provider.applied(), [], "nothing failed");
    assert!(ticks_during_stream > 0, "the stream was slower than the first tick");
}

#[test]
fn one_record_waits_at_most_and_a_mirror_of_their_deltas_is_the_document() {
    let seed = fastrand::u64(..);
    let mut rng = fastrand::Rng::with_seed(seed);
    let js = Js::new();
    js.observe_text();
    let mut provider = Provider::attach(&js.local.document());
    let remote = peer(2);
    let text = remote.get_or_insert_text(TEXT);
    for _ in 0..3_000 {
        let update = update_of(&remote, |txn| {
            let len = text.len(txn);
            if len > 4 && rng.u8(..4) == 0 {
                let index = rng.u32(..len - 1);
                let count = rng.u32(1..=(len - index).min(3));
                text.remove_range(txn, index, count);
            } else {
                text.insert(txn, rng.u32(..=len), rng.choice(["a", "é", "€", "xyz"]).unwrap());
            }
        });
        provider.apply(update);
    }

    let mut mirror = TextMirror::default();
    let (mut wakes, mut records) = (0, 0);
    let mut is_done = false;
    while !is_done {
        while js.wakes.try_recv().is_ok() {
            wakes += 1;
        }
        js.tick(|local, record| {
            if let Some(record) = record {
                assert!(record.attachment.is_some(), "a remote record");
                records += 1;
                mirror.apply(&record);
            }
            assert_eq!(mirror.text(), read_text(local), "after a remote record, seed {seed}");
            for _ in 0..rng.u8(..3) {
                let len = mirror.text().encode_utf16().count() as u32;
                let record = edit_text(local, |txn, branch| {
                    if len > 0 && rng.bool() {
                        text_delete(txn, branch, rng.u32(..len), 1)
                    } else {
                        text_insert(txn, branch, rng.u32(..=len), "L", None)
                    }
                });
                mirror.apply(&record.expect("an observed change"));
                assert_eq!(mirror.text(), read_text(local), "after a local edit, seed {seed}");
            }
        });
        while let Some(told) = provider.try_next() {
            if let Told::Done(JobDone::Applied { through, failed, .. }) = told {
                assert_eq!(failed, [], "seed {seed}");
                is_done = through == 3_000;
            }
        }
    }
    // The last record may have come after the last tick.
    js.tick(|local, record| {
        if let Some(record) = record {
            records += 1;
            mirror.apply(&record);
        }
        assert_eq!(mirror.text(), read_text(local), "at the end, seed {seed}");
    });
    wakes += js.wakes.try_iter().count();
    assert!(wakes <= records, "{wakes} wake-ups for {records} records");
    assert!(records > 1, "the stream came in several slices");
}

#[test]
fn no_slice_runs_before_the_record_of_the_last_one_was_dispatched() {
    let js = Js::new();
    js.observe_text();
    let mut provider = Provider::attach(&js.local.document());
    let updates = typed(2, 2);
    provider.apply(updates[0].clone());
    assert_eq!(provider.applied(), []);
    js.wait_for_wake();
    provider.apply(updates[1].clone());
    provider.document.encode_state_vector(provider.id, 7);
    let record = js.tick(|local, record| {
        assert_eq!(read_text(local), "a", "the state that belongs to the record");
        record.expect("of the first update")
    });
    assert_eq!(record.events.len(), 1);
    assert!(matches!(provider.next_done(), JobDone::Applied { through: 2, .. }));
    js.wait_for_wake();
    js.tick(|local, record| {
        assert_eq!(read_text(local), "ab");
        assert!(record.is_some(), "of the second update");
    });
    assert!(matches!(provider.next_done(), JobDone::Encoded { token: 7, result: Ok(_) }));
}

#[test]
fn a_document_grows_by_what_is_new_to_it() {
    let js = Js::new();
    let mut provider = Provider::attach(&js.local.document());
    assert_eq!(js.local.size(), 0);
    let update = update_of(&peer(2), |txn| {
        txn.get_or_insert_text("text").push(txn, &"x".repeat(1000));
    });
    provider.apply(update.clone());
    assert_eq!(provider.applied(), []);
    let size = js.local.size();
    assert!((1000..3000).contains(&size), "{size} bytes for a remote update");
    provider.apply(update.clone());
    assert_eq!(provider.applied(), []);
    js.tick(|local, _| local.apply_update(&update, &[]).map(drop)).unwrap();
    assert_eq!(js.local.size(), size, "the same again");
    js.tick(|local, _| edit_text(local, |txn, text| text_insert(txn, text, 0, "12345", None)));
    assert!((5..500).contains(&(js.local.size() - size)), "a local edit");
}

#[test]
fn requests_are_answered_in_order_after_the_updates_before_them() {
    let js = Js::new();
    let mut provider = Provider::attach(&js.local.document());
    for (index, update) in typed(2, 200).into_iter().enumerate() {
        provider.apply(update);
        let token = 1_000 + index as u64;
        if index % 2 == 0 {
            provider.document.encode_state_vector(provider.id, token);
        } else {
            provider.document.encode_diff(provider.id, token, Bytes::new());
        }
    }
    for index in 0..200_u64 {
        let JobDone::Applied { through, .. } = provider.next_done() else {
            panic!("update {index} comes first")
        };
        assert_eq!(through, index + 1);
        let JobDone::Encoded { token, result: Ok(bytes) } = provider.next_done() else {
            panic!("then request {index}")
        };
        assert_eq!(token, 1_000 + index);
        if index % 2 == 0 {
            let vector = StateVector::decode_v1(&bytes).unwrap();
            assert_eq!(
                u64::from(vector.get(&yrs::ClientID::new(2))),
                index + 1,
                "the vector of exactly then"
            );
        } else {
            let replica = peer(9);
            apply_to(&replica, &bytes);
            assert_eq!(text_of(&replica).len() as u64, index + 1, "the state of exactly then");
        }
    }
}

#[test]
fn requests_that_are_no_state_vector_are_answered_with_an_error() {
    let js = Js::new();
    let provider = Provider::attach(&js.local.document());
    provider.document.encode_diff(provider.id, 1, Bytes::from_static(&[5, 1]));
    let JobDone::Encoded { token: 1, result: Err(error) } = provider.next_done() else {
        panic!("an error")
    };
    assert_eq!(error.code, ErrorCode::InvalidUpdate);
}

#[test]
fn updates_past_the_memory_bound_are_dropped_with_notice_and_a_diff_repairs_them() {
    let js = Js::new();
    let mut provider = Provider::attach(&js.local.document());
    let remote = peer(2);
    let map = remote.get_or_insert_map("blobs");
    js.local.enter().unwrap();
    for index in 0..66 {
        let blob: Arc<[u8]> = Arc::from(vec![index; 1024 * 1024]);
        provider.apply(update_of(&remote, |txn| {
            drop(map.insert(txn, index.to_string(), yrs::Any::Buffer(blob)))
        }));
    }
    js.local.leave();
    let (mut overflows, mut through) = (0, 0);
    while through < 66 {
        match provider.next_done() {
            JobDone::Applied { through: last, failed, .. } => {
                assert!(last > through, "in order");
                assert_eq!(failed, [], "dropped is not failed");
                through = last;
            }
            JobDone::Overflowed => overflows += 1,
            JobDone::Encoded { .. } => panic!("nobody asked"),
        }
    }
    while overflows == 0 {
        assert_eq!(provider.next_done(), JobDone::Overflowed);
        overflows += 1;
    }
    provider.document.encode_state_vector(provider.id, 1);
    let vector = loop {
        if let JobDone::Encoded { result, .. } = provider.next_done() {
            break StateVector::decode_v1(&result.unwrap()).unwrap();
        }
    };
    let known = vector.get(&yrs::ClientID::new(2));
    assert!((1..66).contains(&known), "a part is missing: {known}");
    provider.apply(remote.transact().encode_state_as_update_v1(&vector));
    assert!(matches!(provider.next_done(), JobDone::Applied { is_missing_updates: false, .. }));
    provider.document.encode_state_vector(provider.id, 2);
    let JobDone::Encoded { result: Ok(bytes), .. } = provider.next_done() else {
        panic!("a vector")
    };
    assert_eq!(StateVector::decode_v1(&bytes).unwrap().get(&yrs::ClientID::new(2)), 66);
}

#[test]
fn an_update_that_waits_for_another_is_reported_until_that_one_came() {
    let js = Js::new();
    let mut provider = Provider::attach(&js.local.document());
    let updates = typed(2, 2);
    provider.apply(updates[1].clone());
    assert!(matches!(provider.next_done(), JobDone::Applied { is_missing_updates: true, .. }));
    provider.apply(updates[0].clone());
    assert!(matches!(provider.next_done(), JobDone::Applied { is_missing_updates: false, .. }));
    assert_eq!(js.text(), "ab");
}

#[test]
fn a_transaction_holds_updates_of_one_provider_and_only_the_others_hear_of_it() {
    let js = Js::new();
    js.local.set_interest(Interest::Update, true);
    let document = js.local.document();
    let mut providers = [Provider::attach(&document), Provider::attach(&document)];
    let peers = [peer(10), peer(11)];
    js.local.enter().unwrap();
    for round in 0..40 {
        for (provider, peer) in providers.iter_mut().zip(&peers) {
            let map = peer.get_or_insert_map("map");
            provider.apply(update_of(peer, |txn| drop(map.insert(txn, round.to_string(), round))));
        }
    }
    js.local.leave();
    let mut seen = [0, 0];
    while seen != [40, 40] {
        js.wait_for_wake();
        let Some(record) = js.tick(|_, record| record) else { continue };
        let author = providers
            .iter()
            .position(|it| Some(it.id) == record.attachment)
            .expect("one of the two");
        let update = yrs::Update::decode_v1(record.update.as_deref().unwrap()).unwrap();
        let vector = update.state_vector();
        let other = yrs::ClientID::new(10 + (1 - author) as u64);
        assert_eq!(vector.get(&other), 0, "no change of the other provider in this transaction");
        seen[author] += update
            .insertions(true)
            .iter()
            .map(|(_, ranges)| ranges.iter().map(|it| it.end - it.start).sum::<u32>())
            .sum::<u32>();
    }
    for (index, provider) in providers.iter().enumerate() {
        let replica = peer(99);
        let mut through = 0;
        while through < 40
            || replica.transact().state_vector().get(&yrs::ClientID::new(11 - index as u64)) < 40
        {
            match provider.next() {
                Told::Updates(updates) => {
                    for update in updates {
                        let decoded = yrs::Update::decode_v1(&update).unwrap();
                        let own = yrs::ClientID::new(10 + index as u64);
                        assert_eq!(
                            decoded.state_vector().get(&own),
                            0,
                            "its own updates never come back"
                        );
                        apply_to(&replica, &update);
                    }
                }
                Told::Done(JobDone::Applied { through: last, .. }) => through = last,
                Told::Done(other) => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn edits_of_a_tick_reach_all_providers_when_it_ends() {
    let js = Js::new();
    let document = js.local.document();
    let providers = [Provider::attach(&document), Provider::attach(&document)];
    js.tick(|local, _| {
        edit_text(local, |txn, branch| text_insert(txn, branch, 0, "b", None));
        edit_text(local, |txn, branch| text_insert(txn, branch, 0, "a", None));
        assert!(providers.iter().all(|it| it.try_next().is_none()), "not before");
    });
    for provider in &providers {
        let Told::Updates(updates) = provider.next() else { panic!("updates") };
        let replica = peer(9);
        updates.iter().for_each(|it| apply_to(&replica, it));
        assert_eq!(text_of(&replica), "ab");
    }
}

#[test]
fn a_provider_that_left_hears_nothing_more() {
    let js = Js::new();
    let provider = Provider::attach(&js.local.document());
    provider.document.detach(provider.id);
    provider.document.encode_state_vector(provider.id, 1);
    let other = Provider::attach(&js.local.document());
    other.document.encode_state_vector(other.id, 1);
    other.next_done();
    js.tick(|local, _| {
        drop(edit_text(local, |txn, branch| text_insert(txn, branch, 0, "x", None)))
    });
    assert!(provider.try_next().is_none());
}

/// An update whose second block names the first one, a string, as its parent.
fn update_with_a_string_as_parent(client: u8) -> Vec<u8> {
    let parent = [0x04, 1, 4, b't', b'e', b'x', b't', 1, b'!'];
    let child = [0x04, 0, client, 0, 1, b'?'];
    [&[1, 2, client, 0][..], &parent, &child, &[0]].concat()
}

#[test]
fn a_bad_update_takes_none_of_its_neighbours_with_it() {
    let cases: [(&str, Vec<u8>); 4] = [
        ("garbage", vec![0xff; 20]),
        ("nothing at all", vec![]),
        ("cut off", typed(7, 1).remove(0)[..8].to_vec()),
        ("a parent that is no shared type", update_with_a_string_as_parent(7)),
    ];
    for (label, bad) in cases {
        let js = Js::new();
        let mut provider = Provider::attach(&js.local.document());
        js.local.enter().unwrap();
        let mut bad_token = 0;
        for (index, update) in typed(2, 30).into_iter().enumerate() {
            provider.apply(update);
            if index == 4 {
                bad_token = provider.apply(bad.clone());
            }
        }
        js.local.leave();
        let failed = provider.applied();
        let codes: Vec<_> = failed.iter().map(|(token, error)| (*token, error.code)).collect();
        assert_eq!(codes, [(bad_token, ErrorCode::InvalidUpdate)], "{label}: {failed:?}");
        assert_eq!(js.text().replace('!', "").len(), 30, "{label}: the others are there");
    }
}

#[test]
fn a_document_that_failed_is_closed_and_others_go_on() {
    let (js, other) = (Js::new(), Js::new());
    let mut provider = Provider::attach(&js.local.document());
    let mut healthy = Provider::attach(&other.local.document());
    js.tick(|local, _| {
        let error = local.write(|_| -> Result<(), _> { panic!("inside the CRDT") }).unwrap_err();
        assert_eq!(error.code, ErrorCode::DocPoisoned);
        assert_eq!(local.read(|_| ()).unwrap_err().code, ErrorCode::DocPoisoned, "reads too");
        assert_eq!(local.write(|_| Ok(())).unwrap_err().code, ErrorCode::DocPoisoned, "edits too");
    });
    assert_eq!(js.local.enter().unwrap_err().code, ErrorCode::DocPoisoned);
    for update in typed(2, 20) {
        provider.apply(update.clone());
        healthy.apply(update);
    }
    provider.document.encode_state_vector(provider.id, 1);
    let failed = provider.applied();
    let tokens: Vec<_> = failed.iter().map(|(token, _)| *token).collect();
    assert_eq!(tokens, (1..=20).collect::<Vec<_>>(), "each is answered once");
    assert!(failed.iter().all(|(_, error)| error.code == ErrorCode::DocPoisoned));
    let JobDone::Encoded { result: Err(error), .. } = provider.next_done() else {
        panic!("an error")
    };
    assert_eq!(error.code, ErrorCode::DocPoisoned);
    assert_eq!(healthy.applied(), []);
    assert_eq!(other.text().len(), 20);
}

#[test]
fn a_document_that_failed_in_an_explicit_transaction_still_answers_its_providers() {
    let js = Js::new();
    let provider = Provider::attach(&js.local.document());
    js.local.enter().unwrap();
    let id = js.local.begin().unwrap();
    js.local.write(|_| -> Result<(), _> { panic!("inside the CRDT") }).unwrap_err();
    assert_eq!(js.local.commit(id).unwrap_err().code, ErrorCode::DocPoisoned);
    assert!(js.local.leave(), "the baton is free again");
    provider.document.encode_state_vector(provider.id, 1);
    assert!(matches!(provider.next_done(), JobDone::Encoded { result: Err(_), .. }));
}

#[test]
fn the_js_thread_helps_a_pool_that_never_gets_the_baton() {
    let js = Js::new();
    let mut provider = Provider::attach(&js.local.document());
    let updates = typed(2, 50);
    // The pool can't come in: the baton is taken again before anybody else may run.
    js.local.enter().unwrap();
    for update in updates {
        provider.apply(update);
    }
    let started = Instant::now();
    while js.tick_held(|local| read_text(local).len()) < 50 {
        assert!(started.elapsed() < PATIENCE, "nobody applied them");
    }
    assert_eq!(provider.applied(), []);
}

#[test]
fn a_js_end_that_goes_away_commits_and_leaves_the_document_to_its_providers() {
    let js = Js::new();
    js.observe_text();
    js.local.set_interest(Interest::Update, true);
    let document: Document = js.local.document();
    let mut provider = Provider::attach(&document);
    js.local.enter().unwrap();
    js.local.begin().unwrap();
    edit_text(&js.local, |txn, branch| text_insert(txn, branch, 0, "open", None));
    drop(js);
    let Told::Updates(updates) = provider.next() else { panic!("the open transaction's update") };
    let replica = peer(9);
    updates.iter().for_each(|it| apply_to(&replica, it));
    assert_eq!(text_of(&replica), "open");
    // Its type is still observed in the CRDT; nobody dispatches that any more.
    for update in typed(2, 3) {
        provider.apply(update);
        assert_eq!(provider.applied(), []);
    }
    document.encode_diff(provider.id, 9, Bytes::new());
    let JobDone::Encoded { result: Ok(bytes), .. } = provider.next_done() else {
        panic!("the state")
    };
    let replica = peer(9);
    apply_to(&replica, &bytes);
    assert_eq!(text_of(&replica).len(), 7);
}

#[test]
fn no_job_is_lost_that_comes_while_a_slice_ends() {
    let js = Js::new();
    let provider = Provider::attach(&js.local.document());
    for token in 0..20_000 {
        // One at a time: nothing later would wake the pool for a job that was lost.
        provider.document.encode_state_vector(provider.id, token);
        assert!(matches!(provider.next_done(), JobDone::Encoded { token: it, .. } if it == token));
    }
}

#[test]
fn no_job_is_lost_that_comes_while_a_tick_ends() {
    let js = Js::new();
    let document = js.local.document();
    let (start, started) = channel();
    let (finish, finished) = channel();
    let asking = std::thread::spawn(move || {
        let provider = Provider::attach(&document);
        for token in started {
            provider.document.encode_state_vector(provider.id, token);
            assert!(
                matches!(provider.next_done(), JobDone::Encoded { token: it, .. } if it == token)
            );
            finish.send(()).unwrap();
        }
    });
    for token in 0..20_000 {
        start.send(token).unwrap();
        // A single tick while the job comes: a later one would make up for a lost job.
        js.tick(|local, _| read_text(local).len());
        finished.recv().expect("the request was answered");
    }
    drop(start);
    asking.join().unwrap();
}

#[test]
fn an_explicit_transaction_keeps_the_baton_over_ticks_and_reads_see_it() {
    let js = Js::new();
    let mut provider = Provider::attach(&js.local.document());
    js.local.enter().unwrap();
    let id = js.local.begin().unwrap();
    assert_eq!(js.local.begin().unwrap_err().code, ErrorCode::TransactionOpen);
    assert!(
        edit_text(&js.local, |txn, branch| text_insert(txn, branch, 0, "x", None)).is_none(),
        "joins it"
    );
    assert!(!js.local.leave(), "the baton stays");
    provider.apply(typed(2, 1).remove(0));
    assert!(!js.local.enter().unwrap().is_new, "still held in the next tick");
    assert_eq!(read_text(&js.local), "x");
    js.local.set_interest(Interest::Update, true);
    let record = js.local.commit(id).unwrap().expect("an update is listened to");
    assert!(record.attachment.is_none() && record.update.is_some());
    assert!(js.local.commit(id).unwrap().is_none(), "a second commit does nothing");
    assert!(js.local.leave());
    assert_eq!(provider.applied(), []);
}

#[test]
fn map_events_of_remote_slices_name_every_key_once() {
    let js = Js::new();
    let handle = yjs_provider_native::document::TypeHandle::root(
        yjs_provider_native::document::TypeKind::Map,
        "map",
    );
    js.tick(|local, _| {
        local.write(|txn| Ok(drop(txn.get_or_insert_map("map")))).unwrap();
        local.set_observed(&handle, false, true).unwrap();
    });
    let remote = peer(2);
    let map = remote.get_or_insert_map("map");
    let mut provider = Provider::attach(&js.local.document());
    js.local.enter().unwrap();
    for index in 0..100 {
        provider.apply(update_of(&remote, |txn| {
            drop(map.insert(txn, format!("key{}", index % 10), index))
        }));
    }
    js.local.leave();
    let mut keys = std::collections::HashMap::new();
    while keys.values().filter(|it| **it >= 90).count() < 10 {
        js.wait_for_wake();
        let Some(record) = js.tick(|_, record| record) else { continue };
        for event in &record.events {
            let TypeChange::Map(changes) = &event.change else { panic!("a map") };
            for (key, change) in changes {
                use yjs_provider_native::document::{EntryChange, Value};
                let (EntryChange::Add(Value::Any(value))
                | EntryChange::Update(_, Value::Any(value))) = change
                else {
                    panic!("{change:?}")
                };
                let yrs::Any::Number(number) = value else { panic!("{value:?}") };
                keys.insert(Arc::clone(key), number.as_i64().unwrap());
            }
        }
    }
    assert_eq!(provider.applied(), []);
}
