//! What is done to every message on its way in and out.

#![allow(clippy::unwrap_used, reason = "what fails in here fails the benchmark")]

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::Criterion;
use yjs_provider_native::protocol::envelope::{self, Metadata};
use yjs_provider_native::protocol::update::{inspect_v1, merge};
use yjs_provider_native::protocol::y_message::decode_all;
use yrs::{Doc, Text, Transact};

/// Updates of one typed character each.
fn typed(count: u32) -> Vec<Vec<u8>> {
    let doc = Doc::with_client_id(1);
    let text = doc.get_or_insert_text("text");
    let insert = |index| {
        let mut txn = doc.transact_mut();
        text.insert(&mut txn, index, "x");
        txn.encode_update_v1()
    };
    (0..count).map(insert).collect()
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let updates = typed(1024);
    let metadata = Metadata {
        room_id: "room".into(),
        doc_id: "document".into(),
        sender_id: Some("sender".into()),
        ..Metadata::default()
    };
    // Sync, update, its length and its bytes.
    let payload = [&[0, 2, updates[9].len() as u8], updates[9].as_slice()].concat();
    let message = Bytes::from(envelope::encode(&metadata, &payload).unwrap());
    criterion.bench_function("encode an envelope", |bencher| {
        bencher.iter(|| envelope::encode(black_box(&metadata), &payload));
    });
    criterion.bench_function("decode an envelope and its message", |bencher| {
        bencher.iter(|| decode_all(&envelope::decode(&message).unwrap().payload).unwrap());
    });
    criterion.bench_function("scan an update", |bencher| {
        bencher.iter(|| inspect_v1(black_box(&updates[9])).unwrap());
    });
    for count in [16, 1024] {
        criterion.bench_function(&format!("merge {count} updates"), |bencher| {
            bencher.iter(|| merge(black_box(&updates[..count])).unwrap());
        });
    }
    criterion.final_summary();
}
