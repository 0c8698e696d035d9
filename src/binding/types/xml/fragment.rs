//! `YXmlFragment`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;

use super::children::Children;
use crate::binding::error::{OrThrow, Result};
use crate::binding::listeners::Listener;
use crate::binding::types::shared_type::SharedType;
use crate::binding::types::transaction::YTransaction;
use crate::binding::value::Preliminaries;
use crate::document::{Input, TypeKind, input_to_string, xml_to_string};

/// A list of XML elements and texts without a name: the root of an XML tree.
///
/// ```js
/// const page = doc.getXmlFragment('page')
/// page.push(new YXmlElement('p'))
/// ```
#[napi]
pub struct YXmlFragment(pub(in crate::binding) SharedType<Children>);

impl YXmlFragment {
    pub(in crate::binding) fn input<'env>(
        &self,
        env: Env,
        seen: &mut Preliminaries<'env>,
    ) -> Result<Input> {
        let (children, slot) = self.0.preliminary_parts().or_throw(env)?;
        Ok(Input::XmlFragment(slot, children.input(env, seen)?))
    }
}

#[napi]
impl YXmlFragment {
    /// A preliminary fragment, to be inserted into a `YMap` or `YArray`.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`, and for children what `push` throws.
    #[napi(constructor, ts_args_type = "children?: Array<YXmlNode> | null")]
    pub fn new(env: Env, children: Option<Unknown<'_>>) -> Result<Self> {
        let children = Children::from_js(env, children)?;
        Ok(Self(SharedType::preliminary(TypeKind::XmlFragment, children)))
    }

    /// Kind of the shared type: 4.
    #[napi(getter, js_name = "type")]
    pub fn kind(&self) -> u32 {
        4
    }

    /// Logical id, the same on all replicas. Throws `ERR_PRELIMINARY_TYPE` for a preliminary fragment.
    #[napi(getter, ts_return_type = "YTypeId")]
    pub fn id<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.0.id(env)
    }

    /// Whether the fragment is not part of a document yet.
    #[napi(getter)]
    pub fn prelim(&self) -> bool {
        self.0.is_preliminary()
    }

    /// The document, `undefined` for a preliminary fragment.
    #[napi(getter, ts_return_type = "YDoc")]
    pub fn doc<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        self.0.doc(env, &this)
    }

    /// Whether the fragment is part of a document and not deleted.
    #[napi]
    pub fn alive(&self, env: Env, txn: Option<&YTransaction>) -> Result<bool> {
        self.0.is_alive(env, txn)
    }

    /// Number of children.
    #[napi]
    pub fn length(&self, env: Env, txn: Option<&YTransaction>) -> Result<u32> {
        self.0.child_count(env, txn)
    }

    /// Inserts a preliminary element or text at an index.
    ///
    /// Throws `ERR_OUT_OF_RANGE` past the end, `ERR_UNSUPPORTED_VALUE` for anything else, `ERR_INTEGRATED_TYPE`.
    #[napi(ts_args_type = "index: number, xmlNode: YXmlNode, txn?: YTransaction")]
    pub fn insert(
        &self,
        env: Env,
        index: f64,
        xml_node: Unknown<'_>,
        txn: Option<&YTransaction>,
    ) -> Result<()> {
        self.0.insert_child(env, Some(index), xml_node, txn)
    }

    /// Appends a preliminary element or text.
    #[napi(ts_args_type = "xmlNode: YXmlNode, txn?: YTransaction")]
    pub fn push(&self, env: Env, xml_node: Unknown<'_>, txn: Option<&YTransaction>) -> Result<()> {
        self.0.insert_child(env, None, xml_node, txn)
    }

    /// Removes `length` children (one by default). Throws `ERR_OUT_OF_RANGE` past the end.
    #[napi]
    pub fn delete(
        &self,
        env: Env,
        index: f64,
        length: Option<f64>,
        txn: Option<&YTransaction>,
    ) -> Result<()> {
        self.0.delete_children(env, index, length, txn)
    }

    /// The first child, `undefined` if there is none.
    #[napi(ts_return_type = "YXmlNode | YXmlFragment | undefined")]
    pub fn first_child<'env>(
        &self,
        env: &'env Env,
        txn: Option<&YTransaction>,
    ) -> Result<Unknown<'env>> {
        self.0.first_child(env, txn)
    }

    /// All nodes below this one, depth first. Throws `ERR_PRELIMINARY_TYPE`.
    #[napi(ts_return_type = "Array<YXmlNode | YXmlFragment>")]
    pub fn tree_walker<'env>(
        &self,
        env: &'env Env,
        txn: Option<&YTransaction>,
    ) -> Result<Array<'env>> {
        self.0.tree_walker(env, txn)
    }

    /// The fragment as XML, its attributes in the order of their names. Nothing is escaped.
    #[napi(js_name = "toString")]
    pub fn xml(&self, env: Env, txn: Option<&YTransaction>) -> Result<String> {
        if self.0.is_preliminary() {
            return Ok(input_to_string(&self.input(env, &mut Preliminaries::default())?));
        }
        self.0.read(env, txn, |reader, branch| xml_to_string(reader, branch))
    }

    /// Calls a function at every change of this fragment, when its transaction is committed.
    #[napi(ts_args_type = "callback: (event: YXmlEvent, txn: YTransaction) => void")]
    pub fn observe(&self, env: Env, callback: Listener<'_>) -> Result<()> {
        self.0.observe(env, callback, false)
    }

    /// Stops calling a function that was passed to `observe`. Returns whether it was.
    #[napi(ts_args_type = "callback: (event: YXmlEvent, txn: YTransaction) => void")]
    pub fn unobserve(&self, env: Env, callback: Listener<'_>) -> Result<bool> {
        self.0.unobserve(env, callback, false)
    }

    /// Calls a function at every change of this fragment or of types inside of it.
    #[napi(ts_args_type = "callback: (events: Array<YEvent>, txn: YTransaction) => void")]
    pub fn observe_deep(&self, env: Env, callback: Listener<'_>) -> Result<()> {
        self.0.observe(env, callback, true)
    }

    /// Stops calling a function that was passed to `observeDeep`. Returns whether it was.
    #[napi(ts_args_type = "callback: (events: Array<YEvent>, txn: YTransaction) => void")]
    pub fn unobserve_deep(&self, env: Env, callback: Listener<'_>) -> Result<bool> {
        self.0.unobserve(env, callback, true)
    }

    /// Does nothing; fragments need not be freed.
    #[napi]
    pub fn free(&self) {}
}
