//! `YText`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;
use yrs::{GetString, TextRef};

use super::shared_type::SharedType;
use super::text_delta::ComputeChange;
use super::transaction::YTransaction;
use super::weak_link::{bound, quote_to_js};
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::listeners::Listener;
use crate::document::{Input, TypeKind};
use crate::error::{ErrorCode, ProviderError};

/// A shared text. Positions and lengths count UTF-16 units, as in JavaScript strings.
///
/// ```js
/// const text = doc.getText('body')
/// text.insert(0, 'hello')
/// text.format(0, 5, { bold: true })
/// text.observe((event) => console.log(event.delta))
/// ```
#[napi]
pub struct YText(pub(in crate::binding) SharedType<Vec<u16>>);

impl YText {
    pub(in crate::binding) fn input(&self, env: Env) -> Result<Input> {
        let (content, slot) = self.0.preliminary_parts().or_throw(env)?;
        Ok(Input::Text(slot, String::from_utf16_lossy(&content)))
    }
}

#[napi]
impl YText {
    /// A preliminary text, to be inserted into a `YMap` or `YArray`.
    #[napi(constructor)]
    pub fn new(init: Option<String>) -> Self {
        let content = init.unwrap_or_default().encode_utf16().collect();
        Self(SharedType::preliminary(TypeKind::Text, content))
    }

    /// Kind of the shared type: 2.
    #[napi(getter, js_name = "type")]
    pub fn kind(&self) -> u32 {
        2
    }

