//! Where a message came from.

/// Who sent a message, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// This session, on the current connection.
    Us,
    /// This session, on an earlier connection.
    FormerUs,
    /// The server, when it gives a new connection the whole document.
    Hydration,
    /// The server itself.
    Server,
    /// Another client.
    Peer,
}

impl Sender {
    pub(super) fn is_own(self) -> bool {
        matches!(self, Self::Us | Self::FormerUs)
    }
}

/// Where a message came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) sender: Sender,
    /// The sender's id; empty if it gave none.
    pub(crate) sender_id: &'a str,
    /// Whether it answers our step 1; `None` if it does not say whose.
    pub(crate) is_for_us: Option<bool>,
    /// Whether it came out of the log as it is, to everybody.
    pub(crate) is_fanned_out: bool,
}
