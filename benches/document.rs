//! Local edits of a text and remote updates of a document, beside the CRDT alone.

#![allow(clippy::unwrap_used, reason = "what fails in here fails the benchmark")]

#[path = "../tests/document_support/mod.rs"]
mod document_support;

use std::time::Duration;

use criterion::{BatchSize, Criterion};
use document_support::{Js, Provider, TEXT, peer, typed};
use yjs_provider_native::document::{Interest, TextEdit, TypeHandle, TypeKind};
use yrs::updates::decoder::Decode;
use yrs::{Text, Transact, TransactionMut, Update, WriteTxn};

const EDITS: usize = 10_000;
/// Updates that are merged before they are applied: the fastest way to use the CRDT.
const GROUP: usize = 16;

enum Edit {
    Insert(u32, &'static str),
    Delete(u32, u32),
}

/// Words typed and corrected, here and there in the text.
fn trace() -> Vec<Edit> {
    let mut rng = fastrand::Rng::with_seed(1);
    let (mut length, mut at) = (0, 0);
    let mut next = |_| {
        if rng.u8(..20) == 0 {
            at = rng.u32(..=length);
        }
        if at > 0 && rng.u8(..4) == 0 {
            (at, length) = (at - 1, length - 1);
            return Edit::Delete(at, 1);
        }
        (at, length) = (at + 1, length + 1);
        Edit::Insert(at - 1, "x")
    };
    (0..EDITS).map(&mut next).collect()
}

fn js() -> Js {
    let js = Js::new();
    let make_root = |txn: &mut TransactionMut<'_>| {
        txn.get_or_insert_text(TEXT);
        Ok(())
    };
    js.tick(|local, _| local.write(make_root).unwrap());
    js
}

fn type_into(js: &Js, trace: &[Edit]) {
    let text = TypeHandle::root(TypeKind::Text, TEXT);
    js.tick(|local, _| {
        for edit in trace {
            let edit = match *edit {
                Edit::Insert(index, chunk) => TextEdit::Insert(index, chunk),
                Edit::Delete(index, length) => TextEdit::Delete(index, length),
            };
            local.edit_text(&text, edit).unwrap();
        }
    });
}

fn typing(criterion: &mut Criterion) {
    let trace = trace();
    let mut group = criterion.benchmark_group("10,000 edits");
    group.bench_function("in a tick", |bencher| {
        bencher.iter_batched_ref(js, |js| type_into(js, &trace), BatchSize::LargeInput);
    });
    let heard = || {
        let js = js();
        js.local.set_interest(Interest::Update, true);
        js
    };
    group.bench_function("with a listener of updates", |bencher| {
        bencher.iter_batched_ref(heard, |js| type_into(js, &trace), BatchSize::LargeInput);
    });
    group.bench_function("of the CRDT alone, a transaction each", |bencher| {
        let type_into = |doc: &mut yrs::Doc| {
            let text = doc.get_or_insert_text(TEXT);
            for edit in &trace {
                let mut txn = doc.transact_mut();
                match *edit {
                    Edit::Insert(index, chunk) => text.insert(&mut txn, index, chunk),
                    Edit::Delete(index, length) => text.remove_range(&mut txn, index, length),
                }
            }
        };
        bencher.iter_batched_ref(|| peer(1), type_into, BatchSize::LargeInput);
    });
    group.finish();
}

fn applying(criterion: &mut Criterion) {
    let updates = typed(2, EDITS as u32);
    let mut group = criterion.benchmark_group("10,000 updates");
    group.bench_function("through the pool", |bencher| {
        let run = || {
            let js = js();
            let mut provider = Provider::attach(&js.local.document());
            for update in &updates {
                provider.apply(update.clone());
            }
            assert!(provider.applied().is_empty());
        };
        bencher.iter(run);
    });
    group.bench_function("merged by 16, of the CRDT alone", |bencher| {
        let run = || {
            let doc = peer(1);
            for group in updates.chunks(GROUP) {
                let group = group.iter().map(|update| Update::decode_v1(update).unwrap());
                let merged = Update::merge_updates(group.collect::<Vec<_>>());
                doc.transact_mut().apply_update(merged).unwrap();
            }
        };
        bencher.iter(run);
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    typing(&mut criterion);
    applying(&mut criterion);
    criterion.final_summary();
}
