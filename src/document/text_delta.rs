//! Texts as deltas: applied in one go, and read as runs of equal attributes.

use std::sync::Arc;

use yrs::branch::BranchPtr;
use yrs::types::text::{Diff, YChange};
use yrs::types::{Attrs, Delta};
use yrs::{Any, ReadTxn, Snapshot, Text, TextRef, TransactionMut};

use super::edit::check;
use super::embed::Embed;
use super::input::Input;
use super::value::Value;
use crate::error::ProviderError;

/// One step of a delta that is applied to a text, from left to right.
#[derive(Debug, Clone)]
pub enum DeltaStep {
    /// Text (a string) or an embed comes in, with exactly these attributes.
    Insert(Input, Attrs),
    /// UTF-16 units go away.
    Delete(u32),
    /// UTF-16 units stay; these attributes change, `Any::Null` removes one.
    Retain(u32, Attrs),
}

/// A run of text with equal attributes, or an embed.
#[derive(Debug, Clone, PartialEq)]
pub struct TextRun {
    /// A string, or what is embedded.
    pub insert: Value,
    /// Its attributes.
    pub attributes: Vec<(Arc<str>, Any)>,
    /// How it differs between two snapshots.
    pub change: Option<YChange>,
}

/// Applies a delta. Nothing is changed unless all of its steps are inside of the text.
///
/// Deletions come last: after one the CRDT believes that it has passed the formats behind it, and gets wrong what the
/// same delta inserts or formats there.
pub fn text_apply_delta(
    txn: &mut TransactionMut<'_>,
    branch: BranchPtr,
    steps: Vec<DeltaStep>,
) -> Result<(), ProviderError> {
    let text = TextRef::from(branch);
    let available = text.len(txn);
    let mut position = 0;
    for step in &steps {
        if let DeltaStep::Delete(length) | DeltaStep::Retain(length, _) = step {
            check(position, *length, available, "text")?;
            position += length;
        }
    }
    let (delta, deletions) = without_deletions(steps);
    text.apply_delta(txn, delta);
    for (index, length) in deletions.into_iter().rev() {
        text.remove_range(txn, index, length);
    }
    Ok(())
}

/// The runs of a text as it is now.
pub fn text_runs<T: ReadTxn>(txn: &T, branch: BranchPtr) -> Vec<TextRun> {
    TextRef::from(branch).diff(txn, YChange::identity).into_iter().map(TextRun::from).collect()
}

/// The runs of a text as it was at a snapshot, or with what changed since a previous one.
pub fn text_runs_between(
    txn: &mut TransactionMut<'_>,
    branch: BranchPtr,
    snapshot: Option<&Snapshot>,
    previous: Option<&Snapshot>,
) -> Vec<TextRun> {
    let runs = TextRef::from(branch).diff_range(txn, snapshot, previous, YChange::identity);
    runs.into_iter().map(TextRun::from).collect()
}

impl From<Diff<YChange>> for TextRun {
    fn from(diff: Diff<YChange>) -> Self {
        let attributes = diff.attributes.map(|it| it.into_iter().collect()).unwrap_or_default();
        Self { insert: Value::from(diff.insert), attributes, change: diff.ychange }
    }
}

/// The delta with the text that it deletes retained, and where that stands then. Steps of no length are left out: they do
/// nothing, and the CRDT takes none.
fn without_deletions(steps: Vec<DeltaStep>) -> (Vec<Delta<Embed>>, Vec<(u32, u32)>) {
    let mut delta = Vec::with_capacity(steps.len());
    let mut deletions = Vec::new();
    let mut position = 0;
    for step in steps {
        let (length, step) = match step {
            DeltaStep::Insert(input, attributes) => {
                let length = match &input {
                    Input::Any(Any::String(chunk)) => chunk.encode_utf16().count() as u32,
                    _ => 1,
                };
                (length, Delta::Inserted(Embed::new(input), Some(Box::new(attributes))))
            }
            DeltaStep::Delete(length) => {
                deletions.extend((length > 0).then_some((position, length)));
                (length, Delta::Retain(length, None))
            }
            DeltaStep::Retain(length, attributes) => {
                (length, Delta::Retain(length, Some(Box::new(attributes))))
            }
        };
        delta.extend((length > 0).then_some(step));
        position += length;
    }
    (delta, deletions)
}

#[cfg(test)]
mod tests {
    use yrs::branch::Branch;
    use yrs::{Doc, GetString, OffsetKind, Options, Transact};

    use super::*;

    fn branch_of(text: &TextRef) -> BranchPtr {
        let branch: &Branch = text.as_ref();
        BranchPtr::from(branch)
    }

    fn insert(chunk: &str) -> DeltaStep {
        DeltaStep::Insert(Input::Any(Any::from(chunk)), Attrs::new())
    }

    fn bold() -> Attrs {
        Attrs::from([(Arc::from("bold"), Any::from(true))])
    }

    fn text() -> (Doc, TextRef) {
        let doc =
            Doc::with_options(Options { offset_kind: OffsetKind::Utf16, ..Options::default() });
        let text = doc.get_or_insert_text("text");
        text.insert_with_attributes(&mut doc.transact_mut(), 0, "abc", bold());
        (doc, text)
    }

    #[test]
    fn what_replaces_formatted_text_does_not_inherit_its_format() {
        let (doc, text) = text();
        let mut txn = doc.transact_mut();
        let branch = branch_of(&text);
        let steps = vec![DeltaStep::Delete(2), insert("x"), DeltaStep::Delete(1), insert("y")];
        text_apply_delta(&mut txn, branch, steps).expect("it is in range");
        let runs = text_runs(&txn, branch);
        assert_eq!(text.get_string(&txn), "xy");
        assert!(runs.iter().all(|run| run.attributes.is_empty()), "{runs:?}");
    }

    #[test]
    fn a_delta_out_of_range_changes_nothing() {
        let cases = [
            ("retain", vec![insert("x"), DeltaStep::Retain(4, Attrs::new())]),
            ("delete", vec![DeltaStep::Retain(2, bold()), insert("xyz"), DeltaStep::Delete(2)]),
            ("overflow", vec![DeltaStep::Retain(1, Attrs::new()), DeltaStep::Delete(u32::MAX)]),
        ];
        for (label, steps) in cases {
            let (doc, text) = text();
            let mut txn = doc.transact_mut();
            let error = text_apply_delta(&mut txn, branch_of(&text), steps)
                .expect_err("it is out of range");
            assert_eq!(error.code, crate::error::ErrorCode::OutOfRange, "{label}");
            assert_eq!(text.get_string(&txn), "abc", "{label}");
            assert!(!txn.has_changes(), "{label}");
        }
    }
}
