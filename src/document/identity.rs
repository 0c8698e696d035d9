//! What a document is from its birth on. As long as nobody touches it, it is nothing else.

use std::sync::Arc;

use yrs::{ClientID, Doc, OffsetKind, Options, Uuid, uuid_v4_from};

use super::subdocument::Subdocument;

/// How a document is made.
#[derive(Debug, Clone, Default)]
pub struct DocumentOptions {
    /// 53 bits; random when `None`.
    pub client_id: Option<u64>,
    /// Random UUID when `None`.
    pub guid: Option<String>,
    /// Name of a collection of documents, for providers that know such.
    pub collection_id: Option<String>,
    /// Whether deleted content is freed.
    pub is_gc_enabled: bool,
    /// Whether a subdocument loads without being asked to.
    pub auto_load: bool,
    /// Whether the document should be synced now.
    pub should_load: bool,
}

/// A globally unique id. Few ask for the random one, so it has no text of its own until then.
#[derive(Debug)]
enum Guid {
    Random([u8; 16]),
    Given(Uuid),
}

/// What never changes about a document.
#[derive(Debug)]
pub(super) struct Identity {
    client_id: ClientID,
    guid: Guid,
    collection_id: Option<Arc<str>>,
    is_gc_enabled: bool,
    auto_load: bool,
    should_load: bool,
}

impl Identity {
    pub(super) fn new(options: DocumentOptions) -> Self {
        Self {
            client_id: options.client_id.map_or_else(ClientID::random, ClientID::new),
            guid: match options.guid {
                Some(guid) => Guid::Given(guid.into()),
                None => Guid::Random(fastrand::u128(..).to_ne_bytes()),
            },
            collection_id: options.collection_id.map(Into::into),
            is_gc_enabled: options.is_gc_enabled,
            auto_load: options.auto_load,
            should_load: options.should_load,
        }
    }

    pub(super) fn client_id(&self) -> ClientID {
        self.client_id
    }

    pub(super) fn guid(&self) -> Uuid {
        match &self.guid {
            Guid::Random(bytes) => uuid_v4_from(u128::from_ne_bytes(*bytes)),
            Guid::Given(guid) => Uuid::clone(guid),
        }
    }

    pub(super) fn is_gc_enabled(&self) -> bool {
        self.is_gc_enabled
    }

    pub(super) fn auto_load(&self) -> bool {
        self.auto_load
    }

    /// What a document that contains this one stores of it.
    pub(super) fn subdocument(&self) -> Subdocument {
        Subdocument {
            guid: self.guid(),
            collection_id: self.collection_id.clone(),
            is_gc_enabled: self.is_gc_enabled,
            auto_load: self.auto_load,
        }
    }

    /// The document of the CRDT. Offsets count UTF-16 units, as JavaScript does.
    pub(super) fn make_doc(&self) -> Doc {
        Doc::with_options(Options {
            client_id: self.client_id,
            guid: self.guid(),
            collection_id: self.collection_id.clone(),
            offset_kind: OffsetKind::Utf16,
            skip_gc: !self.is_gc_enabled,
            auto_load: self.auto_load,
            should_load: self.should_load,
            // The CRDT would delete marks inside of the remote transaction that made them redundant. No provider sends
            // such a transaction back, so replicas would differ for good.
            cleanup_formatting: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_guid_is_the_same_whenever_it_is_asked_for() {
        let identity = Identity::new(DocumentOptions::default());
        assert_eq!(identity.guid(), identity.guid());
        assert_eq!(identity.make_doc().guid(), identity.guid());
        assert_eq!(identity.make_doc().client_id(), identity.client_id());
        let other = Identity::new(DocumentOptions::default());
        assert_ne!(other.guid(), identity.guid());
        assert_ne!(other.client_id(), identity.client_id());
    }
}
