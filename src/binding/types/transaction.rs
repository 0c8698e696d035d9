//! `YTransaction`: an explicit transaction, or the closed view of one that listeners get.

use std::rc::Rc;

use napi::Env;
use napi::bindgen_prelude::{ObjectFinalize, This, Uint8ArraySlice, Unknown};
use napi_derive::napi;

use super::doc_core::DocCore;
use super::functions::{encode_diff_v1, encode_state_vector_v1};
use super::transaction_argument::{Kind, TransactionArgument};
use super::views::Turned;
use crate::binding::error::{OrThrow, Result};
use crate::binding::hidden::Hidden;
use crate::binding::js_thread::JsThread;
use crate::binding::value::JsBytes;

/// A transaction: edits made in it are one update, and listeners hear of them when it is committed.
///
/// Edits need none: without one each is a transaction of its own. Commit an explicit one in the tick that began it,
/// because remote updates of the document wait for it.
///
/// ```js
/// const txn = doc.beginTransaction()
/// try {
///   text.insert(0, 'hello', undefined, txn)
/// } finally {
///   txn.commit()
/// }
/// ```
#[napi(custom_finalize)]
pub struct YTransaction(Source);

enum Source {
    Explicit {
        core: Rc<DocCore>,
        id: u64,
    },
    /// The object behind all views.
    Views(Turned),
}

impl YTransaction {
    pub(super) fn open(core: Rc<DocCore>, id: u64) -> Self {
        Self(Source::Explicit { core, id })
    }

    pub(super) fn of_views(turned: Turned) -> Self {
        Self(Source::Views(turned))
    }

    /// The transaction to answer for.
    pub(super) fn transaction(&self) -> Result<TransactionArgument> {
        match &self.0 {
            Source::Explicit { core, id } => {
                Ok(TransactionArgument { core: Rc::clone(core), kind: Kind::Explicit { id: *id } })
            }
            Source::Views(turned) => turned.transaction(),
        }
    }
}

#[napi]
impl YTransaction {
    /// What was passed to `beginTransaction` or `applyUpdate`; the provider for updates that came from a server.
    #[napi(getter, ts_return_type = "any")]
    pub fn origin<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        JsThread::current(env)?.hidden.get(env, &this, Hidden::Origin)
    }

    /// Commits: listeners run, the update goes to the providers. A second call does nothing.
    ///
    /// Throws what a listener threw; the edits are committed all the same.
    #[napi]
    pub fn commit(&self, env: Env, this: This<'_>) -> Result<()> {
        let TransactionArgument { core, kind: Kind::Explicit { id } } = self.transaction()? else {
            return Ok(());
        };
        let origin = core.thread.hidden.get(env, &this, Hidden::Origin)?;
        core.commit(env, id, super::functions::keep_origin(env, origin)?)
    }

    /// Commits, as `ywasm` does when a transaction is freed. A second call does nothing.
    #[napi]
    pub fn free(&self, env: Env, this: This<'_>) -> Result<()> {
        self.commit(env, this)
    }

    /// The document's state vector, V1.
    #[napi(js_name = "stateVectorV1", ts_return_type = "Uint8Array")]
    pub fn state_vector_v1(&self, env: Env) -> Result<JsBytes> {
        encode_state_vector_v1(env, &self.transaction()?.core)
    }

    /// What a peer with this V1 state vector lacks; without one, everything. A V1 update.
    ///
    /// Throws `ERR_INVALID_UPDATE` when the bytes are no state vector.
    #[napi(js_name = "diffV1", ts_return_type = "Uint8Array")]
    pub fn diff_v1(&self, env: Env, vector: Option<Uint8ArraySlice<'_>>) -> Result<JsBytes> {
        encode_diff_v1(env, &self.transaction()?.core, vector.as_deref())
    }

    /// Applies a V1 update in this transaction.
    ///
    /// Throws `ERR_INVALID_UPDATE` when the bytes are no V1 update, `ERR_TRANSACTION_CLOSED` after `commit()`.
    #[napi(js_name = "applyV1")]
    pub fn apply_v1(&self, env: Env, diff: Uint8ArraySlice<'_>) -> Result<()> {
        self.transaction()?.open_document().or_throw(env)?.apply_update(env, &diff, None)
    }

    /// The edits made so far in this transaction, as a V1 update. In listeners, all of them.
    ///
    /// Throws `ERR_TRANSACTION_CLOSED` after `commit()`, and in listeners of shared types unless the document has a
    /// listener of updates or transactions: without one nobody encoded the update.
    #[napi(ts_return_type = "Uint8Array")]
    pub fn encode_update(&self, env: Env) -> Result<JsBytes> {
        let transaction = self.transaction()?;
        if let Kind::View { record } = &transaction.kind
            && let Some(update) = record.change()
        {
            return Ok(JsBytes(update.to_vec()));
        }
        let core = transaction.open_document().or_throw(env)?;
        core.write(env, None, |txn| Ok(txn.encode_update_v1())).map(JsBytes)
    }
}

impl ObjectFinalize for YTransaction {
    fn finalize(self, _env: Env) -> Result<()> {
        // Collected without commit(): its edits count, and the document must not stay locked (T 22).
        if let Source::Explicit { core, id } = self.0 {
            core.finish_abandoned(id);
        }
        Ok(())
    }
}
