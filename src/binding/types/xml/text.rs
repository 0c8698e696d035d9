//! `YXmlText`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;

use super::attributes::Attributes;
use crate::binding::error::{OrThrow, Result};
use crate::binding::listeners::Listener;
use crate::binding::types::shared_type::SharedType;
use crate::binding::types::text_delta::ComputeChange;
use crate::binding::types::transaction::YTransaction;
use crate::binding::types::weak_link::{bound, quote_to_js};
use crate::binding::value::Preliminaries;
use crate::document::{Input, Sibling, TypeKind, xml_to_string};

/// A text among XML elements, with attributes of its own. Positions and lengths count UTF-16 units.
///
/// ```js
/// const text = new YXmlText('hello')
/// doc.getXmlFragment('page').push(text)
/// text.format(0, 5, { em: {} })
/// text.toString() // '<em>hello</em>'
/// ```
#[napi]
pub struct YXmlText(pub(in crate::binding) SharedType<Content>);

/// What a preliminary text consists of.
#[derive(Clone)]
pub(in crate::binding) struct Content {
    text: Vec<u16>,
    attributes: Attributes,
}

impl AsMut<Vec<u16>> for Content {
    fn as_mut(&mut self) -> &mut Vec<u16> {
        &mut self.text
    }
}

impl AsMut<Attributes> for Content {
    fn as_mut(&mut self) -> &mut Attributes {
        &mut self.attributes
    }
}

impl YXmlText {
    pub(in crate::binding) fn input<'env>(
        &self,
        env: Env,
        seen: &mut Preliminaries<'env>,
    ) -> Result<Input> {
        let (content, slot) = self.0.preliminary_parts().or_throw(env)?;
        let attributes = content.attributes.input(env, seen)?;
        Ok(Input::XmlText(slot, String::from_utf16_lossy(&content.text), attributes))
    }
}

#[napi]
impl YXmlText {
    /// A preliminary text, to be inserted into a node, or into a `YMap` or `YArray`. Throws `ERR_INVALID_ARGUMENT`.
    #[napi(
        constructor,
        ts_args_type = "text?: string | null, attributes?: Record<string, YInput> | null"
    )]
    pub fn new(env: Env, text: Option<String>, attributes: Option<Unknown<'_>>) -> Result<Self> {
        let content = Content {
            text: text.unwrap_or_default().encode_utf16().collect(),
            attributes: Attributes::from_js(env, attributes)?,
        };
        Ok(Self(SharedType::preliminary(TypeKind::XmlText, content)))
    }

    /// Kind of the shared type: 6.
    #[napi(getter, js_name = "type")]
    pub fn kind(&self) -> u32 {
        6
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

    /// The text with its formats as elements, in the order of their names. Nothing is escaped; embeds are left out,
    /// unless they are plain values.
    #[napi(js_name = "toString")]
    pub fn xml(&self, env: Env, txn: Option<&YTransaction>) -> Result<String> {
        match self.0.preliminary_text() {
            Some(text) => Ok(text),
            None => self.0.read(env, txn, |reader, branch| xml_to_string(reader, branch)),
        }
    }

    /// Inserts text at an index, with formats if given, else with those of the text on its left.
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

    /// Sets formats of a range; `null` removes one.
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

    /// Sets an attribute, to a value of any kind. Throws `ERR_UNSUPPORTED_VALUE` before anything is changed.
    #[napi(ts_args_type = "name: string, value: YInput, txn?: YTransaction")]
    pub fn set_attribute(
        &self,
        env: Env,
        name: String,
        value: Unknown<'_>,
        txn: Option<&YTransaction>,
    ) -> Result<()> {
        self.0.set_attribute(env, name, value, txn)
    }

    /// Value of an attribute, `undefined` if there is none.
    #[napi(ts_return_type = "any")]
    pub fn get_attribute<'env>(
        &self,
        env: &'env Env,
        name: String,
        txn: Option<&YTransaction>,
    ) -> Result<Unknown<'env>> {
        self.0.attribute(env, &name, txn)
    }

    /// Removes an attribute; one that is not there is no error.
    #[napi]
    pub fn remove_attribute(
        &self,
        env: Env,
        name: String,
        txn: Option<&YTransaction>,
    ) -> Result<()> {
        self.0.remove_attribute(env, &name, txn)
    }

    /// All attributes as an object.
    #[napi(ts_return_type = "Record<string, any>")]
    pub fn attributes<'env>(
        &self,
        env: &'env Env,
        txn: Option<&YTransaction>,
    ) -> Result<Object<'env>> {
        self.0.attributes(env, txn)
    }

    /// The node behind, `undefined` for the last one. Throws `ERR_PRELIMINARY_TYPE`.
    #[napi(ts_return_type = "YXmlNode | YXmlFragment | undefined")]
    pub fn next_sibling<'env>(
        &self,
        env: &'env Env,
        txn: Option<&YTransaction>,
    ) -> Result<Unknown<'env>> {
        self.0.sibling(env, Sibling::Next, txn)
    }

    /// The node before, `undefined` for the first one. Throws `ERR_PRELIMINARY_TYPE`.
    #[napi(ts_return_type = "YXmlNode | YXmlFragment | undefined")]
    pub fn prev_sibling<'env>(
        &self,
        env: &'env Env,
        txn: Option<&YTransaction>,
    ) -> Result<Unknown<'env>> {
        self.0.sibling(env, Sibling::Previous, txn)
    }

    /// The node that holds this one, `undefined` if nothing of XML does. Throws `ERR_PRELIMINARY_TYPE`.
    #[napi(ts_return_type = "YXmlElement | YXmlFragment | undefined")]
    pub fn parent<'env>(
        &self,
        env: &'env Env,
        txn: Option<&YTransaction>,
    ) -> Result<Unknown<'env>> {
        self.0.xml_parent(env, txn)
    }

    /// Calls a function at every change of this text, when its transaction is committed.
    #[napi(ts_args_type = "callback: (event: YXmlTextEvent, txn: YTransaction) => void")]
    pub fn observe(&self, env: Env, callback: Listener<'_>) -> Result<()> {
        self.0.observe(env, callback, false)
    }

    /// Stops calling a function that was passed to `observe`. Returns whether it was.
    #[napi(ts_args_type = "callback: (event: YXmlTextEvent, txn: YTransaction) => void")]
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
