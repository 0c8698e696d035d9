//! Bytes to types and back. Pure: no I/O, no clock, no state beyond the reassembly of one packet.
//!
//! From the outside in: `engine_io` packets are WebSocket messages, `socket_io` packets travel inside them, an
//! `envelope` is the binary attachment of an event on one `channel`, and a `y_message` is the payload of an envelope.
//! A y message carries an `awareness` update or a Yjs `update`, both in `lib0`'s encoding.
//!
//! Everything that is decoded here comes from a network: decoders return errors, never panic, and allocate no more
//! than a small multiple of what they were given.

#![forbid(unsafe_code)]

pub mod awareness;
pub mod base64;
pub mod channel;
pub mod engine_io;
pub mod envelope;
pub(crate) mod lenient;
pub(crate) mod lib0;
pub(crate) mod plain_json;
pub mod socket_io;
pub mod update;
pub mod y_message;

pub use lib0::ReadError;
