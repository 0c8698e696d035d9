//! Where sessions and documents meet: requests go down, results and edits come up.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::commands::WeakSender;
use super::counters::Counters;
use super::handle::Command;
use crate::document::{Attachment, AttachmentId, Document, JobDone};
use crate::protocol::update::{EMPTY, EMPTY_STATE_VECTOR};
use crate::session::{DocKey, Work, WorkDone};

/// The documents of one driver, attached as long as they are in here.
#[derive(Default)]
pub(super) struct Attachments {
    documents: FxHashMap<DocKey, (Document, AttachmentId)>,
}

impl Attachments {
    pub(super) fn insert(&mut self, key: DocKey, document: Document, attachment: AttachmentId) {
        if let Some((document, attachment)) = self.documents.insert(key, (document, attachment)) {
            document.detach(attachment);
        }
    }

    pub(super) fn remove(&mut self, key: DocKey) {
        if let Some((document, attachment)) = self.documents.remove(&key) {
            document.detach(attachment);
        }
    }

    /// Hands a request to its document. The answer is returned if it is known at once, else it comes as
    /// [`Command::JobDone`]; none comes of a removed document.
    pub(super) fn request(&self, work: Work) -> Option<WorkDone> {
        let (Work::Apply { doc, .. }
        | Work::EncodeDiff { doc, .. }
        | Work::EncodeStateVector { doc, .. }) = work;
        let (document, attachment) = self.documents.get(&doc)?;
        // Thousands of documents may be opened and never touched. None of them needs the pool to find out that it is empty.
        let encode_empty = |token, bytes| {
            let is_untouched = document.is_untouched();
            is_untouched.then(|| WorkDone::Encoded { doc, token, result: Ok(bytes) })
        };
        match work {
            Work::Apply { first, updates, .. } => {
                document.apply(*attachment, first, updates);
                None
            }
            Work::EncodeDiff { token, state_vector, .. } => {
                let done = encode_empty(token, Bytes::from_static(&EMPTY));
                done.or_else(|| {
                    document.encode_diff(*attachment, token, state_vector);
                    None
                })
            }
            Work::EncodeStateVector { token, .. } => {
                let done = encode_empty(token, Bytes::from_static(&EMPTY_STATE_VECTOR));
                done.or_else(|| {
                    document.encode_state_vector(*attachment, token);
                    None
                })
            }
        }
    }
}

impl Drop for Attachments {
    fn drop(&mut self) {
        for (document, attachment) in self.documents.values() {
            document.detach(*attachment);
        }
    }
}

/// What a document calls. It holds the driver weakly: documents outlive providers.
pub(super) struct Port {
    doc: DocKey,
    commands: WeakSender<Command>,
    counters: Arc<Counters>,
    /// Updates that came before the driver could know the document; `None` once it does.
    early: Mutex<Option<Vec<Bytes>>>,
}

impl Port {
    pub(super) fn new(
        doc: DocKey,
        commands: WeakSender<Command>,
        counters: Arc<Counters>,
    ) -> Arc<Self> {
        Arc::new(Self { doc, commands, counters, early: Mutex::new(Some(Vec::new())) })
    }

    /// The driver has been told of the document: sends what came before, and everything from now on at once.
    pub(super) fn open(&self) {
        let mut early = self.early.lock();
        if let Some(updates) = early.take().filter(|updates| !updates.is_empty()) {
            self.send_updates(updates);
        }
    }

    fn send_updates(&self, updates: Vec<Bytes>) {
        self.counters.begin_edits();
        if !self.send(Command::LocalUpdates { doc: self.doc, updates }) {
            self.counters.end_edits();
        }
    }

    /// Returns whether the task lives. As in `Handle`: one that has ended needs no telling.
    fn send(&self, command: Command) -> bool {
        self.commands.send(command)
    }
}

impl Attachment for Port {
    fn handle_updates(&self, updates: Vec<Bytes>) {
        // Held while sending, so that `open` can't let later updates overtake the early ones.
        let mut early = self.early.lock();
        match early.as_mut() {
            Some(early) => early.extend(updates),
            None => self.send_updates(updates),
        }
    }

