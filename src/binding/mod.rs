//! What JavaScript sees. The only layer that names napi.
//!
//! - It converts and delegates; it decides nothing.
//! - Everything here runs on the JS thread that owns the object. Other threads reach it through an [`inbox`].
//! - Callbacks are owned by JavaScript objects ([`listeners`]), never by Rust: a document and its listeners can be
//!   collected although they refer to each other.
//! - No lock and no `RefCell` borrow is held while JavaScript runs: a listener may call anything.

mod error;
mod hidden;
mod inbox;
mod js_thread;
mod listeners;
mod raw;
pub mod types;
mod value;

pub(crate) use error::Result;
