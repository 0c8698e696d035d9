//! Both ends of a driver under test: what it tells, and a scripted server that speaks raw frames.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a module of tests, of which every test file uses its own part"
)]

mod events;
mod peer;
mod pipe;
mod replica;

pub use events::{Events, is_status, recorder};
pub use peer::{Peer, emitted};
pub use pipe::{Dialed, Dials, PipeDialer, pipe_dialer};
pub use replica::Replica;

use std::future::Future;
use std::time::Duration;

/// A test that waits longer has failed. Virtual time where the clock is paused.
const PATIENCE: Duration = Duration::from_secs(60);

/// The result, or a failure that says what was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(PATIENCE, future).await;
    result.unwrap_or_else(|_elapsed| panic!("waited too long for {what}"))
}
