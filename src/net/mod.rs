//! One driver task per provider: socket, timers, commands. The only module that awaits a socket.

#![forbid(unsafe_code)]

mod dial;
mod percent;
mod runtime;
mod tls;
mod transport;

pub use dial::{DialFuture, Dialer, websocket_config};
pub use tls::TlsOptions;
pub use transport::{Handshake, TransportConfig, TransportOptions};
