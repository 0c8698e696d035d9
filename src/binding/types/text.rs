//! `YText`.

use napi::Env;
use napi::ValueType;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;
use yrs::types::text::YChange;
use yrs::{GetString, Text, TextRef};

use super::event::attributes;
use super::shared_type::SharedType;
use super::transaction::YTransaction;
use super::weak_link::{bound, quote_to_js};
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::listeners::Listener;
use crate::binding::raw::set_key;
use crate::binding::value::{any_to_js, json_from_js, value_to_js};
use crate::document::{
    Input, TypeKind, Value, text_delete, text_format, text_insert, text_insert_embed,
};
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
        match self.0.with_preliminary(|content| content.len() as u32) {
            Some(length) => Ok(length),
            None => self.0.read(env, txn, |reader, branch| TextRef::from(branch).len(reader)),
        }
    }

    /// The text without its formats and embeds.
    #[napi(js_name = "toString")]
    pub fn text(&self, env: Env, txn: Option<&YTransaction>) -> Result<String> {
        match self.0.with_preliminary(|content| String::from_utf16_lossy(content)) {
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
        let index = position(env, index, "index")?;
        let attributes = self.attributes(env, attributes)?;
        let edited = self.0.with_preliminary(|content| {
            let index = range(content.len(), index, 0)?.start;
            content.splice(index..index, chunk.encode_utf16());
            Ok(())
        });
        match edited {
            Some(edited) => edited.or_throw(env),
            None => self
                .0
                .write(env, txn, |txn, branch| text_insert(txn, branch, index, &chunk, attributes)),
        }
    }

    /// Inserts an object, an image say, that counts one unit.
    ///
    /// Throws `ERR_OUT_OF_RANGE` past the end, `ERR_UNSUPPORTED_VALUE`, `ERR_PRELIMINARY_TYPE`.
    #[napi(
        ts_args_type = "index: number, embed: YValue, attributes?: YAttributes | null, txn?: YTransaction"
    )]
    pub fn insert_embed(
        &self,
        env: Env,
        index: f64,
        embed: Unknown<'_>,
        attributes: Option<Unknown<'_>>,
        txn: Option<&YTransaction>,
    ) -> Result<()> {
        let index = position(env, index, "index")?;
        let embed = json_from_js(env, embed)?;
        let attributes = self.attributes(env, attributes)?;
        self.0
            .write(env, txn, |txn, branch| text_insert_embed(txn, branch, index, embed, attributes))
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
        let (index, length) = (position(env, index, "index")?, position(env, length, "length")?);
        let Some(attributes) = self.attributes(env, Some(attributes))? else {
            return Err(throw(
                env,
                ProviderError::new(ErrorCode::InvalidArgument, "attributes: expected an object"),
            ));
        };
        self.0.write(env, txn, |txn, branch| text_format(txn, branch, index, length, attributes))
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
        let attributes = self.attributes(env, attributes)?;
        match self.0.with_preliminary(|content| content.extend(chunk.encode_utf16())) {
            Some(()) => Ok(()),
            None => self.0.write(env, txn, |txn, branch| {
                let end = TextRef::from(branch).len(txn);
                text_insert(txn, branch, end, &chunk, attributes)
            }),
        }
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
        let (index, length) = (position(env, index, "index")?, position(env, length, "length")?);
        let edited = self.0.with_preliminary(|content| {
            content.drain(range(content.len(), index, length)?);
            Ok(())
        });
        match edited {
            Some(edited) => edited.or_throw(env),
            None => self.0.write(env, txn, |txn, branch| text_delete(txn, branch, index, length)),
        }
    }

    /// The text as a Quill delta: `{insert, attributes?}` per run. Throws `ERR_PRELIMINARY_TYPE`.
    #[napi(ts_args_type = "txn?: YTransaction", ts_return_type = "Array<YTextInsert>")]
    pub fn to_delta<'env>(
        &self,
        env: &'env Env,
        txn: Option<&YTransaction>,
    ) -> Result<Array<'env>> {
        let (core, _) = self.0.place(*env)?;
        let runs = self.0.read(*env, txn, |reader, branch| {
            let diff = TextRef::from(branch).diff(reader, YChange::identity);
            diff.into_iter()
                .map(|run| (Value::from(run.insert), run.attributes))
                .collect::<Vec<_>>()
        })?;
        let mut list = env.create_array(runs.len() as u32)?;
        for (index, (insert, attributes)) in runs.iter().enumerate() {
            let mut run = Object::new(env)?;
            run.set("insert", value_to_js(env, &core, insert)?)?;
            if let Some(attributes) = attributes {
                let object = Object::new(env)?;
                for (key, value) in attributes.iter() {
                    set_key(*env, &object, key, &any_to_js(env, value)?)?;
                }
                run.set("attributes", object)?;
            }
            list.set(index as u32, run)?;
        }
        Ok(list)
    }

    /// A link to a range, to be inserted somewhere. It goes on to mean what stands between its ends, whatever is inserted
    /// there. An end that is left out is that of the text; an open end does not belong to the range.
    ///
    /// Throws `ERR_OUT_OF_RANGE`: both ends must be elements. `ERR_PRELIMINARY_TYPE` for a preliminary text.
    #[napi(
        ts_args_type = "lower?: number | null, upper?: number | null, lowerOpen?: boolean | null, upperOpen?: boolean | null, txn?: YTransaction",
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

    fn attributes(
        &self,
        env: Env,
        value: Option<Unknown<'_>>,
    ) -> Result<Option<yrs::types::Attrs>> {
        let Some(value) = value else { return Ok(None) };
        let refuse = |code, message: &str| Err(throw(env, ProviderError::new(code, message)));
        match value.get_type()? {
            ValueType::Undefined | ValueType::Null => Ok(None),
            ValueType::Object if self.0.is_preliminary() => refuse(
                ErrorCode::PreliminaryType,
                "a preliminary text has no attributes: insert it first",
            ),
            ValueType::Object => match attributes(json_from_js(env, value)?) {
                Some(attributes) => Ok(Some(attributes)),
                None => refuse(ErrorCode::InvalidArgument, "attributes: expected an object"),
            },
            _ => refuse(ErrorCode::InvalidArgument, "attributes: expected an object"),
        }
    }
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
