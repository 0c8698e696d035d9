//! `YWeakLink`.

use std::ops::Bound;
use std::rc::Rc;

use napi::bindgen_prelude::{Array, JavaScriptClassExt, Object, This, Unknown};
use napi::{Env, JsValue};
use napi_derive::napi;

use super::doc_core::DocCore;
use super::shared_type::SharedType;
use super::text::position;
use super::transaction_argument::TransactionArgument as YTransaction;
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::listeners::Listener;
use crate::binding::types::methods::shared_type_methods;
use crate::binding::value::{undefined, value_to_js};
use crate::document::{Input, Reader, TypeKind, WeakSource, quote};
use crate::error::{ErrorCode, ProviderError};

/// A preliminary link: what it points to, and in which document.
#[derive(Clone)]
pub(in crate::binding) struct PreliminaryLink {
    core: Rc<DocCore>,
    source: WeakSource,
}

/// A link to an entry of a map, or to a range of an array or text, of the same document.
///
/// ```js
/// const link = map.link('a')
/// array.insert(0, [link])
/// link.deref() // what map.get('a') is now
/// ```
#[napi]
pub struct YWeakLink(pub(in crate::binding) SharedType<PreliminaryLink>);

impl YWeakLink {
    pub(in crate::binding) fn input(&self, env: Env) -> Result<Input> {
        let (link, slot) = self.0.preliminary_parts().or_throw(env)?;
        Ok(Input::WeakLink(slot, link.source))
    }

    /// Whether it can become part of a document: only of the one that it points into.
    pub(in crate::binding) fn check(&self, env: Env, core: &Rc<DocCore>) -> Result<()> {
        let is_same = self.0.with_preliminary(|link| Rc::ptr_eq(&link.core, core));
        if is_same.unwrap_or(true) {
            return Ok(());
        }
        let message = "the weak link points into another document";
        Err(throw(env, ProviderError::new(ErrorCode::WrongDocument, message)))
    }

    /// Reads what the link points to, by way of its source or, once it is part of a document, of its branch.
    fn read<R>(
        &self,
        env: Env,
        txn: Option<YTransaction>,
        read: impl FnOnce(&Reader<'_>, &WeakSource) -> R,
    ) -> Result<R> {
        if let Some(link) = self.0.with_preliminary(|link| link.clone()) {
            return link.core.read(env, txn, |reader| read(reader, &link.source));
        }
        let value = self.0.read(env, txn, |reader, branch| {
            WeakSource::of(branch).map(|source| read(reader, &source))
        })?;
        let not_a_link =
            || ProviderError::new(ErrorCode::Internal, "the shared type is no weak link");
        value.ok_or_else(not_a_link).or_throw(env)
    }

    fn core(&self, env: Env) -> Result<Rc<DocCore>> {
        match self.0.with_preliminary(|link| Rc::clone(&link.core)) {
            Some(core) => Ok(core),
            None => self.0.place(env).map(|(core, _)| core),
        }
    }
}

#[napi]
impl YWeakLink {
    /// The entry that the link points to, or the first element of its range; `undefined` if that was deleted.
    ///
    /// Throws `ERR_DELETED_TYPE` when the link itself was deleted.
    #[napi(ts_return_type = "any")]
    pub fn deref<'env>(&self, env: &'env Env, txn: Option<YTransaction>) -> Result<Unknown<'env>> {
        let value = if self.0.is_preliminary() {
            self.read(*env, txn, |reader, source| source.target(reader))?
        } else {
            self.0.read(*env, txn, |reader, branch| WeakSource::target_of(reader, branch))?
        };
        let core = self.core(*env)?;
        value.map_or_else(|| undefined(env), |value| value_to_js(env, &core, &value))
    }

    /// The elements of the array that the link points to, without those deleted.
    ///
    /// Throws `ERR_DELETED_TYPE` when the link itself was deleted.
    #[napi(ts_return_type = "Array<any>")]
    pub fn unquote<'env>(&self, env: &'env Env, txn: Option<YTransaction>) -> Result<Array<'env>> {
        let core = self.core(*env)?;
        let values = self.read(*env, txn, |reader, source| source.unquote(reader))?;
        let mut list = env.create_array(values.len() as u32)?;
        for (index, value) in values.iter().enumerate() {
            list.set(index as u32, value_to_js(env, &core, value)?)?;
        }
        Ok(list)
    }

    /// The text that the link points to, with its formats as XML tags.
    ///
    /// Throws `ERR_DELETED_TYPE` when the link itself was deleted.
    #[napi(js_name = "toString")]
    pub fn text(&self, env: Env, txn: Option<YTransaction>) -> Result<String> {
        self.read(env, txn, |reader, source| source.text(reader))
    }
}

shared_type_methods!(YWeakLink, 7, "callback: (event: YWeakLinkEvent, txn: YTransaction) => void");

/// A preliminary link as JavaScript gets it.
pub(super) fn weak_link_to_js<'env>(
    env: &'env Env,
    core: &Rc<DocCore>,
    source: WeakSource,
) -> Result<Unknown<'env>> {
    let link = PreliminaryLink { core: Rc::clone(core), source };
    let link = YWeakLink(SharedType::preliminary(TypeKind::WeakLink, link))
        .into_instance(env)?
        .as_object(env);
    core.own(*env, &link)?;
    Ok(link.to_unknown())
}

impl<P> SharedType<P> {
    /// A link to a range of a text or array. Each end is an index, and whether it is open.
    pub(super) fn quote<'env>(
        &self,
        env: &'env Env,
        (lower, lower_open): (Option<f64>, Option<bool>),
        (upper, upper_open): (Option<f64>, Option<bool>),
        txn: Option<YTransaction>,
    ) -> Result<Unknown<'env>> {
        let lower = bound(*env, lower, lower_open, "lower")?;
        let upper = bound(*env, upper, upper_open, "upper")?;
        let (core, handle) = self.place(*env)?;
        let source = self
            .read(*env, txn, |reader, branch| quote(reader, handle.kind, branch, (lower, upper)))?
            .or_throw(*env)?;
        weak_link_to_js(env, &core, source)
    }
}

fn bound(env: Env, index: Option<f64>, is_open: Option<bool>, name: &str) -> Result<Bound<u32>> {
    let Some(index) = index else { return Ok(Bound::Unbounded) };
    let index = position(env, index, name)?;
    Ok(if is_open.unwrap_or(false) { Bound::Excluded(index) } else { Bound::Included(index) })
}
