//! Bytes to types and back. Pure: no I/O, no clock, no state beyond the reassembly of one packet.
//!
//! From the outside in: `engine_io` packets are WebSocket messages, `socket_io` packets travel inside them, an
//! `envelope` is the binary attachment of an event, and a `y_message` is the payload of an envelope.
