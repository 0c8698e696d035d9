//! A native Yjs provider for Node.js.
//!
//! One Socket.IO connection carries many Yjs documents, and every message has a Kafka offset. Decoding, merging and
//! applying updates run here, off the event loop; JavaScript sees typed events.
//!
//! ```text
//!   binding    #[napi] classes: conversion and delegation only          (feature `node`)
//!   net        one driver task per provider: socket, timers, commands
//!   session    what to do next: pure state machine    document    shared yrs documents, the baton, the pool
//!   protocol   bytes <-> types: engine.io, socket.io, envelope, y messages
//! ```
//!
//! Dependencies point down. `session` and `document` are siblings and meet in `net`. `ARCHITECTURE.md` tells who owns
//! what and which thread runs it.

#[cfg(feature = "node")]
pub mod binding;
pub mod document;
pub mod error;
mod latest;
pub mod net;
pub mod protocol;
pub mod session;

pub use error::{ErrorCode, ProviderError};
