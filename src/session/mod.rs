//! What to do next: the connection, every document's sync, what is not in the log yet. Pure: no I/O, no documents, no
//! clock, no random numbers of its own. Time is an argument of every call, and one seed is given at the start.
//!
//! The methods of [`Session`] come in four families:
//!
//! - **Commands** (`connect`, `add_document`, `flush`, ...) say what the user wants.
//! - **`handle_*`** say what happened: the socket, a document, a deadline.
//! - **`poll_*`** give what follows from it. After any number of commands and `handle_*` calls:
//!   1. call [`Session::poll_transmit`] and hand each frame to the socket, until `None` or until the socket is full.
//!      Messages are made at this moment, so that edits which waited for a full socket go out merged;
//!   2. call [`Session::poll_output`] until `None`, and [`Session::poll_offset`] now and then;
//!   3. call [`Session::poll_timeout`] and wait until then, or for the next command or input, or until the socket takes
//!      more. At the deadline call [`Session::handle_timeout`].
//! - **Getters** (`status`, `is_active`, ...) change nothing.
//!
//! Connections have a generation. A session dials with [`Output::Dial`] and ends with [`Output::Close`], each with its
//! generation; input of another generation than the current one is ignored, so nobody has to wait for the old socket.
//! `Close` comes after every frame that must go out was taken from `poll_transmit`: flush the socket, send a WebSocket
//! close frame without status, and drop it. There is at most one dial or connection at a time.
//!
//! Nothing here panics on input, whatever it is. What a server must not do to Engine.IO or Socket.IO ends a connection
//! as in the official client; whatever is wrong above that is an [`Event::Error`], and the connection goes on.

#![forbid(unsafe_code)]

mod ack;
mod awareness;
mod backoff;
mod config;
mod connection;
mod context;
mod damper;
mod departure;
mod document;
mod documents;
mod early;
mod event;
mod flush;
mod inbound;
mod incoming;
mod input;
mod offsets;
mod outbox;
mod output;
mod presence;
mod question;
mod rare;
mod reconnect;
mod recovery;
mod replies;
#[allow(clippy::module_inception, reason = "a file is named for its main type")]
mod session;
mod step_one;
mod sync_waiters;
mod synced;
mod timers;
mod transmit;
mod user_message;
mod window;
mod work;

pub use awareness::{Awareness, AwarenessChange, EXPIRY, Meta, RENEWAL, SharedAwareness};
pub use backoff::Backoff;
pub use config::{Reconnection, SessionConfig};
pub use event::{Event, Position, Status};
pub use output::{Closed, Frame, Output};
pub use session::Session;
pub use work::{AddDocument, DocKey, Work, WorkDone};
