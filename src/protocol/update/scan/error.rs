//! Why a scan stops.

use crate::protocol::lib0::ReadError;

/// Why an update must not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The update ends early, or a number or string is malformed.
    #[error("malformed update: {0}")]
    Malformed(#[from] ReadError),
    /// More elements are claimed than the rest of the update can hold.
    #[error("malformed update: {0} elements claimed")]
    TooManyElements(u64),
    /// A block of content has a kind that this version of Yjs doesn't know.
    #[error("unknown kind of content {0}")]
    UnknownContent(u8),
    /// Content of the kind `ContentJSON`, which Yjs 13 reads but no longer creates. `yrs` 0.28 reads one string too
    /// many, and so takes what follows for something that was never checked.
    #[error("content of the obsolete kind JSON is not supported")]
    ObsoleteJson,
    /// An XML hook. `yrs` 0.28 doesn't read its name, and takes it for something that was never checked.
    #[error("XML hooks are not supported")]
    XmlHook,
    /// A shared type is of a kind that this version of Yjs doesn't know.
    #[error("unknown kind of shared type {0}")]
    UnknownType(u8),
    /// A value is of a kind that this version of Yjs doesn't know.
    #[error("unknown kind of value {0}")]
    UnknownValue(u8),
    /// A gap or a garbage-collected range has no length.
    #[error("malformed update: block without length")]
    EmptyBlock,
    /// Blocks of a client are in two places. Yjs takes those in the second, `yrs` both, in their order.
    #[error("blocks of client {0} in two places")]
    RepeatedClient(u64),
    /// A clock is larger than `yrs` can count.
    #[error("clock out of range")]
    ClockOutOfRange,
    /// Values are nested deeper than the limit, or JSON text deeper than `yrs` reads it.
    #[error("values nested too deep")]
    TooDeep,
    /// Bytes are left after the end.
    #[error("{0} bytes after the end of the update")]
    TrailingBytes(usize),
}