    fn handle_job_done(&self, done: JobDone) {
        let _: bool = self.send(Command::JobDone { doc: self.doc, done });
    }
}

/// The same answer, in the words of a session.
pub(super) fn work_done(doc: DocKey, done: JobDone) -> WorkDone {
    match done {
        JobDone::Applied { through, is_missing_updates, failed } => {
            WorkDone::Applied { doc, through, is_missing_updates, failed }
        }
        JobDone::Encoded { token, result } => WorkDone::Encoded { doc, token, result },
        JobDone::Overflowed => WorkDone::Overflowed { doc },
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::net::commands::{Receiver, channel};

    /// The next command that is there, `None` also at the end.
    fn next(commands: &mut Receiver<Command>) -> Option<Command> {
        match commands.poll_recv(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(command) => command,
            Poll::Pending => None,
        }
    }

    fn received(commands: &mut Receiver<Command>) -> Vec<Bytes> {
        let mut all = Vec::new();
        while let Some(Command::LocalUpdates { doc: DocKey(1), updates }) = next(commands) {
            all.extend(updates);
        }
        all
    }

    #[test]
    fn keeps_updates_until_the_driver_knows_the_document() {
        let (sender, mut commands) = channel();
        let port = Port::new(DocKey(1), sender.downgrade(), Arc::default());
        port.handle_updates(vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")]);
        assert!(next(&mut commands).is_none());
        port.open();
        port.handle_updates(vec![Bytes::from_static(b"c")]);
        assert_eq!(received(&mut commands), ["a", "b", "c"]);
    }

    #[test]
    fn does_not_keep_the_driver_alive() {
        let (sender, mut commands) = channel();
        let port = Port::new(DocKey(1), sender.downgrade(), Arc::default());
        port.open();
        drop(sender);
        port.handle_updates(vec![Bytes::from_static(b"nobody hears this")]);
        port.handle_job_done(JobDone::Overflowed);
        let end = commands.poll_recv(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(end, Poll::Ready(None)));
    }

    #[test]
    fn an_untouched_document_is_known_to_be_empty_at_once() {
        use crate::document::{DocumentOptions, LocalDocument};
        let (sender, mut commands) = channel();
        let document = Document::new(DocumentOptions::default());
        let port = Port::new(DocKey(1), sender.downgrade(), Arc::default());
        let attachment = document.attach(port);
        let mut attachments = Attachments::default();
        attachments.insert(DocKey(1), document.clone(), attachment);
        let doc = DocKey(1);
        let vector = |token| attachments.request(Work::EncodeStateVector { doc, token });
        let diff = |token| {
            let state_vector = Bytes::from_static(&EMPTY_STATE_VECTOR);
            attachments.request(Work::EncodeDiff { doc, token, state_vector })
        };
        let known = |token, bytes: &'static [u8]| {
            Some(WorkDone::Encoded { doc, token, result: Ok(Bytes::from_static(bytes)) })
        };
        assert_eq!(vector(1), known(1, &EMPTY_STATE_VECTOR));
        assert_eq!(diff(2), known(2, &EMPTY));
        assert!(received(&mut commands).is_empty(), "nobody else answers");
        let local = LocalDocument::new(&document);
        local.enter().unwrap();
        local.read(|_| ()).unwrap();
        local.leave();
        assert_eq!(vector(3), None, "somebody has looked, and may have edited");
        assert_eq!(diff(4), None);
    }

    #[test]
    fn detaches_documents_that_are_removed_or_dropped() {
        use crate::document::DocumentOptions;
        let (sender, _commands) = channel();
        let document = Document::new(DocumentOptions::default());
        let mut attachments = Attachments::default();
        let ports: Vec<_> = [1, 2, 3]
            .map(|key| {
                let port = Port::new(DocKey(key), sender.downgrade(), Arc::default());
                let attachment = document.attach(Arc::<Port>::clone(&port));
                attachments.insert(DocKey(key), document.clone(), attachment);
                port
            })
            .into();
        let attached = || ports.iter().filter(|port| Arc::strong_count(port) > 1).count();
        assert_eq!(attached(), 3);
        attachments.remove(DocKey(2));
        assert_eq!(attached(), 2);
        drop(attachments);
        assert_eq!(attached(), 0);
    }
}
