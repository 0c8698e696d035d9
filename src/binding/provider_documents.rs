//! The documents of one provider, found by key, by document id and by document.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{JavaScriptClassExt, JsObjectValue, Object, ToNapiValue};

use super::bridge::DocObject;
use super::error::Result;
use super::hidden::Hidden;
use super::js_thread::Origin;
use super::provider_core::ProviderCore;
use super::raw::Reference;
use super::types::{Awareness, AwarenessCore, DocCore};
use crate::document::AttachmentId;
use crate::session::{AddDocument, DocKey};

/// One document of a provider.
pub(super) struct ProviderDocument {
    pub(super) doc_id: String,
    pub(super) object: DocObject,
    pub(super) core: Rc<DocCore>,
    pub(super) awareness: Rc<AwarenessCore>,
    pub(super) attachment: AttachmentId,
}

/// All documents of a provider. A provider may have many thousands: nothing here looks at all of them.
#[derive(Default)]
pub(super) struct ProviderDocuments {
    documents: HashMap<DocKey, ProviderDocument>,
    keys_by_doc_id: HashMap<String, DocKey>,
    keys_by_object: HashMap<DocObject, DocKey>,
}

impl ProviderDocuments {
    pub(super) fn insert(&mut self, key: DocKey, document: ProviderDocument) {
        self.keys_by_doc_id.insert(document.doc_id.clone(), key);
        self.keys_by_object.insert(document.object, key);
        self.documents.insert(key, document);
    }

    pub(super) fn remove(&mut self, key: DocKey) -> Option<ProviderDocument> {
        let document = self.documents.remove(&key)?;
        self.keys_by_doc_id.remove(&document.doc_id);
        self.keys_by_object.remove(&document.object);
        Some(document)
    }

    pub(super) fn len(&self) -> usize {
        self.documents.len()
    }

    pub(super) fn get(&self, key: DocKey) -> Option<&ProviderDocument> {
        self.documents.get(&key)
    }

    pub(super) fn key_of(&self, doc_id: &str) -> Option<DocKey> {
        self.keys_by_doc_id.get(doc_id).copied()
    }

