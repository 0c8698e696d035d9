//! What a `YDoc` tells about itself and its content.

use std::rc::Rc;

use napi::Env;
use napi::bindgen_prelude::{Array, Unknown};
use napi_derive::napi;
use yrs::ReadTxn;

use super::doc::YDoc;
use super::doc_core::DocCore;
use super::transaction_argument::TransactionArgument as YTransaction;
use crate::binding::error::{OrThrow, Result};
use crate::binding::value::{undefined, value_to_js};
use crate::document::{self, JsonPathError, TypeKind, Value};
use crate::error::{ErrorCode, ProviderError};

#[napi]
impl YDoc {
    /// All root types by name; `undefined` for one that only a remote update named so far, because it has no kind yet.
    #[napi(
        ts_args_type = "txn?: YTransaction",
        ts_return_type = "Array<[name: string, type: YSharedType | undefined]>"
    )]
    pub fn roots<'env>(&self, env: &'env Env, txn: Option<YTransaction>) -> Result<Array<'env>> {
        let mut roots = self.core.read(*env, txn, |reader| {
            let roots = reader.root_refs();
            roots.map(|(name, out)| (name.to_string(), Value::from(out))).collect::<Vec<_>>()
        })?;
        roots.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut list = env.create_array(roots.len() as u32)?;
        for (index, (name, value)) in roots.iter().enumerate() {
            let mut entry = env.create_array(2)?;
            entry.set(0, name.as_str())?;
            entry.set(1, typed_value_to_js(env, &self.core, value)?)?;
            list.set(index as u32, entry)?;
        }
        Ok(list)
    }

    /// Everything that a JSON path leads to: `$.users[*].name`. Filters are not supported.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` when it is no path.
    #[napi(ts_return_type = "Array<any>")]
    pub fn select_all<'env>(&self, env: &'env Env, json_path: String) -> Result<Array<'env>> {
        select_all(env, &self.core, &json_path)
    }

    /// The first value that a JSON path leads to, or `undefined`.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` when it is no path.
    #[napi(ts_return_type = "any")]
    pub fn select_one<'env>(&self, env: &'env Env, json_path: String) -> Result<Unknown<'env>> {
        select_one(env, &self.core, &json_path)
    }
}

pub(super) fn select_all<'env>(
    env: &'env Env,
    core: &Rc<DocCore>,
    path: &str,
) -> Result<Array<'env>> {
    let values = core.read(*env, None, |reader| document::select_all(reader, path))?;
    let values = values.map_err(invalid_path).or_throw(*env)?;
    let mut list = env.create_array(values.len() as u32)?;
    for (index, value) in values.iter().enumerate() {
        list.set(index as u32, typed_value_to_js(env, core, value)?)?;
    }
    Ok(list)
}

pub(super) fn select_one<'env>(
    env: &'env Env,
    core: &Rc<DocCore>,
    path: &str,
) -> Result<Unknown<'env>> {
    let value = core.read(*env, None, |reader| document::select_one(reader, path))?;
    match value.map_err(invalid_path).or_throw(*env)? {
        Some(value) => typed_value_to_js(env, core, &value),
        None => undefined(env),
    }
}

/// A value; `undefined` for a root type whose kind nobody has said yet.
fn typed_value_to_js<'env>(
    env: &'env Env,
    core: &Rc<DocCore>,
    value: &Value,
) -> Result<Unknown<'env>> {
    match value {
        Value::Type(handle) if handle.kind == TypeKind::Unknown => undefined(env),
        value => value_to_js(env, core, value),
    }
}

fn invalid_path(error: JsonPathError) -> ProviderError {
    ProviderError::new(ErrorCode::InvalidArgument, format!("json_path: {error}"))
}
