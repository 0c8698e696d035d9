//! Figures of a provider.

use napi_derive::napi;

use super::provider::ProtocolManager;

/// What `stats()` returns. Messages are those of the WebSocket, heartbeats included.
#[napi(object, object_from_js = false)]
pub struct ProviderStats {
    /// Documents of the provider.
    pub documents: f64,
    /// Documents with edits that are not in the log.
    pub unsynced_documents: f64,
    /// Bytes of the edits that wait to be sent or to be confirmed. Edits that outgrew 8 MiB per document are not counted:
    /// they are taken from the document when they are sent.
    pub waiting_bytes: f64,
    /// Connections after the first one.
    pub reconnects: f64,
    /// Messages handed to the socket.
    pub messages_sent: f64,
    /// Bytes in them.
    pub bytes_sent: f64,
    /// Messages that came.
    pub messages_received: f64,
    /// Bytes in them.
    pub bytes_received: f64,
}

#[napi]
impl ProtocolManager {
    /// What the provider has done so far: figures for monitoring, as of this moment.
    #[napi]
    pub fn stats(&self) -> ProviderStats {
        let stats = self.core.handle.stats();
        ProviderStats {
            documents: self.core.document_count() as f64,
            unsynced_documents: stats.unsynced_documents as f64,
            waiting_bytes: stats.waiting_bytes as f64,
            reconnects: stats.connections.saturating_sub(1) as f64,
            messages_sent: stats.sent.messages as f64,
            bytes_sent: stats.sent.bytes as f64,
            messages_received: stats.received.messages as f64,
            bytes_received: stats.received.bytes as f64,
        }
    }
}
