//! A document and a provider of it, as far as the document layer goes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;
use yjs_provider_native::document::{Attachment, AttachmentId, Document, DocumentOptions, JobDone};

/// A document that hears nothing but what it is fed.
pub struct Replica {
    document: Document,
    id: AttachmentId,
    told: Receiver<JobDone>,
    token: u64,
}

struct Recorder(Sender<JobDone>);

impl Attachment for Recorder {
    fn handle_updates(&self, _: Vec<Bytes>) {}

    fn handle_job_done(&self, done: JobDone) {
        self.0.send(done).ok();
    }
}

impl Replica {
    pub fn new() -> Self {
        let document = Document::new(DocumentOptions {
            client_id: Some(1),
            is_gc_enabled: true,
            ..DocumentOptions::default()
        });
        let (sender, told) = channel();
        let id = document.attach(Arc::new(Recorder(sender)));
        Self { document, id, told, token: 0 }
    }

    /// Applies updates, one after the other but as one group, and says whether all of them could be.
    pub fn apply<'a>(&mut self, updates: impl IntoIterator<Item = &'a [u8]>) -> bool {
        let first = self.token;
        let updates: Vec<Bytes> = updates.into_iter().map(Bytes::copy_from_slice).collect();
        self.token += updates.len() as u64;
        self.document.apply(self.id, first + 1, updates);
        let mut is_ok = true;
        let mut done = first;
        while done < self.token {
            if let JobDone::Applied { through, failed, .. } = self.next() {
                assert!(through > done, "answered twice");
                done = through;
                is_ok &= failed.is_empty();
            }
        }
        is_ok
    }

    /// What a peer with this state vector lacks; `None` if the document was poisoned, or can't tell.
    pub fn difference(&mut self, state_vector: &[u8]) -> Option<Bytes> {
        self.token += 1;
        self.document.encode_diff(self.id, self.token, Bytes::copy_from_slice(state_vector));
        self.encoded()
    }

    /// The document's own state vector.
    pub fn state_vector(&mut self) -> Option<Bytes> {
        self.token += 1;
        self.document.encode_state_vector(self.id, self.token);
        self.encoded()
    }

    fn encoded(&self) -> Option<Bytes> {
        match self.next() {
            JobDone::Encoded { token, result } => {
                assert_eq!(token, self.token);
                result.ok()
            }
            other => panic!("{other:?} is no answer"),
        }
    }

    fn next(&self) -> JobDone {
        // A job that is never answered hangs here, and the fuzzer's own time limit tells.
        self.told.recv().expect("the document holds its attachment")
    }
}
