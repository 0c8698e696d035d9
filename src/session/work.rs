//! Document work a session asks for. It never touches a document itself: requests go out, results come back.

use std::sync::Arc;

use bytes::Bytes;

use super::awareness::SharedAwareness;
use crate::error::ProviderError;

/// One document of one provider. Never reused, so that late results of a removed document find nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocKey(pub u64);

/// What a session must know of a document that joins.
#[derive(Debug, Clone)]
pub struct AddDocument {
    /// Key chosen by the caller, unique within the session for its whole life.
    pub key: DocKey,
    /// Id of the document in its room.
    pub doc_id: Arc<str>,
    /// Id of the parent document, for nested documents.
    pub parent_id: Option<Arc<str>>,
    /// Whether the document had content before it joined: the server may not have it.
    pub has_content: bool,
    /// The document's awareness states; `None` sends and keeps none.
    pub awareness: Option<SharedAwareness>,
}

/// A request to the document layer. Requests for one document run in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Apply V1 updates; answered by [`WorkDone::Applied`], once or more often.
    Apply {
        /// The document.
        doc: DocKey,
        /// Token of the first update. The tokens of a document's updates rise by one, from 1.
        first: u64,
        /// The updates, in the order in which they came, not looked at: they may be anything.
        updates: Vec<Bytes>,
    },
    /// Encode what a peer with this state vector lacks; answered by [`WorkDone::Encoded`].
    EncodeDiff {
        /// The document.
        doc: DocKey,
        /// Identifies the request among the `Encode*` requests of the document.
        token: u64,
        /// The peer's state vector, V1; empty bytes stand for the empty vector.
        state_vector: Bytes,
    },
    /// Encode the state vector; answered by [`WorkDone::Encoded`].
    EncodeStateVector {
        /// The document.
        doc: DocKey,
        /// Identifies the request among the `Encode*` requests of the document.
        token: u64,
    },
}

/// A result from the document layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkDone {
    /// All updates up to and including `through` were handled.
    Applied {
        /// The document.
        doc: DocKey,
        /// The highest token handled.
        through: u64,
        /// Whether the document holds updates that wait for missing ones.
        is_missing_updates: bool,
        /// Updates that failed, by token; the document is as if they had not come.
        failed: Vec<(u64, ProviderError)>,
    },
    /// The bytes asked for.
    Encoded {
        /// The document.
        doc: DocKey,
        /// Token of the request.
        token: u64,
        /// The bytes, or why there are none (a poisoned document).
        result: Result<Bytes, ProviderError>,
    },
    /// Inbound updates of the document were dropped to bound memory: step 1 is needed once it has caught up.
    Overflowed {
        /// The document.
        doc: DocKey,
    },
}
