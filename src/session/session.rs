//! The session: ties connection, documents and waiting callers together.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::config::SessionConfig;
use super::event::Status;
use super::output::{Closed, Frame, Output};
use super::work::{AddDocument, DocKey, WorkDone};
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::channel::Channel;

/// One provider's session.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    status: Status,
}

#[allow(clippy::unused_self, clippy::needless_pass_by_value, reason = "the signatures come first")]
impl Session {
    /// A session that does nothing until it is told. `seed` decides every random choice.
    pub fn new(config: SessionConfig, seed: u64) -> Self {
        let _ = seed;
        Self { config, status: Status::Disconnected }
    }

    /// Connects, and stays connected until `disconnect` or `destroy`. When connected already: syncs every document anew.
    pub fn connect(&mut self, now: Instant) {
        let _ = now;
    }

    /// Disconnects and stops attempts. What waits for the socket is sent first, for a second at most.
    pub fn disconnect(&mut self, now: Instant) {
        let _ = now;
    }

    /// Ends the session for good. Edits that are not in the log yet have until `linger` to get there; then
    /// [`Output::Finished`]. Pending flushes are rejected at once. A second call does nothing.
    pub fn destroy(&mut self, now: Instant, linger: Duration) {
        let _ = (now, linger);
    }

    /// Adds a document. A second one with the same document id is refused with an error event.
    pub fn add_document(&mut self, now: Instant, document: AddDocument) {
        let _ = (now, document);
    }

    /// Removes a document after sending, if connected, what it has to send. Unknown keys are ignored.
    pub fn remove_document(&mut self, now: Instant, key: DocKey) {
        let _ = (now, key);
    }

    /// Asks for [`super::Event::Flushed`] once every local edit handed in before this call is in the log.
    pub fn flush(&mut self, now: Instant, id: u64, timeout: Duration) {
        let _ = (now, id, timeout);
    }

    /// Sends a message of the user's own: `payload` is what follows the type. `ERR_CONNECTION` when not connected.
    pub fn send(
        &mut self,
        now: Instant,
        channel: Channel,
        message_type: u64,
        payload: Bytes,
        doc_id: &str,
        parent_id: Option<&str>,
    ) -> Result<(), ProviderError> {
        let _ = (now, channel, message_type, payload, doc_id, parent_id);
        Err(ProviderError::new(ErrorCode::Connection, "not connected"))
    }

    /// The document was edited by something else than this session.
    pub fn handle_local_update(&mut self, now: Instant, doc: DocKey, update: Bytes) {
        let _ = (now, doc, update);
    }

    /// Our own state in the document's awareness changed.
    pub fn handle_local_awareness(&mut self, now: Instant, doc: DocKey) {
        let _ = (now, doc);
    }

    /// The document layer answered.
    pub fn handle_work_done(&mut self, now: Instant, done: WorkDone) {
        let _ = (now, done);
    }

    /// The WebSocket is open. `auth` is the JSON text of the object for CONNECT.
    pub fn handle_dialed(&mut self, now: Instant, generation: u64, auth: Option<String>) {
        let _ = (now, generation, auth);
    }

    /// The WebSocket could not be opened.
    pub fn handle_dial_failed(&mut self, now: Instant, generation: u64, error: ProviderError) {
        let _ = (now, generation, error);
    }

    /// A text message came.
    pub fn handle_text(&mut self, now: Instant, generation: u64, text: &str) {
        let _ = (now, generation, text);
    }

    /// A binary message came.
    pub fn handle_binary(&mut self, now: Instant, generation: u64, bytes: Bytes) {
        let _ = (now, generation, bytes);
    }

    /// The WebSocket ended.
    pub fn handle_closed(&mut self, now: Instant, generation: u64, closed: Closed) {
        let _ = (now, generation, closed);
    }

    /// The time of `poll_timeout` has come. Calling it early does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// The next message for the socket, in wire order.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Frame> {
        let _ = now;
        None
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// When `handle_timeout` must be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// State of the connection as the user sees it.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether the session wants a connection or is still leaving one: the process should stay alive for it.
    pub fn is_active(&self) -> bool {
        false
    }

    /// Whether a document has edits that are not confirmed by the log.
    pub fn has_unsynced_changes(&self) -> bool {
        false
    }

    /// The settings.
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }
}