    /// The id under which a document was added.
    pub(super) fn doc_id_of(&self, object: DocObject) -> Option<&str> {
        let key = self.keys_by_object.get(&object)?;
        self.documents.get(key).map(|document| document.doc_id.as_str())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (DocKey, &ProviderDocument)> {
        self.documents.iter().map(|(key, document)| (*key, document))
    }
}

impl ProviderCore {
    pub(super) fn add_document(
        &self,
        env: Env,
        object: DocObject,
        core: Rc<DocCore>,
        (awareness, awareness_core): (Object<'_>, Rc<AwarenessCore>),
        doc_id: String,
        parent_id: Option<String>,
    ) -> Result<DocKey> {
        core.touch(env)?;
        let has_content = core.has_content(env)?;
        let key = DocKey(self.next_id());
        let add = AddDocument {
            key,
            doc_id: Arc::from(doc_id.as_str()),
            parent_id: parent_id.as_deref().map(Arc::from),
            has_content,
            awareness: Some(Arc::clone(&awareness_core.shared)),
        };
        let attachment = self.handle.add_document(add, &core.document());
        awareness_core.attach(self.handle.clone(), key);
        if let Some(wrapper) = self.wrapper() {
            self.thread
                .set_origin_of(attachment, Origin::Provider(Reference::weak(env, &wrapper)?));
            let mut state = Object::new(&env)?;
            if let Some(doc) = core.wrapper() {
                state.set("doc", doc)?;
            }
            state.set("docId", doc_id.as_str())?;
            match parent_id {
                Some(parent_id) => state.set("parentId", parent_id)?,
                None => state.set("parentId", ())?,
            }
            state.set("synced", false)?;
            state.set("offset", ())?;
            state.set("awareness", awareness)?;
            if let Some(mut states) = self.states(env)? {
                states.set_element(index_of(key), state)?;
            }
        }
        let awareness = awareness_core;
        let document = ProviderDocument { doc_id, object, core, awareness, attachment };
        self.documents.borrow_mut().insert(key, document);
        Ok(key)
    }

    /// Returns whether the document was here.
    pub(super) fn remove_document(&self, env: Env, doc_id: &str) -> Result<bool> {
        let Some(key) = self.key_of(doc_id) else { return Ok(false) };
        let Some(document) = self.documents.borrow_mut().remove(key) else { return Ok(false) };
        document.core.flush_updates();
        if let Some(bridge) = document.core.bridge() {
            bridge.disconnect(env);
        }
        document.awareness.detach(key, &self.handle);
        self.handle.remove_document(key);
        self.thread.forget_origin_of(document.attachment);
        if let Some(mut states) = self.states(env)? {
            states.delete_element(index_of(key))?;
        }
        Ok(true)
    }

    pub(super) fn key_of(&self, doc_id: &str) -> Option<DocKey> {
        self.documents.borrow().key_of(doc_id)
    }

    pub(super) fn document_count(&self) -> usize {
        self.documents.borrow().len()
    }

    /// The id under which a document was added.
    pub(super) fn doc_id_of(&self, object: DocObject) -> Option<String> {
        self.documents.borrow().doc_id_of(object).map(str::to_owned)
    }

    /// Before `synced` is told: a document of another implementation must hold what its mirror does.
    pub(super) fn deliver(&self, env: Env, doc: DocKey) {
        let core = self.documents.borrow().get(doc).map(|it| Rc::clone(&it.core));
        if let Some(core) = core
            && let Some(bridge) = core.bridge()
        {
            bridge.deliver(env, &core);
        }
    }

    /// Documents of other implementations are left alone from now on.
    pub(super) fn disconnect_bridges(&self, env: Env) {
        // Collected first: no borrow may be held while JavaScript runs.
        let documents = self.documents.borrow();
        let cores = documents.iter().map(|(_, it)| &it.core).filter(|it| it.bridge().is_some());
        let cores: Vec<Rc<DocCore>> = cores.map(Rc::clone).collect();
        drop(documents);
        for bridge in cores.iter().filter_map(|core| core.bridge()) {
            bridge.disconnect(env);
        }
    }

    /// The `DocState` object of a document; `None` if it is not here.
    pub(super) fn state<'env>(&self, env: Env, doc_id: &str) -> Result<Option<Object<'env>>> {
        match (self.key_of(doc_id), self.states(env)?) {
            (Some(key), Some(states)) => states.get_element(index_of(key)).map(Some),
            _ => Ok(None),
        }
    }

    /// The `DocState` of every document, by the number of its key: document ids may be anything, `__proto__` say.
    fn states<'env>(&self, env: Env) -> Result<Option<Object<'env>>> {
        let Some(wrapper) = self.wrapper() else { return Ok(None) };
        self.thread.hidden.get_object(env, &wrapper, Hidden::Owner)
    }

    pub(super) fn set_state<T: ToNapiValue>(
        &self,
        env: Env,
        doc: DocKey,
        field: &str,
        value: T,
    ) -> Result<()> {
        let is_here = self.documents.borrow().get(doc).is_some();
        if let (true, Some(states)) = (is_here, self.states(env)?) {
            let mut state: Object<'_> = states.get_element(index_of(doc))?;
            state.set_named_property(field, value)?;
        }
        Ok(())
    }

    pub(super) fn forget_documents(&self) {
        for (key, document) in self.documents.take().iter() {
            document.awareness.detach(key, &self.handle);
            self.thread.forget_origin_of(document.attachment);
        }
    }
}

/// Keys count what a provider has done so far; the day when they pass 32 bits is far.
fn index_of(key: DocKey) -> u32 {
    key.0 as u32
}

/// A new `Awareness` object of a document.
pub(super) fn new_awareness<'env>(
    env: &'env Env,
    core: &Rc<DocCore>,
) -> Result<(Object<'env>, Rc<AwarenessCore>)> {
    let instance = Awareness::for_document(core).into_instance(env)?;
    instance.set_wrapper(*env, &instance)?;
    let inner = Rc::clone(&instance.inner);
    Ok((instance.as_object(env), inner))
}
