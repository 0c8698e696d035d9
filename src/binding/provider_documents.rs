//! The documents of one provider, found by key, by document id and by document.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{JsObjectValue, Unknown};
use rustc_hash::FxHashMap;

use super::bridge::DocObject;
use super::error::Result;
use super::js_thread::Origin;
use super::provider_core::ProviderCore;
use super::types::{AwarenessCore, DocCore};
use crate::document::AttachmentId;
use crate::session::{AddDocument, DocKey, SharedAwareness};

/// One document of a provider.
pub(super) struct ProviderDocument {
    pub(super) doc_id: Arc<str>,
    pub(super) parent_id: Option<Arc<str>>,
    pub(super) object: DocObject,
    pub(super) core: Rc<DocCore>,
    pub(super) states: SharedAwareness,
    /// The `Awareness` of these states. Few ask for it.
    pub(super) awareness: OnceCell<Rc<AwarenessCore>>,
    pub(super) attachment: AttachmentId,
    pub(super) is_synced: Cell<bool>,
    pub(super) offset: Cell<Option<i64>>,
    /// Whether there is a `DocState`. Few ask for it.
    pub(super) has_state: Cell<bool>,
}

/// All documents of a provider. A provider may have many thousands: nothing here looks at all of them.
#[derive(Default)]
pub(super) struct ProviderDocuments {
    /// Shared, because no borrow may last while JavaScript runs.
    documents: FxHashMap<DocKey, Rc<ProviderDocument>>,
    keys_by_doc_id: HashMap<Arc<str>, DocKey>,
    keys_by_object: FxHashMap<DocObject, DocKey>,
}

impl ProviderDocuments {
    pub(super) fn insert(&mut self, key: DocKey, document: Rc<ProviderDocument>) {
        self.keys_by_doc_id.insert(Arc::clone(&document.doc_id), key);
        self.keys_by_object.insert(document.object, key);
        self.documents.insert(key, document);
    }

    pub(super) fn remove(&mut self, key: DocKey) -> Option<Rc<ProviderDocument>> {
        let document = self.documents.remove(&key)?;
        self.keys_by_doc_id.remove(&document.doc_id);
        self.keys_by_object.remove(&document.object);
        Some(document)
    }

    pub(super) fn len(&self) -> usize {
        self.documents.len()
    }

    pub(super) fn get(&self, key: DocKey) -> Option<Rc<ProviderDocument>> {
        self.documents.get(&key).map(Rc::clone)
    }

    pub(super) fn key_of(&self, doc_id: &str) -> Option<DocKey> {
        self.keys_by_doc_id.get(doc_id).copied()
    }

    /// The id under which a document was added.
    pub(super) fn doc_id_of(&self, object: DocObject) -> Option<&str> {
        let key = self.keys_by_object.get(&object)?;
        self.documents.get(key).map(|document| document.doc_id.as_ref())
    }

    pub(super) fn has(&self, object: DocObject) -> bool {
        self.keys_by_object.contains_key(&object)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (DocKey, &ProviderDocument)> {
        self.documents.iter().map(|(key, document)| (*key, document.as_ref()))
    }
}

impl ProviderCore {
    /// Adds a document. `doc` is its object, `core` that of the object or of its mirror; without an `awareness` it gets one
    /// of its own.
    pub(super) fn add_document(
        self: &Rc<Self>,
        env: Env,
        (doc, object): (Unknown<'_>, DocObject),
        core: Rc<DocCore>,
        awareness: Option<Rc<AwarenessCore>>,
        doc_id: Arc<str>,
        parent_id: Option<Arc<str>>,
    ) -> Result<DocKey> {
        core.touch(env)?;
        let has_content = core.has_content(env)?;
        let key = DocKey(self.next_id());
        let states = match &awareness {
            Some(awareness) => Arc::clone(&awareness.shared),
            None => core.new_states(),
        };
        let add = AddDocument {
            key,
            doc_id: Arc::clone(&doc_id),
            parent_id: parent_id.clone(),
            has_content,
            awareness: Some(Arc::clone(&states)),
        };
        let attachment = self.handle.add_document(add, &core.document());
        self.wake_at_tick_end();
        self.thread.set_origin_of(attachment, Origin::Provider(self.id));
        if let Some(mut docs) = self.docs(env)? {
            docs.set_element(index_of(key), doc)?;
        }
        let has_awareness = awareness.is_some();
        let document = Rc::new(ProviderDocument {
            doc_id,
            parent_id,
            object,
            core,
            states,
            awareness: OnceCell::new(),
            attachment,
            is_synced: Cell::new(false),
            offset: Cell::new(None),
            has_state: Cell::new(false),
        });
        if let Some(awareness) = awareness {
            awareness.attach(self.handle.clone(), key);
            document.awareness.set(awareness).ok();
        }
        self.documents.borrow_mut().insert(key, Rc::clone(&document));
        if has_awareness {
            // The `Awareness` lives as long as the document is here.
            self.make_state(&env, key, &document)?;
        }
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
        self.detach(key, &document);
        self.handle.remove_document(key);
        if let Some(mut docs) = self.docs(env)? {
            docs.delete_element(index_of(key))?;
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

    /// However many documents a tick adds, the network thread is woken once for them.
    fn wake_at_tick_end(self: &Rc<Self>) {
        if self.has_added.replace(true) {
            return;
        }
        let core = Rc::clone(self);
        let wake = move || {
            core.has_added.set(false);
            core.handle.wake();
        };
        if self.thread.at_tick_end(move |_| wake()).is_err() {
            // JavaScript's stack ends here, so nothing will run at the end of the tick.
            self.has_added.set(false);
            self.handle.wake();
        }
    }

    pub(super) fn has_document(&self, object: DocObject) -> bool {
        self.documents.borrow().has(object)
    }

    pub(super) fn forget_documents(&self) {
        for (key, document) in self.documents.take().iter() {
            self.detach(key, document);
        }
    }

    fn detach(&self, key: DocKey, document: &ProviderDocument) {
        if let Some(awareness) = document.awareness.get() {
            awareness.detach(key, &self.handle);
        }
        self.thread.forget_origin_of(document.attachment);
    }
}

/// Keys count what a provider has done so far; the day when they pass 32 bits is far.
pub(super) fn index_of(key: DocKey) -> u32 {
    key.0 as u32
}
