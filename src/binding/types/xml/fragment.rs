//! `YXmlFragment`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;

use super::children::Children;
use crate::binding::error::{OrThrow, Result};
use crate::binding::listeners::Listener;
use crate::binding::types::methods::{children_methods, shared_type_methods};
use crate::binding::types::shared_type::SharedType;
use crate::binding::types::transaction_argument::TransactionArgument as YTransaction;
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

    /// The fragment as XML, its attributes in the order of their names. Nothing is escaped.
    #[napi(js_name = "toString")]
    pub fn xml(&self, env: Env, txn: Option<YTransaction>) -> Result<String> {
        if self.0.is_preliminary() {
            return Ok(input_to_string(&self.input(env, &mut Preliminaries::default())?));
        }
        self.0.read(env, txn, |reader, branch| xml_to_string(reader, branch))
    }
}

shared_type_methods!(YXmlFragment, 4, "callback: (event: YXmlEvent, txn: YTransaction) => void");
children_methods!(YXmlFragment);
