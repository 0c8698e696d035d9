//! From a URL to an open WebSocket: TCP, proxy, TLS, upgrade.

use std::future::Future;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::burst_reader::BurstReader;
use super::request::Handshake;
use super::tcp::{describe_io, failure};
use super::transport::{MAX_PAYLOAD, TransportConfig};
use crate::error::ProviderError;

/// Small, because every idle connection keeps one: it was half of what a provider takes. A busy one reads through a
/// [`BurstReader`].
const READ_BUFFER_SIZE: usize = 4 * 1024;

/// Frames are collected up to this size before they are written. The session merges what waits behind a full buffer.
const WRITE_BUFFER_SIZE: usize = 64 * 1024;

/// Text of a refused upgrade that goes into the error.
const MAX_REFUSAL_LENGTH: usize = 200;

/// The result of an attempt, as a future that stops the attempt when it is dropped.
pub type DialFuture<S> =
    Pin<Box<dyn Future<Output = Result<WebSocketStream<S>, ProviderError>> + Send>>;

/// Opens connections. The driver knows no other way to the network, so that tests can give it a pipe.
pub trait Dialer: Send + 'static {
    /// What the WebSocket runs over.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// One attempt. It has no time limit of its own.
    fn dial(&self, handshake: Handshake) -> DialFuture<Self::Stream>;
}

impl Dialer for TransportConfig {
    type Stream = MaybeTlsStream<BurstReader<TcpStream>>;

    fn dial(&self, handshake: Handshake) -> DialFuture<Self::Stream> {
        let transport = self.clone();
        Box::pin(async move {
            let request = transport.request().build(&handshake)?;
            let stream = BurstReader::new(transport.connect().await?);
            let connector = transport.tls.map_or(Connector::Plain, Connector::Rustls);
            let config = websocket_config()
                .max_message_size(transport.max_payload)
                .max_frame_size(transport.max_payload);
            client_async_tls_with_config(request, stream, Some(config), Some(connector))
                .await
                .map(|(socket, _response)| socket)
                .map_err(|error| failure(describe_upgrade(error)))
        })
    }
}

impl TransportConfig {
    async fn connect(&self) -> Result<TcpStream, ProviderError> {
        match &self.proxy {
            Some(proxy) => proxy.connect(self.tcp, &self.url.host_and_port()).await,
            None => self.tcp.connect(&self.url.host, self.url.port).await,
        }
    }
}

/// Settings of every WebSocket of this crate, unless its options say otherwise.
pub fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_PAYLOAD))
        .max_frame_size(Some(MAX_PAYLOAD))
        .read_buffer_size(READ_BUFFER_SIZE)
        .write_buffer_size(WRITE_BUFFER_SIZE)
}

fn describe_upgrade(error: Error) -> String {
    match error {
        Error::Http(response) => {
            let refusal = format!("Unexpected server response: {}", response.status().as_u16());
            let body = response.into_body().unwrap_or_default();
            let body = String::from_utf8_lossy(&body);
            let body: String = body.trim().chars().take(MAX_REFUSAL_LENGTH).collect();
            if body.is_empty() { refusal } else { format!("{refusal} ({body})") }
        }
        Error::Io(error) => describe_io(&error),
        Error::Protocol(ProtocolError::HandshakeIncomplete) => "socket hang up".to_owned(),
        other => other.to_string(),
    }
}
