//! Where a node stands among others.

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue};
use yrs::branch::BranchPtr;

use crate::binding::error::Result;
use crate::binding::types::shared_type::SharedType;
use crate::binding::types::transaction_argument::TransactionArgument as YTransaction;
use crate::binding::types::wrapper::type_to_js;
use crate::binding::value::undefined;
use crate::document::{Reader, Sibling, TypeHandle, xml_parent, xml_sibling};

impl<P> SharedType<P> {
    /// The node found in the document, `undefined` if there is none.
    pub(super) fn neighbour<'env>(
        &self,
        env: &'env Env,
        txn: Option<YTransaction>,
        find: impl FnOnce(&Reader<'_>, BranchPtr) -> Option<TypeHandle>,
    ) -> Result<Unknown<'env>> {
        let (core, _) = self.place(*env)?;
        match self.read(*env, txn, find)? {
            Some(node) => type_to_js(env, &core, &node).map(|it| it.to_unknown()),
            None => undefined(env),
        }
    }

    pub(super) fn sibling<'env>(
        &self,
        env: &'env Env,
        which: Sibling,
        txn: Option<YTransaction>,
    ) -> Result<Unknown<'env>> {
        self.neighbour(env, txn, |reader, branch| xml_sibling(reader, branch, which))
    }

    pub(super) fn xml_parent<'env>(
        &self,
        env: &'env Env,
        txn: Option<YTransaction>,
    ) -> Result<Unknown<'env>> {
        self.neighbour(env, txn, |_, branch| xml_parent(branch))
    }
}
