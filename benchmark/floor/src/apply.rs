//! Applies small updates, merged in groups: the CRDT alone.

use crate::Outcome;
use crate::record;
use crate::report::Meter;
use std::error::Error;
use yrs::updates::decoder::Decode;
use yrs::{Doc, Transact, Update, merge_updates_v1};

/// Merging is quadratic, and pays off in small groups only.
pub(crate) const GROUP: usize = 16;

pub(crate) fn run(file: &str, count: usize) -> Outcome {
    let updates = record::read(file, count)?;
    let doc = Doc::new();
    let meter = Meter::start();
    for group in updates.chunks(GROUP) {
        apply(&doc, group)?;
    }
    Ok(meter.report(&doc))
}

pub(crate) fn apply<T: AsRef<[u8]>>(doc: &Doc, group: &[T]) -> Result<(), Box<dyn Error>> {
    let merged = merge_updates_v1(group)?;
    doc.transact_mut().apply_update(Update::decode_v1(&merged)?)?;
    Ok(())
}
