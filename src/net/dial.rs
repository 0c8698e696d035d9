//! From a URL to an open WebSocket: TCP, proxy, TLS, upgrade.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};

use super::request::Handshake;
use super::tcp::{describe_io, failure};
use super::transport::{Parts, TransportConfig};
use super::upgrade::{WebSocket, upgrade};
use crate::error::ProviderError;

/// Text of a refused upgrade that goes into the error.
const MAX_REFUSAL_LENGTH: usize = 200;

/// The result of an attempt, as a future that stops the attempt when it is dropped.
pub type DialFuture<S> = Pin<Box<dyn Future<Output = Result<WebSocket<S>, ProviderError>> + Send>>;

/// Opens connections. The driver knows no other way to the network, so that tests can give it a pipe.
pub trait Dialer: Send + 'static {
    /// What the WebSocket runs over.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// One attempt. It has no time limit of its own.
    fn dial(&self, handshake: Handshake) -> DialFuture<Self::Stream>;
}

/// A TCP connection, with or without TLS.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection for S {}

impl Dialer for TransportConfig {
    // Boxed: TLS takes a kilobyte, which would be part of every connection without it.
    type Stream = Box<dyn Connection>;

    fn dial(&self, handshake: Handshake) -> DialFuture<Self::Stream> {
        let transport = Arc::clone(self.parts());
        Box::pin(async move {
            let stream = transport.connect().await?;
            let request = transport.request.build(&handshake)?;
            let upgraded = match upgrade(stream, request, transport.max_payload) {
                Ok(upgrade) => upgrade.await,
                Err(error) => Err(error),
            };
            upgraded.map_err(|error| failure(describe_upgrade(error)))
        })
    }
}

impl Parts {
    async fn connect(&self) -> Result<Box<dyn Connection>, ProviderError> {
        let stream = self.connect_tcp().await?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(self.url.host.clone())
            .map_err(|error| failure(format!("TLS: {error}")))?;
        // Boxed, as all that most attempts can do without: it would be a kilobyte of each.
        match Box::pin(TlsConnector::from(Arc::clone(tls)).connect(name, stream)).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(failure(describe_io(&error))),
        }
    }

    async fn connect_tcp(&self) -> Result<TcpStream, ProviderError> {
        match &self.proxy {
            Some(proxy) => Box::pin(proxy.connect(self.tcp, &self.url.host_and_port())).await,
            None => self.tcp.connect(&self.url.host, self.url.port).await,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::TransportOptions;

    #[test]
    fn an_attempt_takes_little_room_because_thousands_may_be_under_way() {
        let transport = TransportConfig::parse("wss://host", &TransportOptions::default()).unwrap();
        let attempt = transport.dial(Handshake::default());
        assert!(size_of_val(&*attempt) <= 640, "{}", size_of_val(&*attempt));
    }
}
