//! `YXmlElement`.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;

use super::attributes::Attributes;
use super::children::Children;
use crate::binding::error::{OrThrow, Result};
use crate::binding::listeners::Listener;
use crate::binding::types::shared_type::SharedType;
use crate::binding::types::transaction::YTransaction;
use crate::binding::value::Preliminaries;
use crate::document::{Input, Sibling, TypeKind, input_to_string, xml_name, xml_to_string};

/// An XML element: a name, attributes, and elements and texts as children.
///
/// ```js
/// const paragraph = new YXmlElement('p', { class: 'lead' }, [new YXmlText('hello')])
/// doc.getXmlFragment('page').push(paragraph)
/// paragraph.toString() // '<p class="lead">hello</p>'
/// ```
#[napi]
pub struct YXmlElement(pub(in crate::binding) SharedType<Content>);

/// What a preliminary element consists of.
#[derive(Clone)]
pub(in crate::binding) struct Content {
    name: Arc<str>,
    attributes: Attributes,
    children: Children,
}

impl AsMut<Attributes> for Content {
    fn as_mut(&mut self) -> &mut Attributes {
        &mut self.attributes
    }
}

impl AsMut<Children> for Content {
    fn as_mut(&mut self) -> &mut Children {
        &mut self.children
    }
}

impl YXmlElement {
    pub(in crate::binding) fn input<'env>(
        &self,
        env: Env,
        seen: &mut Preliminaries<'env>,
    ) -> Result<Input> {
        let (content, slot) = self.0.preliminary_parts().or_throw(env)?;
        let attributes = content.attributes.input(env, seen)?;
        let children = content.children.input(env, seen)?;
        Ok(Input::XmlElement(slot, content.name, attributes, children))
    }
}

#[napi]
impl YXmlElement {
    /// A preliminary element, to be inserted into a node, or into a `YMap` or `YArray`.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`, and for children what `push` throws.
    #[napi(
        constructor,
        ts_args_type = "name: string, attributes?: Record<string, YInput> | null, children?: Array<YXmlNode> | null"
    )]
    pub fn new(
        env: Env,
        name: String,
        attributes: Option<Unknown<'_>>,
        children: Option<Unknown<'_>>,
    ) -> Result<Self> {
        let content = Content {
            name: Arc::from(name),
            attributes: Attributes::from_js(env, attributes)?,
            children: Children::from_js(env, children)?,
        };
        Ok(Self(SharedType::preliminary(TypeKind::XmlElement, content)))
    }

    /// Name of the element, that of its tag.
    #[napi]
    pub fn name(&self, env: Env, txn: Option<&YTransaction>) -> Result<String> {
        match self.0.with_preliminary(|content| content.name.to_string()) {
            Some(name) => Ok(name),
            None => self.0.read(env, txn, |_, branch| xml_name(branch).to_string()),
        }
    }

    /// Kind of the shared type: 3.
    #[napi(getter, js_name = "type")]
    pub fn kind(&self) -> u32 {
        3
    }

    /// Logical id, the same on all replicas. Throws `ERR_PRELIMINARY_TYPE` for a preliminary element.
    #[napi(getter, ts_return_type = "YTypeId")]
    pub fn id<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.0.id(env)
    }

    /// Whether the element is not part of a document yet.
    #[napi(getter)]
    pub fn prelim(&self) -> bool {
        self.0.is_preliminary()
    }

    /// The document, `undefined` for a preliminary element.
    #[napi(getter, ts_return_type = "YDoc")]
    pub fn doc<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        self.0.doc(env, &this)
    }

    /// Whether the element is part of a document and not deleted.
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

    /// The element as XML, its attributes in the order of their names. Nothing is escaped.
    #[napi(js_name = "toString")]
    pub fn xml(&self, env: Env, txn: Option<&YTransaction>) -> Result<String> {
        if self.0.is_preliminary() {
            return Ok(input_to_string(&self.input(env, &mut Preliminaries::default())?));
        }
        self.0.read(env, txn, |reader, branch| xml_to_string(reader, branch))
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

    /// Calls a function at every change of this element, when its transaction is committed.
    #[napi(ts_args_type = "callback: (event: YXmlEvent, txn: YTransaction) => void")]
    pub fn observe(&self, env: Env, callback: Listener<'_>) -> Result<()> {
        self.0.observe(env, callback, false)
    }

    /// Stops calling a function that was passed to `observe`. Returns whether it was.
    #[napi(ts_args_type = "callback: (event: YXmlEvent, txn: YTransaction) => void")]
    pub fn unobserve(&self, env: Env, callback: Listener<'_>) -> Result<bool> {
        self.0.unobserve(env, callback, false)
    }

    /// Calls a function at every change of this element or of types inside of it.
    #[napi(ts_args_type = "callback: (events: Array<YEvent>, txn: YTransaction) => void")]
    pub fn observe_deep(&self, env: Env, callback: Listener<'_>) -> Result<()> {
        self.0.observe(env, callback, true)
    }

    /// Stops calling a function that was passed to `observeDeep`. Returns whether it was.
    #[napi(ts_args_type = "callback: (events: Array<YEvent>, txn: YTransaction) => void")]
    pub fn unobserve_deep(&self, env: Env, callback: Listener<'_>) -> Result<bool> {
        self.0.unobserve(env, callback, true)
    }

    /// Does nothing; elements need not be freed.
    #[napi]
    pub fn free(&self) {}
}
