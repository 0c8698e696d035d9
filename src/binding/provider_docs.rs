//! Methods of a provider that are about one document.

use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{PromiseRaw, Unknown};
use napi::{Env, JsValue, ValueType};
use napi_derive::napi;

use super::arguments::Argument;
use super::bridge::{AddedDoc, Bridge, DocObject};
use super::calls::{CallKind, CallOptions};
use super::error::{Result, throw};
use super::fields::Fields;
use super::provider::ProtocolManager;
use super::provider_core::or_destroyed;
use super::raw;
use super::shared_types::instance;
use super::types::Awareness;
use super::value::undefined;
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::envelope::check_ids;

#[napi]
impl ProtocolManager {
    /// Adds a document: it is synced from now on. `docId` is the document's guid by default.
    ///
    /// It may also be of another implementation of Yjs, with the module that it is of, which `ywasm` can do without. Remote
    /// changes are applied to it with the provider as their origin.
    ///
    /// ```js
    /// import * as Y from 'yjs'
    /// provider.addDoc(new Y.Doc(), { docId: 'guid', crdt: Y })
    /// ```
    ///
    /// Throws `ERR_DOC_IN_USE` when the provider has a document with this id, whatever its `parentId`, or has this document;
    /// `ERR_INVALID_OPTION` also when room, document and parent id together are longer than the 64 KiB of an envelope's
    /// metadata; `ERR_INVALID_ARGUMENT` when it is no document, or `crdt` is missing or not its module; `ERR_DESTROYED`.
    #[napi(ts_args_type = "doc: YDoc | ForeignDoc, options?: AddDocOptions")]
    pub fn add_doc(&self, env: Env, doc: Unknown<'_>, options: Option<Unknown<'_>>) -> Result<()> {
        or_destroyed(env, &self.core)?;
        let options = options.map(|it| Fields::new(env, "options", it)).transpose()?;
        let module = options.as_ref().map(|it| it.value("crdt")).transpose()?.flatten();
        let added = AddedDoc::parse(env, &doc, module)?;
        let object = added.object(env, &self.core.thread)?;
        if self.core.has_document(object) {
            return Err(throw(
                env,
                ProviderError::new(ErrorCode::DocInUse, "the document was already added"),
            ));
        }
        let field = |key: &str| match &options {
            Some(options) => options.string(key),
            None => Ok(None),
        };
        let doc_id: Arc<str> = field("docId")?.map_or_else(|| added.guid(), Ok)?.into();
        if doc_id.is_empty() {
            return Err(throw(
                env,
                ProviderError::new(ErrorCode::InvalidOption, "docId: must not be empty"),
            ));
        }
        let parent_id: Option<Arc<str>> = field("parentId")?.map(Into::into);
        if let Err(error) = check_ids(&self.room_id, &doc_id, parent_id.as_deref()) {
            let message = format!("docId: {error}");
            return Err(throw(env, ProviderError::new(ErrorCode::InvalidOption, message)));
        }
        if self.core.key_of(&doc_id).is_some() {
            let message = format!("the provider has a document '{doc_id}' already");
            return Err(throw(env, ProviderError::new(ErrorCode::DocInUse, message)));
        }
        let given = options.as_ref().map(|it| it.value("awareness")).transpose()?.flatten();
        let awareness = match given {
            Some(value) => {
                let Some(it) = instance::<Awareness>(env, &value) else {
                    let message = "awareness: expected an Awareness of this package";
                    return Err(throw(env, ProviderError::new(ErrorCode::InvalidOption, message)));
                };
                Some(Rc::clone(&it.inner))
            }
            None => None,
        };
        let (doc, id) = ((doc, object), Arc::clone(&doc_id));
        match added {
            AddedDoc::Native(core) => {
                self.core.add_document(env, doc, core, awareness, id, parent_id)?;
            }
            AddedDoc::Foreign(foreign) => {
                let mirror = Bridge::mirror(env, &foreign)?;
                let held = Bridge::listen(&env, &foreign, &mirror, &self.core, &doc_id)?;
                let core = Rc::clone(&mirror);
                let key = self.core.add_document(env, doc, core, awareness, id, parent_id)?;
                Bridge::connect(env, &held, &mirror, &self.core, key)?;
            }
        }
        self.emit_or_throw(env, "doc-loaded", &[raw::to_js(env, doc_id.as_ref())?])
    }

    /// Removes a document. What it has to send is sent before, if connected; one that is not here is no error.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` when it is neither a document nor an id.
    #[napi(ts_args_type = "doc: YDoc | ForeignDoc | string")]
    pub fn remove_doc(&self, env: Env, doc: Unknown<'_>) -> Result<()> {
        let doc_id = if doc.get_type()? == ValueType::String {
            Some(Argument::new(env, "doc", &doc).string()?)
        } else {
            let object = DocObject::find(env, &self.core.thread, &doc)?;
            object.and_then(|object| self.core.doc_id_of(object))
        };
        if let Some(doc_id) = doc_id {
            self.core.remove_document(env, &doc_id)?;
        }
        Ok(())
    }

    /// What the provider knows of a document; the object is kept up to date.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`.
    #[napi(
        ts_generic_types = "D = YDoc",
        ts_args_type = "docId: string",
        ts_return_type = "DocState<D> | undefined"
    )]
    pub fn get_doc_state<'env>(
        &self,
        env: &'env Env,
        doc_id: Unknown<'env>,
    ) -> Result<Unknown<'env>> {
        let doc_id = Argument::new(*env, "docId", &doc_id).string()?;
        match self.core.state(env, &doc_id)? {
            Some(state) => Ok(state.to_unknown()),
            None => undefined(env),
        }
    }

    /// Resolves when the document holds everything the server had: at once if it is synced already.
    ///
    /// Rejects with `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_DESTROYED`, with `ERR_PERMISSION_DENIED` or `ERR_REFUSED` when the
    /// server refuses the document, with `ERR_PERMISSION_DENIED` or `ERR_CONNECTION` when it refuses the connection for good,
    /// or `ERR_UNKNOWN_DOC` when the provider has no document with this id, or no longer. Throws `ERR_INVALID_ARGUMENT`,
    /// `ERR_INVALID_OPTION`.
    #[napi(ts_args_type = "docId: string, options?: CallOptions", ts_return_type = "Promise<void>")]
    pub fn when_synced<'env>(
        &self,
        env: &'env Env,
        doc_id: Unknown<'env>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let doc_id = Argument::new(*env, "docId", &doc_id).string()?;
        let options = CallOptions::parse(*env, options)?;
        self.core.call(env, CallKind::WhenSynced, &options, |id, timeout| {
            let key = self.core.key_of(&doc_id).ok_or_else(|| {
                let message = format!("the provider has no document '{doc_id}'");
                ProviderError::new(ErrorCode::UnknownDoc, message)
            })?;
            self.core.handle.when_synced(id, key, timeout);
            Ok(())
        })
    }
}
