//! A provider's end of a document.

use bytes::Bytes;

use crate::error::ProviderError;

/// One provider attached to one document. Unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttachmentId(pub u64);

/// What a document tells a provider. Called from the JS thread and from pool threads; must not block.
pub trait Attachment: Send + Sync {
    /// Whether it wants the updates of others. One that only asks for something does not, and nobody encodes them.
    fn wants_updates(&self) -> bool {
        true
    }
    /// Updates made by anyone but this attachment, in commit order.
    fn handle_updates(&self, updates: Vec<Bytes>);
    /// A request was carried out.
    fn handle_job_done(&self, done: JobDone);
}

/// The result of a request made with an [`AttachmentId`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobDone {
    /// All updates up to and including the token `through` were handled.
    Applied {
        /// The highest token handled.
        through: u64,
        /// Whether the document holds updates that wait for missing ones.
        is_missing_updates: bool,
        /// Updates that failed, by token; the document is as if they had not come.
        failed: Vec<(u64, ProviderError)>,
    },
    /// The bytes asked for.
    Encoded {
        /// Token of the request.
        token: u64,
        /// The bytes, or why there are none.
        result: Result<Bytes, ProviderError>,
    },
    /// Waiting updates were dropped to bound memory; the document needs a step 1 once it has caught up.
    Overflowed,
}
