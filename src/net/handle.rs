//! The outside's end of a driver task.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::attachments::Port;
use super::commands::{Receiver, Sender, channel};
use super::counters::{Counters, Stats};
use crate::document::{AttachmentId, Document, JobDone};
use crate::protocol::channel::Channel;
use crate::session::{AddDocument, DocKey};

/// Longer times are cut to this, so that no clock overflows.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Controls a driver task. Every method returns at once, and does nothing when the task has ended.
///
/// When the last handle is dropped without [`Handle::destroy`], the task ends as after [`Handle::abandon`].
#[derive(Clone)]
pub struct Handle {
    commands: Sender<Command>,
    counters: Arc<Counters>,
}

/// What a driver task is told, in the order in which it was said. Edits travel the same way as calls, so that a flush
/// covers the edits made before it.
pub(super) enum Command {
    Connect,
    Disconnect,
    Destroy { linger: Duration },
    Abandon,
    AddDocument { add: AddDocument, document: Document, attachment: AttachmentId },
    RemoveDocument(DocKey),
    LocalAwareness(DocKey),
    Flush { id: u64, timeout: Duration },
    CancelFlush { id: u64 },
    WhenSynced { id: u64, doc: DocKey, timeout: Duration },
    CancelWhenSynced { id: u64 },
    MessageEvents { is_wanted: bool },
    Send(Box<UserMessage>),
    LocalUpdates { doc: DocKey, updates: Vec<Bytes> },
    JobDone { doc: DocKey, done: JobDone },
}

/// A message of the user's own.
pub(super) struct UserMessage {
    pub(super) channel: Channel,
    pub(super) message_type: u64,
    pub(super) payload: Bytes,
    pub(super) doc_id: String,
    pub(super) parent_id: Option<String>,
}

impl Handle {
    pub(super) fn new() -> (Self, Receiver<Command>) {
        let (commands, receiver) = channel();
        (Self { commands, counters: Arc::default() }, receiver)
    }

    pub(super) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Connects, and stays connected until [`Handle::disconnect`] or [`Handle::destroy`].
    pub fn connect(&self) {
        self.send_command(Command::Connect);
    }

    /// Disconnects and stops attempts.
    pub fn disconnect(&self) {
        self.send_command(Command::Disconnect);
    }

    /// Ends the task. What was said before has until `linger` to reach the server.
    pub fn destroy(&self, linger: Duration) {
        self.send_command(Command::Destroy { linger: linger.min(LONGEST) });
    }

    /// Ends the task at once, without a word to the server: the environment is going away.
    pub fn abandon(&self) {
        self.send_command(Command::Abandon);
    }

    /// Adds a document. Every edit made after this call is sent. Returns the origin of what is applied to it.
    ///
    /// The task may hear of it only with the next command or [`Handle::wake`]: whoever adds thousands wakes it once.
    pub fn add_document(&self, add: AddDocument, document: &Document) -> AttachmentId {
        let port = Port::new(add.key, self.commands.downgrade(), Arc::clone(&self.counters));
        let attachment = document.attach(Arc::<Port>::clone(&port));
        let has_content = add.has_content;
        if has_content {
            self.counters.begin_edits();
        }
        let is_running = self.commands.send_quietly(Command::AddDocument {
            add,
            document: document.clone(),
            attachment,
        });
        if is_running {
            port.open();
        } else {
            document.detach(attachment);
            if has_content {
                self.counters.end_edits();
            }
        }
        attachment
    }

    /// Lets the task hear of documents that were added.
    pub fn wake(&self) {
        self.commands.wake();
    }

    /// Removes a document. What it has to send is sent before, if connected.
    pub fn remove_document(&self, key: DocKey) {
        self.send_command(Command::RemoveDocument(key));
    }

    /// Our own state in the document's awareness changed.
    pub fn handle_local_awareness(&self, key: DocKey) {
        self.send_command(Command::LocalAwareness(key));
    }

    /// Asks for [`crate::session::Event::Flushed`] with this id. Covers the edits made before the call.
    pub fn flush(&self, id: u64, timeout: Duration) {
        self.send_command(Command::Flush { id, timeout: timeout.min(LONGEST) });
    }

    /// Gives up waiting for a flush; no event follows, unless it is under way already.
    pub fn cancel_flush(&self, id: u64) {
        self.send_command(Command::CancelFlush { id });
    }

    /// Asks for [`crate::session::Event::Waited`] with this id.
    pub fn when_synced(&self, id: u64, doc: DocKey, timeout: Duration) {
        self.send_command(Command::WhenSynced { id, doc, timeout: timeout.min(LONGEST) });
    }

    /// Gives up waiting for a document; no event follows, unless it is under way already.
    pub fn cancel_when_synced(&self, id: u64) {
        self.send_command(Command::CancelWhenSynced { id });
    }

    /// Whether [`crate::session::Event::Message`] is wanted. It is, unless told otherwise.
    pub fn set_message_events(&self, is_wanted: bool) {
        self.send_command(Command::MessageEvents { is_wanted });
    }

    /// Sends a message of the user's own; `payload` is what follows the type. It is not kept for later: when not
    /// connected, [`crate::session::Event::Error`] says so.
    pub fn send(
        &self,
        channel: Channel,
        message_type: u64,
        payload: Bytes,
        doc_id: String,
        parent_id: Option<String>,
    ) {
        let message = UserMessage { channel, message_type, payload, doc_id, parent_id };
        self.send_command(Command::Send(Box::new(message)));
    }

    /// Whether there are edits that are not in the log. Sees every edit that was handed in before the call, and none
    /// that a [`crate::session::Event::Flushed`] of before has confirmed. Of a task that has ended: what it left behind.
    pub fn has_unsynced_changes(&self) -> bool {
        self.counters.has_unsynced_changes()
    }

    /// What the task has done so far. A glance: the figures need not be of the same moment.
    pub fn stats(&self) -> Stats {
        self.counters.stats()
    }

    /// Whether both control the same task.
    pub fn is_same(&self, other: &Self) -> bool {
        self.commands.is_same(&other.commands)
    }

    fn send_command(&self, command: Command) {
        // The task has ended when this fails, and there is nothing left to be told.
        let _: bool = self.commands.send(command);
    }
}
