//! What `YText` and `YXmlText` have in common: a text, preliminary or part of a document.

use napi::bindgen_prelude::{Array, Unknown};
use napi::{Env, ValueType};
use yrs::types::Attrs;
use yrs::{Snapshot, Text, TextRef};

use super::shared_type::SharedType;
use super::snapshot::snapshot_from_js;
use super::text::{position, range};
use super::text_delta::{ComputeChange, attributes_from_js, runs_to_js, steps_from_js};
use super::transaction_argument::TransactionArgument as YTransaction;
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::preliminaries::Preliminaries;
use crate::document::{
    TextEdit, text_apply_delta, text_format, text_insert, text_insert_embed, text_runs,
    text_runs_between,
};
use crate::error::{ErrorCode, ProviderError};

impl<P: AsMut<Vec<u16>>> SharedType<P> {
    /// Length in UTF-16 units.
    pub(super) fn text_length(&self, env: Env, txn: Option<YTransaction>) -> Result<u32> {
        if let Some(length) = self.with_preliminary(|content| content.as_mut().len() as u32) {
            return Ok(length);
        }
        let (core, handle) = self.place(env)?;
        core.text_length(env, txn, &handle)
    }

    /// The text itself, if it is preliminary.
    pub(super) fn preliminary_text(&self) -> Option<String> {
        self.with_preliminary(|content| String::from_utf16_lossy(content.as_mut()))
    }

    pub(super) fn insert_text(
        &self,
        env: Env,
        index: f64,
        chunk: &str,
        attributes: Option<Unknown<'_>>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        let index = position(env, index, "index")?;
        let attributes = self.attributes_argument(env, attributes)?;
        let edited = self.with_preliminary(|content| {
            let content = content.as_mut();
            let index = range(content.len(), index, 0)?.start;
            content.splice(index..index, chunk.encode_utf16());
            Ok(())
        });
        match edited {
            Some(edited) => edited.or_throw(env),
            None if attributes.is_none() => {
                self.edit_text(env, txn, TextEdit::Insert(index, chunk))
            }
            None => self
                .write(env, txn, |txn, branch| text_insert(txn, branch, index, chunk, attributes)),
        }
    }

    pub(super) fn push_text(
        &self,
        env: Env,
        chunk: &str,
        attributes: Option<Unknown<'_>>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        let attributes = self.attributes_argument(env, attributes)?;
        match self.with_preliminary(|content| content.as_mut().extend(chunk.encode_utf16())) {
            Some(()) => Ok(()),
            None if attributes.is_none() => self.edit_text(env, txn, TextEdit::Append(chunk)),
            None => self.write(env, txn, |txn, branch| {
                let end = TextRef::from(branch).len(txn);
                text_insert(txn, branch, end, chunk, attributes)
            }),
        }
    }

    pub(super) fn insert_embed<'env>(
        &self,
        env: Env,
        index: f64,
        embed: Unknown<'env>,
        attributes: Option<Unknown<'env>>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        let index = position(env, index, "index")?;
        let attributes = self.attributes_argument(env, attributes)?;
        let mut seen = Preliminaries::default();
        let embed = seen.embed(env, embed)?;
        self.insert(env, txn, seen, |txn, branch| {
            text_insert_embed(txn, branch, index, embed, attributes)
        })
    }

    pub(super) fn format_text(
        &self,
        env: Env,
        index: f64,
        length: f64,
        attributes: Unknown<'_>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        let (index, length) = (position(env, index, "index")?, position(env, length, "length")?);
        let Some(attributes) = self.attributes_argument(env, Some(attributes))? else {
            let message = "attributes: expected an object";
            return Err(throw(env, ProviderError::new(ErrorCode::InvalidArgument, message)));
        };
        self.write(env, txn, |txn, branch| text_format(txn, branch, index, length, attributes))
    }

    pub(super) fn delete_text(
        &self,
        env: Env,
        index: f64,
        length: f64,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        let (index, length) = (position(env, index, "index")?, position(env, length, "length")?);
        let edited = self.with_preliminary(|content| {
            let content = content.as_mut();
            content.drain(range(content.len(), index, length)?);
            Ok(())
        });
        match edited {
            Some(edited) => edited.or_throw(env),
            None => self.edit_text(env, txn, TextEdit::Delete(index, length)),
        }
    }

    fn edit_text(&self, env: Env, txn: Option<YTransaction>, edit: TextEdit<'_>) -> Result<()> {
        let (core, handle) = self.place(env)?;
        core.edit_text(env, txn, &handle, edit)
    }

    pub(super) fn apply_delta<'env>(
        &self,
        env: Env,
        delta: &Array<'env>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        let mut seen = Preliminaries::default();
        let steps = steps_from_js(env, delta, &mut seen)?;
        self.insert(env, txn, seen, |txn, branch| text_apply_delta(txn, branch, steps))
    }

    /// The runs of the text: now, at a snapshot, or with what changed between two.
    pub(super) fn to_delta<'env>(
        &self,
        env: &'env Env,
        [snapshot, previous]: [Option<Unknown<'env>>; 2],
        compute: Option<ComputeChange<'env>>,
        txn: Option<YTransaction>,
    ) -> Result<Array<'env>> {
        let (core, _) = self.place(*env)?;
        let snapshot = snapshot_argument(*env, snapshot, "snapshot")?;
        let previous = snapshot_argument(*env, previous, "prevSnapshot")?;
        let runs = if snapshot.is_none() && previous.is_none() {
            self.read(*env, txn, |reader, branch| text_runs(reader, branch))?
        } else {
            if let Some(txn) = txn {
                txn.check_document(&core).or_throw(*env)?;
            }
            // The CRDT splits its items where the snapshots end, which takes a transaction but changes nothing.
            self.write(*env, None, |txn, branch| {
                Ok(text_runs_between(txn, branch, snapshot.as_ref(), previous.as_ref()))
            })?
        };
        runs_to_js(env, &core, &runs, compute)
    }

    fn attributes_argument(&self, env: Env, value: Option<Unknown<'_>>) -> Result<Option<Attrs>> {
        if let Some(value) = &value
            && value.get_type()? == ValueType::Object
            && self.is_preliminary()
        {
            let message = "a preliminary text has no formats: insert it first";
            return Err(throw(env, ProviderError::new(ErrorCode::PreliminaryType, message)));
        }
        attributes_from_js(env, value)
    }
}

/// A snapshot; `None` for `undefined` and `null`.
fn snapshot_argument(env: Env, value: Option<Unknown<'_>>, name: &str) -> Result<Option<Snapshot>> {
    let Some(value) = value else { return Ok(None) };
    match value.get_type()? {
        ValueType::Undefined | ValueType::Null => Ok(None),
        _ => snapshot_from_js(env, &value, name).map(Some),
    }
}
