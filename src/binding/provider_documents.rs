//! The documents of one provider, found by key, by document id and by document.

use std::collections::HashMap;
use std::rc::Rc;

use super::types::{AwarenessCore, DocCore};
use crate::document::AttachmentId;
use crate::session::DocKey;

/// One document of a provider.
pub(super) struct ProviderDocument {
    pub(super) doc_id: String,
    pub(super) core: Rc<DocCore>,
    pub(super) awareness: Rc<AwarenessCore>,
    pub(super) attachment: AttachmentId,
}

/// All documents of a provider. A provider may have many thousands: nothing here looks at all of them.
#[derive(Default)]
pub(super) struct ProviderDocuments {
    documents: HashMap<DocKey, ProviderDocument>,
    keys_by_doc_id: HashMap<String, DocKey>,
    keys_by_core: HashMap<u64, DocKey>,
}

impl ProviderDocuments {
    pub(super) fn insert(&mut self, key: DocKey, document: ProviderDocument) {
        self.keys_by_doc_id.insert(document.doc_id.clone(), key);
        self.keys_by_core.insert(document.core.id(), key);
        self.documents.insert(key, document);
    }

    pub(super) fn remove(&mut self, key: DocKey) -> Option<ProviderDocument> {
        let document = self.documents.remove(&key)?;
        self.keys_by_doc_id.remove(&document.doc_id);
        self.keys_by_core.remove(&document.core.id());
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
    pub(super) fn doc_id_of(&self, core: &DocCore) -> Option<&str> {
        let key = self.keys_by_core.get(&core.id())?;
        self.documents.get(key).map(|document| document.doc_id.as_str())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (DocKey, &ProviderDocument)> {
        self.documents.iter().map(|(key, document)| (*key, document))
    }
}
