//! `YXmlText`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;

use super::attributes::Attributes;
use crate::binding::error::{OrThrow, Result};
use crate::binding::listeners::Listener;
use crate::binding::preliminaries::Preliminaries;
use crate::binding::types::methods::{
    attribute_methods, neighbour_methods, quote_methods, shared_type_methods, text_methods,
};
use crate::binding::types::shared_type::SharedType;
use crate::binding::types::text_delta::ComputeChange;
use crate::binding::types::transaction_argument::TransactionArgument as YTransaction;
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

    /// The text with its formats as elements, in the order of their names. Nothing is escaped; embeds are left out,
    /// unless they are plain values.
    #[napi(js_name = "toString")]
    pub fn xml(&self, env: Env, txn: Option<YTransaction>) -> Result<String> {
        match self.0.preliminary_text() {
            Some(text) => Ok(text),
            None => self.0.read(env, txn, |reader, branch| xml_to_string(reader, branch)),
        }
    }
}

shared_type_methods!(YXmlText, 6, "callback: (event: YXmlTextEvent, txn: YTransaction) => void");
text_methods!(YXmlText);
quote_methods!(YXmlText);
attribute_methods!(YXmlText);
neighbour_methods!(YXmlText);
