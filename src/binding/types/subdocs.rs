//! Subdocuments: a `YDoc` inside of a `YDoc`.
//!
//! A document keeps its subdocuments alive, by guid, and they keep it alive: both are properties of the JavaScript
//! objects. Nothing in Rust connects the two, so neither ever waits for the other (T 4).

use std::rc::Rc;

use napi::bindgen_prelude::{
    Array, ClassInstance, FnArgs, Function, JavaScriptClassExt, JsObjectValue, Object, This,
    Unknown,
};
use napi::{Env, JsValue, ValueType};
use napi_derive::napi;

use super::doc::YDoc;
use super::doc_core::DocCore;
use super::transaction_argument::TransactionArgument as YTransaction;
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::hidden::Hidden;
use crate::binding::js_thread::JsThread;
use crate::binding::raw::{self, Thrown, to_js};
use crate::binding::value::instance;
use crate::document::{DocumentOptions, Input, SubdocsChange, Subdocument};
use crate::error::{ErrorCode, ProviderError};

#[napi]
impl YDoc {
    /// Kind of a document as a value: 9.
    #[napi(getter, js_name = "type")]
    pub fn kind(&self) -> u32 {
        9
    }

    /// Whether the document is no subdocument.
    #[napi(getter)]
    pub fn prelim(&self, env: Env, this: This<'_>) -> Result<bool> {
        Ok(self.parent(env, &this)?.is_none())
    }

    /// The document that contains this one, `null` if it is no subdocument.
    #[napi(getter, ts_return_type = "YDoc | null")]
    pub fn parent_doc<'env>(&self, env: Env, this: This<'env>) -> Result<Unknown<'env>> {
        match self.core.thread.hidden.get_object(env, &this, Hidden::Owner)? {
            Some(parent) => Ok(parent.to_unknown()),
            None => to_js(env, napi::bindgen_prelude::Null),
        }
    }

    /// Asks for this document to be synced: its parent emits `subdocs`. A second call does nothing.
    #[napi(ts_args_type = "parentTxn?: YTransaction")]
    pub fn load(&self, env: Env, this: This<'_>, parent_txn: Option<YTransaction>) -> Result<()> {
        let parent = self.parent(env, &this)?;
        check_parent(env, parent.as_ref(), parent_txn)?;
        if self.core.should_load.replace(true) {
            return Ok(());
        }
        let Some(parent) = parent else { return Ok(()) };
        let loaded = vec![self.core.local.subdocument()];
        parent.core.emit_subdocs(env, SubdocsChange { loaded, ..SubdocsChange::default() })
    }

    /// The documents inside of this one.
    #[napi(ts_args_type = "txn?: YTransaction", ts_return_type = "Array<YDoc>")]
    pub fn get_subdocs<'env>(
        &self,
        env: &'env Env,
        txn: Option<YTransaction>,
    ) -> Result<Array<'env>> {
        let subdocuments = self.core.read(*env, txn, |reader| Subdocument::all(reader))?;
        let mut list = env.create_array(subdocuments.len() as u32)?;
        for (index, subdocument) in subdocuments.iter().enumerate() {
            list.set(index as u32, self.core.subdoc(env, subdocument)?)?;
        }
        Ok(list)
    }

    /// The guids of the documents inside of this one.
    #[napi(ts_args_type = "txn?: YTransaction", ts_return_type = "Set<string>")]
    pub fn get_subdoc_guids<'env>(
        &self,
        env: &'env Env,
        txn: Option<YTransaction>,
    ) -> Result<Unknown<'env>> {
        let subdocuments = self.core.read(*env, txn, |reader| Subdocument::all(reader))?;
        let guids: Vec<&str> = subdocuments.iter().map(|it| it.guid.as_ref()).collect();
        let class: Function<'_, FnArgs<(Vec<&str>,)>, Unknown<'_>> =
            env.get_global()?.get_named_property("Set")?;
        class.new_instance((guids,).into())
    }
}

impl YDoc {
    /// The document as a value to be stored in another one.
    pub(in crate::binding) fn input<'env>(
        &self,
        env: Env,
        this: &impl JsValue<'env>,
        is_given: bool,
    ) -> Result<Input> {
        if is_given || self.parent(env, this)?.is_some() {
            let message = "the document is already a subdocument: insert a second one of the same guid instead";
            return Err(throw(env, ProviderError::new(ErrorCode::IntegratedType, message)));
        }
        Ok(Input::Document(self.core.local.subdocument()))
    }

    /// For a subdocument: its parent gets a new one, tells its listeners and then destroys this one. Returns whether it
    /// was a subdocument.
    pub(super) fn leave_parent<'env>(
        &self,
        env: Env,
        this: &impl JsValue<'env>,
        parent_txn: Option<YTransaction>,
    ) -> Result<bool> {
        let parent = self.parent(env, this)?;
        check_parent(env, parent.as_ref(), parent_txn)?;
        let Some(parent) = parent else { return Ok(false) };
        let subdocument = self.core.local.subdocument();
        let removed = vec![subdocument.clone()];
        let change =
            SubdocsChange { removed, replaced: vec![subdocument], ..SubdocsChange::default() };
        parent.core.emit_subdocs(env, change)?;
        Ok(true)
    }

    fn destroy_subdocs(&self, env: Env, thrown: &mut Vec<Thrown>) -> Result<()> {
        let Some(table) = self.core.subdoc_table(env)? else { return Ok(()) };
        // First, so that documents inside of each other come to an end.
        self.core.forget_subdocs(env)?;
        for guid in Object::keys(&table)? {
            let child: Object<'_> = table.get_property(to_js(env, guid)?)?;
            destroy(env, &child, thrown)?;
        }
        Ok(())
    }

    fn parent<'a, 'env>(
        &self,
        env: Env,
        this: &impl JsValue<'a>,
    ) -> Result<Option<ClassInstance<'env, Self>>> {
        let parent = self.core.thread.hidden.get(env, this, Hidden::Owner)?;
        Ok(instance::<Self>(env, &parent))
    }
}

