//! The `DocState` of a document: what a provider knows of it, as an object that is kept up to date.

use std::rc::Rc;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{JavaScriptClassExt, JsObjectValue, Object, ToNapiValue, Unknown};

use super::error::Result;
use super::hidden::Hidden;
use super::provider_core::ProviderCore;
use super::provider_documents::{ProviderDocument, index_of};
use super::raw;
use super::types::{Awareness, AwarenessCore};
use crate::session::DocKey;

impl ProviderCore {
    /// The `DocState` of a document, made when somebody first asks for it; `None` if the document is not here.
    pub(super) fn state<'env>(&self, env: &'env Env, doc_id: &str) -> Result<Option<Object<'env>>> {
        let Some(key) = self.key_of(doc_id) else { return Ok(None) };
        let document = self.documents.borrow().get(key);
        document.map_or(Ok(None), |document| self.make_state(env, key, &document))
    }

    /// The `DocState` of a document, made unless there is one.
    pub(super) fn make_state<'env>(
        &self,
        env: &'env Env,
        key: DocKey,
        document: &ProviderDocument,
    ) -> Result<Option<Object<'env>>> {
        let Some(mut docs) = self.docs(*env)? else { return Ok(None) };
        let held: Object<'env> = docs.get_element(index_of(key))?;
        if document.has_state.get() {
            return Ok(Some(held));
        }
        let awareness = self.awareness(env, key, document)?;
        let mut state = Object::new(env)?;
        state.set("doc", held)?;
        state.set("docId", document.doc_id.as_ref())?;
        state.set("parentId", optional(*env, document.parent_id.as_deref())?)?;
        state.set("synced", document.is_synced.get())?;
        state.set("offset", optional(*env, document.offset.get().map(|it| it.to_string()))?)?;
        state.set("awareness", awareness)?;
        docs.set_element(index_of(key), state)?;
        document.has_state.set(true);
        Ok(Some(state))
    }

    /// The document is synced now, or no longer.
    pub(super) fn set_synced(&self, env: Env, doc: DocKey, is_synced: bool) -> Result<()> {
        let Some(document) = self.documents.borrow().get(doc) else { return Ok(()) };
        document.is_synced.set(is_synced);
        // Remote updates that nobody listens to do not touch the document on this thread.
        document.core.tell_memory();
        self.set_field(env, doc, &document, "synced", is_synced)
    }

    /// The offset of the document has moved.
    pub(super) fn set_offset(&self, env: Env, doc: DocKey, offset: i64) -> Result<()> {
        let Some(document) = self.documents.borrow().get(doc) else { return Ok(()) };
        document.offset.set(Some(offset));
        document.core.tell_memory();
        self.set_field(env, doc, &document, "offset", offset.to_string())
    }

    /// What JavaScript must keep alive of every document: its `DocState`, or its `YDoc` as long as there is none. By the
    /// number of its key: document ids may be anything, `__proto__` say.
    pub(super) fn docs<'env>(&self, env: Env) -> Result<Option<Object<'env>>> {
        let Some(wrapper) = self.wrapper() else { return Ok(None) };
        self.thread.hidden.get_object(env, &wrapper, Hidden::Owner)
    }

    fn awareness<'env>(
        &self,
        env: &'env Env,
        key: DocKey,
        document: &ProviderDocument,
    ) -> Result<Object<'env>> {
        if let Some(object) = document.awareness.get().and_then(|awareness| awareness.wrapper()) {
            return Ok(object);
        }
        let states = Arc::clone(&document.states);
        let instance = Awareness::new_with(&document.core, states).into_instance(env)?;
        instance.set_wrapper(*env, &instance)?;
        instance.inner.attach(self.handle.clone(), key);
        let core: Rc<AwarenessCore> = Rc::clone(&instance.inner);
        document.awareness.set(core).ok();
        Ok(instance.as_object(env))
    }

    fn set_field<T: ToNapiValue>(
        &self,
        env: Env,
        doc: DocKey,
        document: &ProviderDocument,
        field: &str,
        value: T,
    ) -> Result<()> {
        if document.has_state.get()
            && let Some(docs) = self.docs(env)?
        {
            let mut state: Object<'_> = docs.get_element(index_of(doc))?;
            state.set_named_property(field, value)?;
        }
        Ok(())
    }
}

fn optional<'env, T: ToNapiValue>(env: Env, value: Option<T>) -> Result<Unknown<'env>> {
    match value {
        Some(value) => raw::to_js(env, value),
        None => raw::to_js(env, ()),
    }
}
