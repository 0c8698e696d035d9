//! The one error type of the crate. Its code is the public contract; its message may change.

use std::fmt;

/// What went wrong, as JavaScript sees it in `err.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// `ERR_INVALID_OPTION`: an option has the wrong type or value; the message names its path.
    InvalidOption,
    /// `ERR_INVALID_ARGUMENT`: an argument of a method has the wrong type or value.
    InvalidArgument,
    /// `ERR_DESTROYED`: the provider was destroyed.
    Destroyed,
    /// `ERR_DOC_IN_USE`: a document with this id was already added to the provider.
    DocInUse,
    /// `ERR_UNKNOWN_DOC`: no document with this id was added to the provider.
    UnknownDoc,
    /// `ERR_OUT_OF_RANGE`: an index or length lies outside of the shared type.
    OutOfRange,
    /// `ERR_TRANSACTION_CLOSED`: the transaction was committed, or is the read-only view a listener gets.
    TransactionClosed,
    /// `ERR_TRANSACTION_OPEN`: another explicit transaction of the document is open.
    TransactionOpen,
    /// `ERR_WRONG_DOCUMENT`: the transaction belongs to another document.
    WrongDocument,
    /// `ERR_DELETED_TYPE`: the shared type was deleted from its document.
    DeletedType,
    /// `ERR_INTEGRATED_TYPE`: the shared type is already part of a document.
    IntegratedType,
    /// `ERR_PRELIMINARY_TYPE`: the operation needs a shared type that is part of a document.
    PreliminaryType,
    /// `ERR_UNSUPPORTED_VALUE`: a value can't be stored in a document (a function, a symbol, a cycle).
    UnsupportedValue,
    /// `ERR_INVALID_UPDATE`: the bytes are no Yjs update, state vector or awareness update.
    InvalidUpdate,
    /// `ERR_DOC_POISONED`: the CRDT failed inside this document; it can't be used any more.
    DocPoisoned,
    /// `ERR_INVALID_ENVELOPE`: the frame is no envelope of this protocol.
    InvalidEnvelope,
    /// `ERR_INVALID_MESSAGE`: the payload of an envelope is no y message.
    InvalidMessage,
    /// `ERR_MESSAGE_TOO_LARGE`: the message is larger than the server accepts.
    MessageTooLarge,
    /// `ERR_REFUSED`: the server refused a message; the message has its code and reason.
    Refused,
    /// `ERR_PERMISSION_DENIED`: the server refused the connection or the document.
    PermissionDenied,
    /// `ERR_READ_ONLY`: the provider is read-only and the document has local edits.
    ReadOnly,
    /// `ERR_UNCONFIRMED`: edits were sent to a server that confirms none.
    Unconfirmed,
    /// `ERR_TIMEOUT`: nothing happened in the time given.
    Timeout,
    /// `ERR_ABORTED`: the caller's `AbortSignal` was aborted.
    Aborted,
    /// `ERR_CONNECTION`: the connection could not be made or was lost.
    Connection,
    /// `ERR_INTERNAL`: a defect of this package.
    Internal,
}

impl ErrorCode {
    /// The stable name, as in `err.code`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidOption => "ERR_INVALID_OPTION",
            Self::InvalidArgument => "ERR_INVALID_ARGUMENT",
            Self::Destroyed => "ERR_DESTROYED",
            Self::DocInUse => "ERR_DOC_IN_USE",
            Self::UnknownDoc => "ERR_UNKNOWN_DOC",
            Self::OutOfRange => "ERR_OUT_OF_RANGE",
            Self::TransactionClosed => "ERR_TRANSACTION_CLOSED",
            Self::TransactionOpen => "ERR_TRANSACTION_OPEN",
            Self::WrongDocument => "ERR_WRONG_DOCUMENT",
            Self::DeletedType => "ERR_DELETED_TYPE",
            Self::IntegratedType => "ERR_INTEGRATED_TYPE",
            Self::PreliminaryType => "ERR_PRELIMINARY_TYPE",
            Self::UnsupportedValue => "ERR_UNSUPPORTED_VALUE",
            Self::InvalidUpdate => "ERR_INVALID_UPDATE",
            Self::DocPoisoned => "ERR_DOC_POISONED",
            Self::InvalidEnvelope => "ERR_INVALID_ENVELOPE",
            Self::InvalidMessage => "ERR_INVALID_MESSAGE",
            Self::MessageTooLarge => "ERR_MESSAGE_TOO_LARGE",
            Self::Refused => "ERR_REFUSED",
            Self::PermissionDenied => "ERR_PERMISSION_DENIED",
            Self::ReadOnly => "ERR_READ_ONLY",
            Self::Unconfirmed => "ERR_UNCONFIRMED",
            Self::Timeout => "ERR_TIMEOUT",
            Self::Aborted => "ERR_ABORTED",
            Self::Connection => "ERR_CONNECTION",
            Self::Internal => "ERR_INTERNAL",
        }
    }
}

impl AsRef<str> for ErrorCode {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure with its stable code and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    /// What went wrong.
    pub code: ErrorCode,
    /// A lower-case sentence without secrets.
    pub message: String,
}

impl ProviderError {
    /// A failure with a sentence for people.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
