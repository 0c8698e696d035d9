//! A document as all threads share it.

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::attachment::{Attachment, AttachmentId};
use super::baton::Baton;
use super::content::Content;
use super::fence::Fence;
use super::identity::{DocumentOptions, Identity};
use super::jobs::{Job, Jobs};
use super::pending::Pending;
use super::pool;
use super::record::Record;
use crate::error::{ErrorCode, ProviderError};

/// Wakes the JS thread that owns documents.
pub trait Waker: Send + Sync {
    /// A remote transaction of the document of this name waits for its listeners. Must not block.
    fn wake(&self, document: u64);
}

/// What JS listens to; nobody pays for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Interest {
    /// `update`
    Update = 1,
    /// `updateV2`
    UpdateV2 = 2,
    /// `afterTransaction`
    AfterTransaction = 4,
    /// `cleanup`
    Cleanup = 8,
    /// Updates of providers, and of nobody else: they go on to a document of another implementation.
    Mirror = 16,
}

impl Interest {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Update, Self::UpdateV2, Self::AfterTransaction, Self::Cleanup, Self::Mirror];
}

/// A document, shared by the JS thread, the pool and the providers. Cheap to clone.
#[derive(Clone)]
pub struct Document(pub(super) Arc<Shared>);

/// Nearly all documents have one provider.
pub(super) type Attachments = SmallVec<[(AttachmentId, Arc<dyn Attachment>); 1]>;

pub(super) struct Shared {
    pub(super) identity: Identity,
    pub(super) baton: Baton,
    pub(super) fence: Arc<Fence>,
    pub(super) jobs: Mutex<Jobs>,
    /// Locked by whoever holds the baton, so never for long and never in vain.
    pub(super) pending: Mutex<Pending>,
    pub(super) attachments: Mutex<Attachments>,
    interest: AtomicU8,
    /// Grows with every transaction that changes something.
    revision: AtomicU64,
    /// Bytes that were ever put into the document, roughly.
    size: AtomicUsize,
    pub(super) waker: Mutex<Option<(Arc<dyn Waker>, u64)>>,
    content: OnceLock<Box<Content>>,
}

impl Document {
    /// A new, empty document.
    pub fn new(options: DocumentOptions) -> Self {
        Self(Arc::new(Shared {
            identity: Identity::new(options),
            baton: Baton::new(),
            fence: Arc::default(),
            jobs: Mutex::default(),
            pending: Mutex::default(),
            attachments: Mutex::default(),
            interest: AtomicU8::new(0),
            revision: AtomicU64::new(0),
            size: AtomicUsize::new(0),
            waker: Mutex::default(),
            content: OnceLock::new(),
        }))
    }

    /// Connects a provider. It hears of every later update that it did not make itself.
    pub fn attach(&self, attachment: Arc<dyn Attachment>) -> AttachmentId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = AttachmentId(NEXT.fetch_add(1, Ordering::Relaxed));
        self.0.attachments.lock().push((id, attachment));
        id
    }

    /// Disconnects a provider; what it asked for is forgotten.
    pub fn detach(&self, id: AttachmentId) {
        self.0.attachments.lock().retain(|(other, _)| *other != id);
        self.0.jobs.lock().remove(id);
    }

    /// Applies V1 updates on the pool; answered by [`super::JobDone::Applied`]. The first one has this token, the others
    /// those that follow.
    pub fn apply(&self, id: AttachmentId, first: u64, updates: Vec<Bytes>) {
        {
            let mut jobs = self.0.jobs.lock();
            for (token, update) in (first..).zip(updates) {
                jobs.push(id, Job::Apply { token, update });
            }
        }
        self.schedule();
    }

    /// Applies an update that somebody in this process waits for: it is never dropped.
    pub fn apply_kept(&self, id: AttachmentId, token: u64, update: Bytes) {
        self.0.jobs.lock().push_kept(id, Job::Apply { token, update });
        self.schedule();
    }

    /// Encodes what a peer with this V1 state vector lacks (empty bytes: everything).
    pub fn encode_diff(&self, id: AttachmentId, token: u64, state_vector: Bytes) {
        self.queue(id, Job::EncodeDiff { token, state_vector });
    }

    /// Encodes the state vector.
    pub fn encode_state_vector(&self, id: AttachmentId, token: u64) {
        self.queue(id, Job::EncodeStateVector { token });
    }

    /// Whether the document is empty, and nothing waits for it. What a slice has just begun to apply is as good as not
    /// there yet: who sent it has it, and everybody else will be told of it.
    pub fn is_untouched(&self) -> bool {
        self.0.touched_content().is_none() && !self.0.has_jobs()
    }

    fn queue(&self, id: AttachmentId, job: Job) {
        self.0.jobs.lock().push(id, job);
        self.schedule();
    }

    fn schedule(&self) {
        if self.0.baton.job_queued() {
            pool::schedule(Arc::clone(&self.0));
        }
    }
}

impl Shared {
    /// What is in the document. To be called under the baton.
    pub(super) fn content(&self) -> &Content {
        self.content.get_or_init(|| Box::new(Content::new(&self.identity, &self.fence)))
    }

    /// What is in the document, if it was ever touched.
    pub(super) fn touched_content(&self) -> Option<&Content> {
        self.content.get().map(AsRef::as_ref)
    }

    pub(super) fn has_jobs(&self) -> bool {
        !self.jobs.lock().is_empty()
    }

    pub(super) fn set_interest(&self, interest: Interest, is_wanted: bool) {
        let bit = interest as u8;
        if is_wanted {
            self.interest.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.interest.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// Whether JS listens to this.
    pub(super) fn wants(&self, interest: Interest) -> bool {
        self.interest.load(Ordering::Relaxed) & interest as u8 != 0
    }

    /// Whether JS listens to any event of the document.
    pub(super) fn has_interest(&self) -> bool {
        self.interest.load(Ordering::Relaxed) != 0
    }

    /// For whoever holds the baton: the document is unchanged as long as this is.
    pub(super) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    /// A transaction has changed something.
    pub(super) fn note_change(&self) {
        self.revision.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes that were ever put into the document, roughly. What was deleted counts, too: it is cheap to keep this.
    pub(super) fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    pub(super) fn grow(&self, bytes: usize) {
        self.size.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn set_waker(&self, waker: Option<(Arc<dyn Waker>, u64)>) {
        *self.waker.lock() = waker;
    }

    pub(super) fn take_undispatched(&self) -> Option<Arc<Record>> {
        self.touched_content()?.undispatched.lock().take()
    }

    /// Hands updates to every provider but the one that made them.
    pub(super) fn forward(&self, updates: &[Bytes], except: Option<AttachmentId>) {
        // Copied out first: an attachment must not run under this lock.
        let targets: Vec<_> =
            self.attachments.lock().iter().filter(|(id, _)| Some(*id) != except).cloned().collect();
        for (_, attachment) in targets.into_iter().filter(|(_, it)| it.wants_updates()) {
            attachment.handle_updates(updates.to_vec());
        }
    }
}

pub(super) fn invalid(message: String) -> ProviderError {
    ProviderError::new(ErrorCode::InvalidUpdate, message)
}
