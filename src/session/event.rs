//! Everything a session may tell the outside world.

use std::sync::Arc;

use bytes::Bytes;

use super::awareness::AwarenessChange;
use super::work::DocKey;
use crate::error::ProviderError;
use crate::protocol::channel::Channel;
use crate::protocol::envelope::Metadata;

/// State of the connection, as in the `status` event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// An attempt is under way or scheduled.
    Connecting,
    /// The Socket.IO namespace is joined.
    Connected,
    /// No connection and no attempt under way.
    Disconnected,
}

/// Where in the log a message lies. Offsets compare only within one (topic, partition).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Kafka topic; empty when the server does not say.
    pub topic: Arc<str>,
    /// Partition of the topic.
    pub partition: i32,
    /// Offset of the record.
    pub offset: i64,
}

/// One thing that happened, in the order in which listeners must see it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// `status`: the state changed. `socket_id` is the Socket.IO id while connected.
    Status {
        /// The new state, never the same twice in a row.
        status: Status,
        /// Id of the Socket.IO socket while connected.
        socket_id: Option<Arc<str>>,
    },
    /// No connection, no attempt and nothing left to send: the session does nothing until it is told. Follows every end,
    /// also that of a connection that was still leaving after `disconnected`.
    Idle {
        /// Calls of `connect` so far: whoever has called it once more since need not care.
        connects: u64,
    },
    /// `synced`: strictly alternating per document, starting with `true`.
    Synced {
        /// The document.
        doc: DocKey,
        /// Whether it holds everything the server had.
        state: bool,
    },
    /// `doc-loaded`: the first `synced` of a document.
    DocLoaded {
        /// The document.
        doc: DocKey,
    },
    /// `unsyncedChanges`: strictly alternating per document, starting with `true`. Told also while a connection leaves, and
    /// not when the document is removed.
    UnsyncedChanges {
        /// The document.
        doc: DocKey,
        /// Whether it has edits that are not in the log.
        state: bool,
    },
    /// `connection-close`: an open connection ended.
    ConnectionClose {
        /// The reason, as socket.io-client words it (`transport close`, `ping timeout`, ...).
        reason: &'static str,
        /// WebSocket close code or error text, if there was one.
        description: Option<String>,
    },
    /// `connection-error`: an attempt failed or the server refused the connection.
    ConnectionError {
        /// What failed.
        error: ProviderError,
        /// The server's `data` of a refused connection, as JSON text.
        data: Option<String>,
        /// Whether another attempt follows without the user's help.
        will_retry: bool,
    },
    /// `reconnect-failed`: the allowed attempts are used up. The status `Disconnected` follows.
    ReconnectFailed {
        /// Why the last one failed.
        error: ProviderError,
    },
    /// `permission-denied`.
    PermissionDenied {
        /// The document, if only that was refused.
        doc: Option<DocKey>,
        /// The server's reason.
        reason: String,
    },
    /// `error`: bad input or a refused message; nothing was lost silently.
    Error {
        /// The document concerned, if known.
        doc: Option<DocKey>,
        /// What went wrong.
        error: ProviderError,
    },
    /// The highest offset of a document moved (sync channel only).
    Offset {
        /// The document.
        doc: DocKey,
        /// Where the document is now.
        position: Position,
    },
    /// `message-sync`, `message-awareness`, `message-control`, `message-auth`: a message as it came in.
    Message {
        /// The document, `None` for a document id this provider does not have.
        doc: Option<DocKey>,
        /// `None` stands for `message-auth`.
        channel: Option<Channel>,
        /// Payload of the envelope.
        payload: Bytes,
        /// Metadata of the envelope.
        metadata: Box<Metadata<'static>>,
        /// Offset as the server gave it.
        offset: Option<i64>,
    },
    /// Remote awareness states changed; already applied to the document's shared [`super::awareness::Awareness`].
    Awareness {
        /// The document.
        doc: DocKey,
        /// Who came, changed and left.
        change: Box<AwarenessChange>,
    },
    /// A `flush` ended.
    Flushed {
        /// The id given to [`super::Session::flush`].
        id: u64,
        /// `Ok` when every local edit made before the call is in the log.
        result: Result<(), ProviderError>,
    },
    /// A `when_synced` ended.
    Waited {
        /// The id given to [`super::Session::when_synced`].
        id: u64,
        /// `Ok` when the document is synced.
        result: Result<(), ProviderError>,
    },
}
