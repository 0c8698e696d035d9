//! `YDoc`.

use std::rc::Rc;

use napi::bindgen_prelude::{FromNapiValue, Object, ObjectFinalize, This, Unknown};
use napi::{Env, JsValue, ValueType};
use napi_derive::napi;
use yrs::WriteTxn;

use super::doc_core::DocCore;
use super::transaction_argument::TransactionArgument as YTransaction;
use super::wrapper::type_to_js;
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::listeners::Listener;
use crate::binding::raw;
use crate::document::{DocumentOptions, Interest, TypeHandle, TypeKind};
use crate::error::{ErrorCode, ProviderError};

/// What a document is told at its birth.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct YDocOptions {
    /// Client id of this replica, a whole number below 2^53. Default: random.
    #[napi(js_name = "clientID")]
    pub client_id: Option<f64>,
    /// Globally unique id of the document. Default: a random UUID.
    pub guid: Option<String>,
    /// Name of a collection of documents, for providers that know such.
    pub collectionid: Option<String>,
    /// Whether deleted content is freed. Default: `true`.
    pub gc: Option<bool>,
    /// Whether a subdocument loads without being asked to. Default: `false`.
    pub auto_load: Option<bool>,
    /// Whether the document should be synced now. Default: `true`.
    pub should_load: Option<bool>,
}

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
        let options =
            options.map_or_else(|| Ok(YDocOptions::default()), |it| parse_options(env, it))?;
        let client_id = options.client_id.map(client_id).transpose().or_throw(env)?;
        let core = DocCore::new(
            env,
            DocumentOptions {
                client_id,
                guid: options.guid,
                collection_id: options.collectionid,
                is_gc_enabled: options.gc.unwrap_or(true),
                auto_load: options.auto_load.unwrap_or(false),
                should_load: options.should_load.unwrap_or(true),
            },
        )?;
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

    /// Adds a listener. `update` and `updateV2` get the bytes of every transaction, `afterTransaction` and then
    /// `cleanup` the transaction, `subdocs` the subdocuments that came, went or should be loaded, `destroy` the document.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` for any other event.
    #[napi(
        ts_args_type = "event: 'update' | 'updateV2', callback: (update: Uint8Array, txn: YTransaction) => void): void
  on(event: 'afterTransaction' | 'cleanup', callback: (txn: YTransaction) => void): void
  on(event: 'subdocs', callback: (event: YSubdocsEvent, txn: YTransaction) => void): void
  on(event: 'destroy', callback: (doc: YDoc) => void"
    )]
    pub fn on(&self, env: Env, event: String, callback: Listener<'_>) -> Result<()> {
        let interest = interest(&event).or_throw(env)?;
        let Some(mut listeners) = self.core.make_listeners(env)? else { return Ok(()) };
        if listeners.add(&event, callback, false)?
            && let Some(interest) = interest
        {
            self.core.local.set_interest(interest, true);
        }
        Ok(())
    }

    /// Removes a listener. Returns whether it was there.
    #[napi(
        ts_args_type = "event: 'update' | 'updateV2' | 'afterTransaction' | 'cleanup' | 'subdocs' | 'destroy', callback: (...args: any[]) => void"
    )]
    pub fn off(&self, env: Env, event: String, callback: Listener<'_>) -> Result<bool> {
        let interest = interest(&event).or_throw(env)?;
        let Some(mut listeners) = self.core.listeners(env)? else { return Ok(false) };
        let (was_there, is_empty) = listeners.remove(&event, callback)?;
        if is_empty && let Some(interest) = interest {
            self.core.local.set_interest(interest, false);
        }
        Ok(was_there)
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

    /// Forgets all listeners. Returns those of `destroy`.
    pub(super) fn take_listeners<'env>(&self, env: Env) -> Result<Vec<Unknown<'env>>> {
        let Some(mut listeners) = self.core.listeners(env)? else { return Ok(Vec::new()) };
        let functions = listeners.take("destroy")?;
        listeners.clear()?;
        for interest in Interest::ALL {
            self.core.local.set_interest(interest, false);
        }
        Ok(functions)
    }

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

fn parse_options(env: Env, options: Unknown<'_>) -> Result<YDocOptions> {
    let invalid = |message: &str| {
        throw(env, ProviderError::new(ErrorCode::InvalidOption, format!("options: {message}")))
    };
    match options.get_type()? {
        ValueType::Undefined | ValueType::Null => Ok(YDocOptions::default()),
        // SAFETY: it is an object.
        ValueType::Object => unsafe { YDocOptions::from_napi_value(env.raw(), options.raw()) }
            .map_err(|error| invalid(&error.reason)),
        _ => Err(invalid("expected an object")),
    }
}

fn client_id(value: f64) -> std::result::Result<u64, ProviderError> {
    if value.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&value) {
        return Ok(value as u64);
    }
    let message = format!("clientID: expected a whole number from 0 to 2^53 - 1, got {value}");
    Err(ProviderError::new(ErrorCode::InvalidOption, message))
}

fn interest(event: &str) -> std::result::Result<Option<Interest>, ProviderError> {
    match event {
        "update" => Ok(Some(Interest::Update)),
        "updateV2" => Ok(Some(Interest::UpdateV2)),
        "afterTransaction" => Ok(Some(Interest::AfterTransaction)),
        "cleanup" => Ok(Some(Interest::Cleanup)),
        // Subdocuments are captured in any case, and they are rare.
        "subdocs" | "destroy" => Ok(None),
        other => Err(ProviderError::new(
            ErrorCode::InvalidArgument,
            format!("event: a YDoc has no event '{other}'"),
        )),
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
