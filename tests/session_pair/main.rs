//! Sessions against a server in memory, with real documents and a virtual clock.

#![allow(clippy::unwrap_used, reason = "what fails in here fails the test")]
#![allow(clippy::struct_excessive_bools, reason = "switches are independent of each other")]

mod connection;
mod delivery;
mod garbage;
mod leaving;
mod presence;
mod published;
mod random;
mod recovery;
mod server;
mod sync;
mod world;
