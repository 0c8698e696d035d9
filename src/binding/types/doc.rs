//! `YDoc`.

use std::rc::Rc;

use napi::bindgen_prelude::{Object, ObjectFinalize, This, Unknown};
use napi::{Env, JsValue};
use napi_derive::napi;
use yrs::WriteTxn;

use super::doc_core::DocCore;
use super::doc_options::document_options;
use super::transaction_argument::TransactionArgument as YTransaction;
use super::wrapper::type_to_js;
use crate::binding::error::{Result, throw};
use crate::binding::raw;
use crate::document::{TypeHandle, TypeKind};
use crate::error::{ErrorCode, ProviderError};

/// A shared document: a replica of what all who edit it see.
///
/// ```js
/// const doc = new YDoc()
/// doc.getText('body').insert(0, 'hello')
/// doc.on('update', (update) => save(update))
/// ```
#[napi(custom_finalize)]
pub struct YDoc {
    pub(in crate::binding) core: Rc<DocCore>,
}

#[napi]
impl YDoc {
    /// A new, empty document. Throws `ERR_INVALID_OPTION`.
    #[napi(constructor, ts_args_type = "options?: YDocOptions | undefined | null")]
    pub fn new(env: Env, this: This<'_>, options: Option<Unknown<'_>>) -> Result<Self> {
        let core = DocCore::new(env, document_options(env, options)?)?;
        let doc = Self { core };
        doc.wrap(env, &this)?;
        Ok(doc)
    }

    /// Client id of this replica: the author of its edits.
    #[napi(getter)]
    pub fn id(&self) -> f64 {
        self.core.local.client_id() as f64
    }

    /// Globally unique id of the document.
    #[napi(getter)]
    pub fn guid(&self) -> String {
        self.core.local.guid()
    }

    /// Whether the document should be synced.
    #[napi(getter)]
    pub fn should_load(&self) -> bool {
        self.core.should_load.get()
    }

    /// Whether the document loads by itself as a subdocument.
    #[napi(getter)]
    pub fn auto_load(&self) -> bool {
        self.core.local.auto_load()
    }

    /// The root text of this name, made if there was none.
    #[napi(ts_return_type = "YText")]
    pub fn get_text<'env>(&self, env: &'env Env, name: String) -> Result<Object<'env>> {
        self.root(env, TypeKind::Text, &name, |txn, name| {
            txn.get_or_insert_text(name);
        })
    }

    /// The root array of this name, made if there was none.
    #[napi(ts_return_type = "YArray")]
    pub fn get_array<'env>(&self, env: &'env Env, name: String) -> Result<Object<'env>> {
        self.root(env, TypeKind::Array, &name, |txn, name| {
            txn.get_or_insert_array(name);
        })
    }

    /// The root map of this name, made if there was none.
    #[napi(ts_return_type = "YMap")]
    pub fn get_map<'env>(&self, env: &'env Env, name: String) -> Result<Object<'env>> {
        self.root(env, TypeKind::Map, &name, |txn, name| {
            txn.get_or_insert_map(name);
        })
    }

    /// The root XML fragment of this name, made if there was none.
    #[napi(ts_return_type = "YXmlFragment")]
    pub fn get_xml_fragment<'env>(&self, env: &'env Env, name: String) -> Result<Object<'env>> {
        self.root(env, TypeKind::XmlFragment, &name, |txn, name| {
            txn.get_or_insert_xml_fragment(name);
        })
    }

    /// Opens an explicit transaction. Until it is committed, edits made without a transaction join it.
    ///
    /// Throws `ERR_TRANSACTION_OPEN` when one is open.
    #[napi(ts_args_type = "origin?: any", ts_return_type = "YTransaction")]
    pub fn begin_transaction<'env>(
        &self,
        env: &'env Env,
        origin: Unknown<'env>,
    ) -> Result<Object<'env>> {
        self.core.begin(env, origin)
    }

    /// Emits `destroy` and forgets all listeners, for its subdocuments, too. The content stays readable.
    ///
    /// A subdocument leaves its parent, which gets a new, empty one of the same guid that is not loaded.
    #[napi(ts_args_type = "parentTxn?: YTransaction")]
    pub fn destroy(
        &self,
        env: Env,
        this: This<'_>,
        parent_txn: Option<YTransaction>,
    ) -> Result<()> {
        if self.leave_parent(env, &this, parent_txn)? {
            return Ok(());
        }
        let mut thrown = Vec::new();
        super::subdocs::destroy(env, &this, &mut thrown)?;
        thrown.into_iter().next().map_or(Ok(()), |first| Err(raw::throw(env, first)))
    }

    /// Does nothing; documents need not be freed.
    #[napi]
    pub fn free(&self) {}

    /// Binds the core and its JavaScript object together.
    pub(super) fn wrap<'env>(&self, env: Env, this: &impl JsValue<'env>) -> Result<()> {
        self.core.set_wrapper(env, this)?;
        self.core.memory.begin(env);
        Ok(())
    }

    fn root<'env>(
        &self,
        env: &'env Env,
        kind: TypeKind,
        name: &str,
        make: impl FnOnce(&mut yrs::TransactionMut<'_>, &str),
    ) -> Result<Object<'env>> {
        let handle = TypeHandle::root(kind, name);
        let found = self.core.peek(*env, None, |reader| handle.find_root(reader))?;
        let handle = match found {
            // A root of another kind is seen as this one, as in yrs; one that only a remote update named has no kind.
            Some(it) if it.kind == kind => it,
            _ => {
                self.core.write(*env, None, |txn| {
                    make(txn, name);
                    Ok(())
                })?;
                handle
            }
        };
        type_to_js(env, &self.core, &handle)
    }
}

impl ObjectFinalize for YDoc {
    fn finalize(self, env: Env) -> Result<()> {
        self.core.memory.end(env);
        Ok(())
    }
}

/// Any `YDoc` given as an argument.
pub(super) fn doc_argument(env: Env, doc: &Unknown<'_>, name: &str) -> Result<Rc<DocCore>> {
    let instance = crate::binding::shared_types::instance::<YDoc>(env, doc);
    instance.map(|it| Rc::clone(&it.core)).ok_or_else(|| {
        throw(
            env,
            ProviderError::new(
                ErrorCode::InvalidArgument,
                format!("{name}: expected a YDoc of this package"),
            ),
        )
    })
}
