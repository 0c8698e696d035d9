//! The documents of a session, found by id with one lookup.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::document::DocumentSync;
use super::work::DocKey;

/// All documents. Ids are unique, keys are never used twice.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// Boxed: spare slots of what a document takes would be most of the memory of a session that has one.
    slots: Vec<Option<Box<DocumentSync>>>,
    free: Vec<usize>,
    by_id: HashMap<Arc<str>, usize>,
    by_key: FxHashMap<DocKey, usize>,
    /// Where the last one was found by its id: the next message often is for the same one.
    found: usize,
}

impl Documents {
    /// Whether a document with this id or key may be added.
    pub(crate) fn is_free(&self, key: DocKey, id: &str) -> bool {
        !self.by_id.contains_key(id) && !self.by_key.contains_key(&key)
    }

    /// Adds a document that [`Self::is_free`].
    pub(crate) fn insert(&mut self, document: DocumentSync) -> &mut DocumentSync {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.by_id.insert(Arc::clone(document.doc_id()), slot);
        self.by_key.insert(document.key(), slot);
        self.slots[slot].insert(Box::new(document))
    }

    pub(crate) fn remove(&mut self, key: DocKey) -> Option<DocumentSync> {
        let slot = self.by_key.remove(&key)?;
        let document = self.slots[slot].take()?;
        self.by_id.remove(document.doc_id());
        self.free.push(slot);
        Some(*document)
    }

    pub(crate) fn get(&self, key: DocKey) -> Option<&DocumentSync> {
        self.slots.get(*self.by_key.get(&key)?)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, key: DocKey) -> Option<&mut DocumentSync> {
        self.slots.get_mut(*self.by_key.get(&key)?)?.as_deref_mut()
    }

    pub(crate) fn find_mut(&mut self, id: &str) -> Option<&mut DocumentSync> {
        let last = self.slots.get(self.found).and_then(Option::as_deref);
        if last.is_none_or(|document| **document.doc_id() != *id) {
            self.found = *self.by_id.get(id)?;
        }
        self.slots.get_mut(self.found)?.as_deref_mut()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut DocumentSync> {
        self.slots.iter_mut().flatten().map(AsMut::as_mut)
    }

    /// The document that was added first, for the handshake. Keys rise.
    pub(crate) fn first(&self) -> Option<&DocumentSync> {
        self.slots
            .iter()
            .flatten()
            .map(AsRef::as_ref)
            .min_by_key(|document: &&DocumentSync| document.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionConfig;
    use crate::session::context::Context;
    use crate::session::work::AddDocument;

    #[test]
    fn documents_are_found_until_they_are_removed() {
        let mut cx = Context::new(SessionConfig::new("room"), 1);
        let mut documents = Documents::default();
        let mut add = |documents: &mut Documents, key, id: &str| {
            let add = AddDocument {
                key: DocKey(key),
                doc_id: id.into(),
                parent_id: None,
                has_content: false,
                awareness: None,
            };
            documents.insert(DocumentSync::new(add, &mut cx));
        };
        add(&mut documents, 1, "a");
        add(&mut documents, 2, "b");
        assert!(!documents.is_free(DocKey(3), "a") && !documents.is_free(DocKey(1), "c"));
        assert_eq!(documents.find_mut("b").map(|document| document.key()), Some(DocKey(2)));
        assert!(documents.remove(DocKey(1)).is_some());
        assert!(documents.remove(DocKey(1)).is_none());
        assert!(documents.find_mut("a").is_none());
        assert_eq!(documents.find_mut("b").map(|document| document.key()), Some(DocKey(2)));
        add(&mut documents, 3, "a");
        assert_eq!(documents.slots.len(), 2, "the slot is used again");
        assert_eq!(documents.find_mut("a").map(|document| document.key()), Some(DocKey(3)));
        assert_eq!(
            documents.first().map(DocumentSync::key),
            Some(DocKey(2)),
            "not the one in the first slot"
        );
        assert_eq!(documents.iter_mut().count(), 2);
    }
}