    /// Logical id, the same on all replicas. Throws `ERR_PRELIMINARY_TYPE` for a preliminary text.
    #[napi(getter, ts_return_type = "YTypeId")]
    pub fn id<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.0.id(env)
    }

    /// Whether the text is not part of a document yet.
    #[napi(getter)]
    pub fn prelim(&self) -> bool {
        self.0.is_preliminary()
    }

    /// The document, `undefined` for a preliminary text.
    #[napi(getter, ts_return_type = "YDoc")]
    pub fn doc<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        self.0.doc(env, &this)
    }

    /// Whether the text is part of a document and not deleted.
    #[napi]
    pub fn alive(&self, env: Env, txn: Option<&YTransaction>) -> Result<bool> {
        self.0.is_alive(env, txn)
    }

    /// Length in UTF-16 units; an embed counts one.
    #[napi]
    pub fn length(&self, env: Env, txn: Option<&YTransaction>) -> Result<u32> {
        self.0.text_length(env, txn)
    }

    /// The text without its formats and embeds.
    #[napi(js_name = "toString")]
    pub fn text(&self, env: Env, txn: Option<&YTransaction>) -> Result<String> {
        match self.0.preliminary_text() {
            Some(text) => Ok(text),
            None => {
                self.0.read(env, txn, |reader, branch| TextRef::from(branch).get_string(reader))
            }
        }
    }

    /// The same as `toString()`.
    #[napi]
    pub fn to_json(&self, env: Env, txn: Option<&YTransaction>) -> Result<String> {
        self.text(env, txn)
    }

    /// Inserts text at an index, with attributes if given, else with those of the text on its left.
    ///
    /// Throws `ERR_OUT_OF_RANGE` past the end, `ERR_TRANSACTION_CLOSED`, `ERR_DELETED_TYPE`.
    #[napi(
        ts_args_type = "index: number, chunk: string, attributes?: YAttributes | null, txn?: YTransaction"
    )]
    pub fn insert(
        &self,
        env: Env,
        index: f64,
        chunk: String,
        attributes: Option<Unknown<'_>>,
        txn: Option<&YTransaction>,
    ) -> Result<()> {
        self.0.insert_text(env, index, &chunk, attributes, txn)
    }

    /// Inserts an object, an image say, or a preliminary shared type. It counts one unit.
    ///
    /// Throws `ERR_OUT_OF_RANGE` past the end, `ERR_UNSUPPORTED_VALUE`, `ERR_PRELIMINARY_TYPE`.
    #[napi(
        ts_args_type = "index: number, embed: YInput, attributes?: YAttributes | null, txn?: YTransaction"
    )]
    pub fn insert_embed(
        &self,
        env: Env,
        index: f64,
        embed: Unknown<'_>,
        attributes: Option<Unknown<'_>>,
        txn: Option<&YTransaction>,
    ) -> Result<()> {
        self.0.insert_embed(env, index, embed, attributes, txn)
    }

    /// Sets attributes of a range; `null` removes one.
    ///
    /// Throws `ERR_OUT_OF_RANGE` past the end, `ERR_PRELIMINARY_TYPE`.
    #[napi(
        ts_args_type = "index: number, length: number, attributes: YAttributes, txn?: YTransaction"
    )]
    pub fn format(
        &self,
        env: Env,
        index: f64,
        length: f64,
        attributes: Unknown<'_>,
        txn: Option<&YTransaction>,
    ) -> Result<()> {
        self.0.format_text(env, index, length, attributes, txn)
    }

    /// Appends text.
    #[napi(ts_args_type = "chunk: string, attributes?: YAttributes | null, txn?: YTransaction")]
    pub fn push(
        &self,
        env: Env,
        chunk: String,
        attributes: Option<Unknown<'_>>,
        txn: Option<&YTransaction>,
    ) -> Result<()> {
        self.0.push_text(env, &chunk, attributes, txn)
    }

    /// Removes a range. Throws `ERR_OUT_OF_RANGE` past the end.
    #[napi]
    pub fn delete(
        &self,
        env: Env,
        index: f64,
        length: f64,
        txn: Option<&YTransaction>,
    ) -> Result<()> {
        self.0.delete_text(env, index, length, txn)
    }

    /// Applies a Quill delta, from left to right. Embeds may be preliminary shared types.
    ///
    /// Nothing is changed unless the whole delta is right: throws `ERR_OUT_OF_RANGE` when it reaches past the end,
    /// `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED_VALUE`, `ERR_PRELIMINARY_TYPE`.
    #[napi(ts_args_type = "delta: Array<YTextStep>, txn?: YTransaction")]
    pub fn apply_delta(
        &self,
        env: Env,
        delta: Array<'_>,
        txn: Option<&YTransaction>,
    ) -> Result<()> {
        self.0.apply_delta(env, &delta, txn)
    }

    /// The text as a Quill delta: `{insert, attributes?}` per run. Throws `ERR_PRELIMINARY_TYPE`.
    ///
    /// With a snapshot: as it was then. With a previous one, too: what came in or went away in between is marked by the
    /// attribute `ychange`, which is what `computeYChange` returns, `{type: 'added' | 'removed'}` without it.
    #[napi(
        ts_args_type = "snapshot?: YSnapshot | null, prevSnapshot?: YSnapshot | null, computeYChange?: YComputeChange | null, txn?: YTransaction",
        ts_return_type = "Array<YTextInsert>"
    )]
    pub fn to_delta<'env>(
        &self,
        env: &'env Env,
        snapshot: Option<Unknown<'env>>,
        prev_snapshot: Option<Unknown<'env>>,
        compute_ychange: Option<ComputeChange<'env>>,
        txn: Option<&YTransaction>,
    ) -> Result<Array<'env>> {
        self.0.to_delta(env, [snapshot, prev_snapshot], compute_ychange, txn)
    }

    /// A link to a range, to be inserted somewhere. It goes on to mean what stands between its ends, whatever is
    /// inserted there. An end that is left out is that of the text; an open end does not belong to the range.
    ///
    /// Throws `ERR_OUT_OF_RANGE`: both ends must be elements. `ERR_PRELIMINARY_TYPE` for a preliminary text.
    #[napi(
        ts_args_type = "lower?: number | null, upper?: number | null, lowerOpen?: boolean, upperOpen?: boolean, txn?: YTransaction",
        ts_return_type = "YWeakLink"
    )]
    pub fn quote<'env>(
        &self,
        env: &'env Env,
        lower: Option<f64>,
        upper: Option<f64>,
        lower_open: Option<bool>,
        upper_open: Option<bool>,
        txn: Option<&YTransaction>,
    ) -> Result<Unknown<'env>> {
        let range =
            (bound(*env, lower, lower_open, "lower")?, bound(*env, upper, upper_open, "upper")?);
        quote_to_js(env, &self.0, txn, range)
    }

    /// Calls a function at every change of this text, when its transaction is committed.
    #[napi(ts_args_type = "callback: (event: YTextEvent, txn: YTransaction) => void")]
    pub fn observe(&self, env: Env, callback: Listener<'_>) -> Result<()> {
        self.0.observe(env, callback, false)
    }

    /// Stops calling a function that was passed to `observe`. Returns whether it was.
    #[napi(ts_args_type = "callback: (event: YTextEvent, txn: YTransaction) => void")]
    pub fn unobserve(&self, env: Env, callback: Listener<'_>) -> Result<bool> {
        self.0.unobserve(env, callback, false)
    }

    /// Calls a function at every change of this text or of types inside of it.
    #[napi(ts_args_type = "callback: (events: Array<YEvent>, txn: YTransaction) => void")]
    pub fn observe_deep(&self, env: Env, callback: Listener<'_>) -> Result<()> {
        self.0.observe(env, callback, true)
    }

    /// Stops calling a function that was passed to `observeDeep`. Returns whether it was.
    #[napi(ts_args_type = "callback: (events: Array<YEvent>, txn: YTransaction) => void")]
    pub fn unobserve_deep(&self, env: Env, callback: Listener<'_>) -> Result<bool> {
        self.0.unobserve(env, callback, true)
    }

    /// Does nothing; texts need not be freed.
    #[napi]
    pub fn free(&self) {}
}

/// An index or length as the CRDT counts it.
pub(super) fn position(env: Env, value: f64, name: &str) -> Result<u32> {
    if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
        return Ok(value as u32);
    }
    let code = if value.is_finite() { ErrorCode::OutOfRange } else { ErrorCode::InvalidArgument };
    Err(throw(
        env,
        ProviderError::new(code, format!("{name}: expected a whole number from 0, got {value}")),
    ))
}

/// A range of preliminary content.
pub(super) fn range(
    available: usize,
    index: u32,
    length: u32,
) -> std::result::Result<std::ops::Range<usize>, ProviderError> {
    let (start, end) = (index as usize, index as usize + length as usize);
    if end <= available {
        return Ok(start..end);
    }
    let message =
        format!("range {index}+{length} is outside of the content, which is {available} long");
    Err(ProviderError::new(ErrorCode::OutOfRange, message))
}
