//! Commands: what the session is told from outside.

use std::task::{Context, Poll};

use tokio::time::Instant;

use super::{Driver, INPUTS_PER_TURN, now};
use crate::net::attachments::work_done;
use crate::net::dial::Dialer;
use crate::net::handle::{Command, UserMessage};
use crate::session::Event;

impl<D: Dialer> Driver<D> {
    pub(super) fn poll_commands(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..INPUTS_PER_TURN {
            match self.commands.poll_recv(cx) {
                Poll::Ready(Some(command)) => self.handle_command(command),
                // All handles are gone.
                Poll::Ready(None) => self.handle_command(Command::Abandon),
                Poll::Pending => return false,
            }
            if self.is_finished {
                return true;
            }
        }
        true
    }

    fn handle_command(&mut self, command: Command) {
        let now = now();
        match command {
            Command::Connect => self.session.connect(now),
            Command::Disconnect => self.session.disconnect(now),
            Command::Destroy { linger } => {
                self.link.set_leave_by(Instant::from_std(now) + linger);
                self.session.destroy(now, linger);
            }
            Command::Abandon => {
                self.link.abandon();
                self.is_finished = true;
            }
            Command::AddDocument { add, document, attachment } => {
                self.attachments.insert(add.key, document, attachment);
                let has_content = add.has_content;
                self.session.add_document(now, add);
                if has_content {
                    self.finish_edits();
                }
            }
            Command::RemoveDocument(key) => {
                self.session.remove_document(now, key);
                self.attachments.remove(key);
            }
            Command::LocalAwareness(key) => self.session.handle_local_awareness(now, key),
            Command::Flush { id, timeout } => self.session.flush(now, id, timeout),
            Command::CancelFlush { id } => self.session.cancel_flush(id),
            Command::WhenSynced { id, doc, timeout } => {
                self.session.when_synced(now, id, doc, timeout);
            }
            Command::CancelWhenSynced { id } => self.session.cancel_when_synced(id),
            Command::MessageEvents { is_wanted } => self.session.set_message_events(is_wanted),
            Command::Send(message) => {
                let UserMessage { channel, message_type, payload, doc_id, parent_id } = *message;
                let parent_id = parent_id.as_deref();
                let sent =
                    self.session.send(now, channel, message_type, payload, &doc_id, parent_id);
                if let Err(error) = sent {
                    // What happened before must be heard before.
                    self.poll_outputs();
                    self.sink.handle_event(Event::Error { doc: None, error });
                    self.sink.handle_turn_end();
                }
            }
            Command::LocalUpdates { doc, updates } => {
                for update in updates {
                    self.session.handle_local_update(now, doc, update);
                }
                self.finish_edits();
            }
            Command::JobDone { doc, done } => {
                self.session.handle_work_done(now, work_done(doc, done));
            }
        }
    }

    /// The session has taken the edits of a command.
    fn finish_edits(&self) {
        self.counters.set_unsynced_documents(self.session.unsynced_documents());
        self.counters.end_edits();
    }
}
