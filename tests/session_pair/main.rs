//! Sessions against a server in memory, with real documents and a virtual clock.

mod connection;
mod delivery;
mod presence;
mod random;
mod server;
mod sync;
mod world;
