//! One driver task per provider: socket, timers, commands. The only module that awaits a socket.
//!
//! ```text
//!   JS thread ── Handle ──┐                       ┌── EventSink ──> JS thread
//!   documents ── Port ────┤ commands        events│
//!                         v                       │
//!                    Driver (one task, owns everything below)
//!                    ├── Session       decides; told of everything, asked what to do
//!                    ├── Link          idle, dialing, open or closing: never two sockets
//!                    ├── Timer         the session's next deadline
//!                    └── Attachments   documents, for the work the session asks for
//! ```
//!
//! Nobody shares state with the task: edits, results and calls reach it through one queue, so that they keep their order.
//! There are only counters, to be looked at from outside.
//! The task holds no state that decides anything; what it knows of the connection is where its socket is. It runs on a
//! runtime of our own, and reads its socket whatever else is going on: a heartbeat is never late because an update is
//! being applied, because the event loop is busy, or because the server does not read.

#![forbid(unsafe_code)]

mod attachments;
mod auth;
mod burst_reader;
mod commands;
mod counters;
mod dial;
mod driver;
mod handle;
mod link;
mod percent;
mod proxy;
mod request;
mod runtime;
mod sleep_watch;
mod socket;
mod tcp;
mod timer;
mod tls;
mod transport;
mod upgrade;
mod url;

pub use auth::{AskedAuth, AuthAnswer, AuthFuture, AuthSource, StaticAuth};
pub use counters::{Stats, Traffic};
pub use dial::{Connection, DialFuture, Dialer};
pub use driver::{DriverConfig, EventSink, spawn, spawn_on};
pub use handle::Handle;
pub use request::Handshake;
pub use tcp::Family;
pub use tls::TlsOptions;
pub use transport::{TransportConfig, TransportOptions};
pub use upgrade::{WebSocket, open_raw};
