//! What untrusted bytes reach, one function each: it panics if what comes out is not what was promised.
//!
//! `cargo fuzz` feeds them from `fuzz_targets/`, and `tests/untrusted.rs` of the crate above from a seeded generator, so
//! that every test run does.

mod awareness;
mod driver;
mod engine_io;
mod envelope;
mod memory;
mod panics;
mod replica;
mod seeds;
mod session;
mod socket_io_packet;
mod state_vector;
mod update_v1;
mod update_v2;
mod y_message;

pub use awareness::awareness;
pub use engine_io::engine_io;
pub use envelope::envelope;
pub use panics::{expect_caught_panics, telling};
pub use seeds::seeds;
pub use session::session;
pub use socket_io_packet::socket_io_packet;
pub use state_vector::state_vector;
pub use update_v1::update_v1;
pub use update_v2::update_v2;
pub use y_message::y_message;

/// A name, as `cargo fuzz` knows it, and what is fed.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 9] = [
    ("engine_io", engine_io),
    ("socket_io_packet", socket_io_packet),
    ("envelope", envelope),
    ("y_message", y_message),
    ("awareness", awareness),
    ("update_v1", update_v1),
    ("update_v2", update_v2),
    ("state_vector", state_vector),
    ("session", session),
];
