//! `YXmlElement`.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;

use super::attributes::Attributes;
use super::children::Children;
use crate::binding::error::{OrThrow, Result};
use crate::binding::listeners::Listener;
use crate::binding::types::methods::{
    attribute_methods, children_methods, neighbour_methods, shared_type_methods,
};
use crate::binding::types::shared_type::SharedType;
use crate::binding::types::transaction_argument::TransactionArgument as YTransaction;
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
    pub fn name(&self, env: Env, txn: Option<YTransaction>) -> Result<String> {
        match self.0.with_preliminary(|content| content.name.to_string()) {
            Some(name) => Ok(name),
            None => self.0.read(env, txn, |_, branch| xml_name(branch).to_string()),
        }
    }

    /// The element as XML, its attributes in the order of their names. Nothing is escaped.
    #[napi(js_name = "toString")]
    pub fn xml(&self, env: Env, txn: Option<YTransaction>) -> Result<String> {
        if self.0.is_preliminary() {
            return Ok(input_to_string(&self.input(env, &mut Preliminaries::default())?));
        }
        self.0.read(env, txn, |reader, branch| xml_to_string(reader, branch))
    }
}

shared_type_methods!(YXmlElement, 3, "callback: (event: YXmlEvent, txn: YTransaction) => void");
children_methods!(YXmlElement);
attribute_methods!(YXmlElement);
neighbour_methods!(YXmlElement);
