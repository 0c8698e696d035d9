//! Children of `YXmlElement` and `YXmlFragment`.

use std::rc::Rc;

use napi::bindgen_prelude::{Array, FromNapiValue, JsObjectValue, Unknown};
use napi::{Env, JsValue, ValueType};
use yrs::{Array as _, ArrayRef};

use super::{YXmlElement, YXmlText};
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::raw::Reference;
use crate::binding::types::shared_type::SharedType;
use crate::binding::types::text::{position, range};
use crate::binding::types::transaction_argument::TransactionArgument as YTransaction;
use crate::binding::types::wrapper::type_to_js;
use crate::binding::value::{Preliminaries, instance, undefined};
use crate::document::{Input, array_delete, array_insert, xml_descendants, xml_first_child};
use crate::error::{ErrorCode, ProviderError};

/// Children of a preliminary node.
#[derive(Clone, Default)]
pub(in crate::binding) struct Children(Vec<Rc<Reference>>);

impl Children {
    pub(super) fn from_js(env: Env, children: Option<Unknown<'_>>) -> Result<Self> {
        let Some(children) = children else { return Ok(Self::default()) };
        if matches!(children.get_type()?, ValueType::Undefined | ValueType::Null) {
            return Ok(Self::default());
        }
        if !children.is_array()? {
            let message = "children: expected an array";
            return Err(throw(env, ProviderError::new(ErrorCode::InvalidArgument, message)));
        }
        // SAFETY: it is an array.
        let children = unsafe { Array::from_napi_value(env.raw(), children.raw()) }?;
        let child = |at| child_from_js(env, &children.get_element::<Unknown>(at)?);
        (0..children.len()).map(child).collect::<Result<_>>().map(Self)
    }

    pub(super) fn input<'env>(
        &self,
        env: Env,
        seen: &mut Preliminaries<'env>,
    ) -> Result<Vec<Input>> {
        self.0.iter().map(|child| seen.input(env, child.unboxed()?)).collect()
    }
}

impl AsMut<Self> for Children {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

impl<P: AsMut<Children>> SharedType<P> {
    pub(super) fn child_count(&self, env: Env, txn: Option<YTransaction>) -> Result<u32> {
        match self.with_preliminary(|content| content.as_mut().0.len() as u32) {
            Some(count) => Ok(count),
            None => self.read(env, txn, |reader, branch| ArrayRef::from(branch).len(reader)),
        }
    }

    /// Inserts a child, at the end without an index.
    pub(super) fn insert_child<'env>(
        &self,
        env: Env,
        index: Option<f64>,
        node: Unknown<'env>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        let index = index.map(|index| position(env, index, "index")).transpose()?;
        let child = child_from_js(env, &node)?;
        let inserted = self.with_preliminary(|content| {
            let children = &mut content.as_mut().0;
            let index = index.unwrap_or(children.len() as u32);
            let at = range(children.len(), index, 0)?.start;
            children.insert(at, child);
            Ok(())
        });
        if let Some(inserted) = inserted {
            return inserted.or_throw(env);
        }
        let mut seen = Preliminaries::default();
        let input = seen.input(env, node)?;
        self.insert(env, txn, seen, |txn, branch| {
            let index = index.unwrap_or_else(|| ArrayRef::from(branch).len(txn));
            array_insert(txn, branch, index, vec![input])
        })
    }

    pub(super) fn delete_children(
        &self,
        env: Env,
        index: f64,
        length: Option<f64>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        let index = position(env, index, "index")?;
        let length = position(env, length.unwrap_or(1.0), "length")?;
        let removed = self.with_preliminary(|content| {
            let children = &mut content.as_mut().0;
            children.drain(range(children.len(), index, length)?);
            Ok(())
        });
        match removed {
            Some(removed) => removed.or_throw(env),
            None => self.write(env, txn, |txn, branch| array_delete(txn, branch, index, length)),
        }
    }

    pub(super) fn first_child<'env>(
        &self,
        env: &'env Env,
        txn: Option<YTransaction>,
    ) -> Result<Unknown<'env>> {
        match self.with_preliminary(|content| content.as_mut().0.first().cloned()) {
            Some(Some(child)) => child.unboxed(),
            Some(None) => undefined(env),
            None => self.neighbour(env, txn, |_, branch| xml_first_child(branch)),
        }
    }

    pub(super) fn tree_walker<'env>(
        &self,
        env: &'env Env,
        txn: Option<YTransaction>,
    ) -> Result<Array<'env>> {
        let (core, _) = self.place(*env)?;
        let nodes = self.read(*env, txn, |reader, branch| xml_descendants(reader, branch))?;
        let mut list = env.create_array(nodes.len() as u32)?;
        for (index, node) in nodes.iter().enumerate() {
            list.set(index as u32, type_to_js(env, &core, node)?)?;
        }
        Ok(list)
    }
}

/// A child must be a preliminary element or text.
fn child_from_js(env: Env, node: &Unknown<'_>) -> Result<Rc<Reference>> {
    let is_preliminary = instance::<YXmlElement>(env, node)
        .map(|it| it.0.is_preliminary())
        .or_else(|| instance::<YXmlText>(env, node).map(|it| it.0.is_preliminary()));
    let (code, message) = match is_preliminary {
        Some(true) => return Reference::boxed(env, node).map(Rc::new),
        Some(false) => (
            ErrorCode::IntegratedType,
            "the node is already part of a document and can't be inserted again",
        ),
        None => (
            ErrorCode::UnsupportedValue,
            "only a YXmlElement or YXmlText can be a child of an XML node",
        ),
    };
    Err(throw(env, ProviderError::new(code, message)))
}