impl DocCore {
    /// The subdocument of this guid: the one there is, or a new one.
    pub(in crate::binding) fn subdoc<'env>(
        self: &Rc<Self>,
        env: &'env Env,
        subdocument: &Subdocument,
    ) -> Result<Object<'env>> {
        if let Some(table) = self.subdoc_table(*env)? {
            let found: Unknown<'env> = table.get_property(key(*env, &subdocument.guid)?)?;
            if found.get_type()? == ValueType::Object {
                return found.coerce_to_object();
            }
        }
        self.new_subdoc(env, subdocument, subdocument.auto_load)
    }

    pub(super) fn new_subdoc<'env>(
        self: &Rc<Self>,
        env: &'env Env,
        subdocument: &Subdocument,
        should_load: bool,
    ) -> Result<Object<'env>> {
        let core = Self::new(
            *env,
            DocumentOptions {
                // As in yjs: fewer authors, smaller state vectors.
                client_id: Some(self.local.client_id()),
                guid: Some(subdocument.guid.to_string()),
                collection_id: subdocument.collection_id.as_deref().map(str::to_owned),
                is_gc_enabled: subdocument.is_gc_enabled,
                auto_load: subdocument.auto_load,
                should_load,
            },
        )?;
        let doc = YDoc { core: Rc::clone(&core) }.into_instance(env)?;
        let object = doc.as_object(env);
        YDoc::wrap(&doc, *env, &object)?;
        self.adopt(*env, &object, &subdocument.guid)?;
        Ok(object)
    }

    /// Makes a document the subdocument of its guid.
    pub(in crate::binding) fn adopt<'env>(
        &self,
        env: Env,
        child: &impl JsValue<'env>,
        guid: &str,
    ) -> Result<()> {
        let Some(parent) = self.wrapper() else { return Ok(()) };
        let hidden = &self.thread.hidden;
        let mut table = if let Some(table) = self.subdoc_table(env)? {
            table
        } else {
            let table = Object::new(&env)?;
            hidden.set(env, &parent, Hidden::Subdocs, &table)?;
            table
        };
        table.set_property(key(env, guid)?, child.to_unknown())?;
        hidden.set(env, child, Hidden::Owner, &parent)
    }

    pub(super) fn subdoc_table<'env>(&self, env: Env) -> Result<Option<Object<'env>>> {
        match self.wrapper() {
            Some(wrapper) => self.thread.hidden.get_object(env, &wrapper, Hidden::Subdocs),
            None => Ok(None),
        }
    }

    fn forget_subdocs(&self, env: Env) -> Result<()> {
        match self.wrapper() {
            Some(wrapper) => {
                self.thread.hidden.set(env, &wrapper, Hidden::Subdocs, &to_js(env, ())?)
            }
            None => Ok(()),
        }
    }
}

/// Takes a document from its parent, destroys its subdocuments and calls its listeners of `destroy`.
pub(super) fn destroy<'env>(
    env: Env,
    document: &impl JsValue<'env>,
    thrown: &mut Vec<Thrown>,
) -> Result<()> {
    let thread = JsThread::current(env)?;
    thread.hidden.set(env, document, Hidden::Owner, &to_js(env, ())?)?;
    if let Some(doc) = instance::<YDoc>(env, &document.to_unknown()) {
        doc.destroy_subdocs(env, thrown)?;
        for function in doc.take_listeners(env)? {
            thrown.extend(raw::call(env, function.raw(), &[document.raw()]).err());
        }
    }
    Ok(())
}

fn check_parent(
    env: Env,
    parent: Option<&ClassInstance<'_, YDoc>>,
    txn: Option<YTransaction>,
) -> Result<()> {
    match (parent, txn) {
        (Some(parent), Some(txn)) => txn.check_open(&parent.core).or_throw(env),
        _ => Ok(()),
    }
}

/// The property of a guid. With a prefix, `__proto__` is a guid like any other.
pub(super) fn key<'env>(env: Env, guid: &str) -> Result<Unknown<'env>> {
    to_js(env, format!("guid/{guid}"))
}
