//! What a `YTransaction` tells about itself and its document.

use napi::bindgen_prelude::{
    Array, JsObjectValue, Null, Object, Uint8Array, Uint8ArraySlice, Unknown,
};
use napi::{Env, JsValue};
use napi_derive::napi;
use yrs::{BranchID, ClientID, ID};

use super::doc_query::{select_all, select_one};
use super::functions::{encode_diff_v2, translate};
use super::state_map::{deletes_to_js, state_vector_to_js};
use super::transaction::YTransaction;
use super::transaction_argument::Kind;
use super::wrapper::type_to_js;
use crate::binding::error::{OrThrow, Result};
use crate::binding::raw::to_js;
use crate::binding::value::{JsBytes, undefined};
use crate::document::{self, Reader, States, TypeHandle, TypeKind, deletes};
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::update;

#[napi]
impl YTransaction {
    /// State vector of the document before this transaction.
    ///
    /// Throws `ERR_TRANSACTION_CLOSED` after `commit()`; in listeners it works.
    #[napi(getter, ts_return_type = "Map<number, number>")]
    pub fn before_state<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        state_vector_to_js(env, &self.states(*env)?.before())
    }

    /// State vector of the document after this transaction; so far, while it is open.
    ///
    /// Throws `ERR_TRANSACTION_CLOSED` after `commit()`; in listeners it works.
    #[napi(getter, ts_return_type = "Map<number, number>")]
    pub fn after_state<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        state_vector_to_js(env, &self.states(*env)?.after())
    }

    /// What this transaction deleted: `[clock, length]` pairs by client.
    ///
    /// Throws `ERR_TRANSACTION_CLOSED` after `commit()`; in listeners it works.
    #[napi(getter, ts_return_type = "Map<number, Array<[clock: number, length: number]>>")]
    pub fn delete_set<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        deletes_to_js(env, self.states(*env)?.deletes())
    }

    /// Updates that wait for others before them, and the states that they wait for; `null` when there are none.
    #[napi(getter, ts_return_type = "{ update: Uint8Array; missing: Map<number, number> } | null")]
    pub fn pending_structs<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let core = self.transaction()?.core;
        core.touch(*env)?;
        let Some((update, missing)) = core.local.pending_structs() else {
            return to_js(*env, Null);
        };
        let mut object = Object::new(env)?;
        object.set_named_property("update", Uint8Array::from(update))?;
        object.set_named_property("missing", state_vector_to_js(env, &missing)?)?;
        Ok(object.to_unknown())
    }

    /// Deletions of what has not come yet, `[clock, length]` pairs by client; `undefined` when there are none.
    #[napi(
        getter,
        ts_return_type = "Map<number, Array<[clock: number, length: number]>> | undefined"
    )]
    pub fn pending_delete_set<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let core = self.transaction()?.core;
        core.touch(*env)?;
        match core.local.pending_deletes() {
            Some(pending) => deletes_to_js(env, &deletes(&pending)).map(|it| it.to_unknown()),
            None => undefined(env),
        }
    }

    /// The shared type with this id, `undefined` if there is none or it was deleted.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` when it is no id of a shared type.
    #[napi(ts_args_type = "id: YTypeId", ts_return_type = "YSharedType | undefined")]
    pub fn get<'env>(&self, env: &'env Env, id: Object<'env>) -> Result<Unknown<'env>> {
        let core = self.transaction()?.core;
        let handle = TypeHandle { kind: TypeKind::Unknown, id: branch_id(&id).or_throw(*env)? };
        let found = core.read(*env, None, |reader| {
            handle.resolve(reader).map(|branch| TypeHandle::of(&branch))
        })?;
        match found {
            Some(found) if found.kind != TypeKind::Unknown => {
                type_to_js(env, &core, &found).map(|it| it.to_unknown())
            }
            _ => undefined(env),
        }
    }

    /// Everything that a JSON path leads to: `$.users[*].name`. Filters are not supported.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` when it is no path.
    #[napi(ts_return_type = "Array<any>")]
    pub fn select_all<'env>(&self, env: &'env Env, json_path: String) -> Result<Array<'env>> {
        select_all(env, &self.transaction()?.core, &json_path)
    }

    /// The first value that a JSON path leads to, or `undefined`.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` when it is no path.
    #[napi(ts_return_type = "any")]
    pub fn select_one<'env>(&self, env: &'env Env, json_path: String) -> Result<Unknown<'env>> {
        select_one(env, &self.transaction()?.core, &json_path)
    }

    /// Frees deleted content of the document, also of one with `gc: false`. Snapshots that need it become useless.
    ///
    /// Throws `ERR_TRANSACTION_CLOSED` after `commit()` and in listeners.
    #[napi]
    pub fn gc(&self, env: Env) -> Result<()> {
        let transaction = self.transaction()?;
        transaction.open_document().or_throw(env)?.write(env, None, |txn| {
            txn.gc(None);
            Ok(())
        })
    }

    /// Applies a V2 update in this transaction.
    ///
    /// Throws `ERR_INVALID_UPDATE` when the bytes are no V2 update, `ERR_TRANSACTION_CLOSED` after `commit()`.
    #[napi(js_name = "applyV2")]
    pub fn apply_v2(&self, env: Env, diff: Uint8ArraySlice<'_>) -> Result<()> {
        let transaction = self.transaction()?;
        let core = transaction.open_document().or_throw(env)?;
        let update = translate(update::v2_to_v1(&diff)).or_throw(env)?;
        core.apply_update(env, &update, None)
    }

    /// What a peer with this V1 state vector lacks; without one, everything. A V2 update.
    ///
    /// Throws `ERR_INVALID_UPDATE` when the bytes are no state vector.
    #[napi(js_name = "diffV2", ts_return_type = "Uint8Array")]
    pub fn diff_v2(&self, env: Env, vector: Option<Uint8ArraySlice<'_>>) -> Result<JsBytes> {
        encode_diff_v2(env, &self.transaction()?.core, vector.as_deref())
    }

    /// The same as `encodeUpdate()`, as a V2 update.
    #[napi(js_name = "encodeUpdateV2", ts_return_type = "Uint8Array")]
    pub fn encode_update_v2(&self, env: Env) -> Result<JsBytes> {
        let transaction = self.transaction()?;
        if let Kind::View { record } = &transaction.kind {
            if let Some(update) = &record.update_v2 {
                return Ok(JsBytes(update.to_vec()));
            }
            if let Some(update) = record.change() {
                return translate(update::v1_to_v2(update)).or_throw(env).map(JsBytes);
            }
        }
        let core = transaction.open_document().or_throw(env)?;
        core.write(env, None, |txn| Ok(document::encode_update_v2(txn))).map(JsBytes)
    }

    fn states(&self, env: Env) -> Result<States> {
        let transaction = self.transaction()?;
        if let Kind::View { record } = &transaction.kind
            && let Some(states) = &record.states
        {
            return Ok(states.clone());
        }
        let core = transaction.open_document().or_throw(env)?;
        let states = core.read(env, None, |reader| match reader {
            Reader::Open(txn) => Some(States::of(txn)),
            Reader::Short(_) => None,
        })?;
        states
            .ok_or_else(|| {
                ProviderError::new(ErrorCode::Internal, "an open transaction is missing")
            })
            .or_throw(env)
    }
}

/// `{type: name}` of a root type or `{client, clock}` of a nested one.
pub(super) fn branch_id(id: &Object<'_>) -> std::result::Result<BranchID, ProviderError> {
    let invalid = || {
        let message = "id: expected {type} or {client, clock}, as the `id` of a shared type";
        ProviderError::new(ErrorCode::InvalidArgument, message)
    };
    if let Some(name) = id.get::<String>("type").map_err(|_| invalid())? {
        return Ok(BranchID::Root(name.into()));
    }
    item_id(id).map(BranchID::Nested).ok_or_else(invalid)
}

/// `{client, clock}`
pub(super) fn item_id(id: &Object<'_>) -> Option<ID> {
    let client = id.get::<f64>("client").ok()??;
    let clock = id.get::<f64>("clock").ok()??;
    let is_valid = client.fract() == 0.0
        && (0.0..9_007_199_254_740_992.0).contains(&client)
        && clock.fract() == 0.0
        && (0.0..=f64::from(u32::MAX)).contains(&clock);
    is_valid.then(|| ID::new(ClientID::new(client as u64), clock as u32))
}
