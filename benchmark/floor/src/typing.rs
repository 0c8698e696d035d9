//! Types a trace into a document.

use crate::Outcome;
use crate::record::{self, read_u32};
use crate::report::Meter;
use yrs::{Doc, OffsetKind, Options, Text, TextRef, Transact, TransactionMut};

/// Whether edits have a transaction each.
#[derive(PartialEq)]
pub(crate) enum Transactions {
    Each,
    One,
}

struct Patch {
    position: u32,
    deleted: u32,
    inserted: String,
}

pub(crate) fn run(file: &str, count: usize, transactions: Transactions) -> Outcome {
    let patches = record::read(file, count)?
        .iter()
        .map(|bytes| Patch::decode(bytes).ok_or("no patch"))
        .collect::<Result<Vec<_>, _>>()?;
    let doc = Doc::with_options(Options { offset_kind: OffsetKind::Utf16, ..Options::default() });
    let text = doc.get_or_insert_text("text");
    let meter = Meter::start();
    if transactions == Transactions::One {
        let mut txn = doc.transact_mut();
        patches.iter().for_each(|patch| patch.apply(&text, &mut txn));
    } else {
        patches.iter().for_each(|patch| patch.apply(&text, &mut doc.transact_mut()));
    }
    Ok(meter.report(&doc))
}

impl Patch {
    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let position = read_u32(&mut bytes)?;
        let deleted = read_u32(&mut bytes)?;
        Some(Self { position, deleted, inserted: String::from_utf8(bytes.to_vec()).ok()? })
    }

    fn apply(&self, text: &TextRef, txn: &mut TransactionMut) {
        if self.deleted > 0 {
            text.remove_range(txn, self.position, self.deleted);
        }
        if !self.inserted.is_empty() {
            text.insert(txn, self.position, &self.inserted);
        }
    }
}
