//! From a host name to an open WebSocket: name lookup, TCP, TLS, upgrade.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::transport::{Handshake, TransportConfig};
use crate::error::{ErrorCode, ProviderError};

/// The next address is tried this long after the one before it, if that has not failed earlier. Node waits as long.
const ADDRESS_STAGGER: Duration = Duration::from_millis(250);

/// As the `ws` package; tungstenite's own limits are below what a Node server may send as one frame.
const MAX_MESSAGE_SIZE: usize = 100 * 1024 * 1024;

/// Small, because every idle connection keeps one; a busy one reads about a hundred updates at once with it.
const READ_BUFFER_SIZE: usize = 16 * 1024;

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
    type Stream = MaybeTlsStream<TcpStream>;

    fn dial(&self, handshake: Handshake) -> DialFuture<Self::Stream> {
        let transport = self.clone();
        Box::pin(async move {
            let request = transport.request(&handshake)?;
            let stream = connect(&transport.host, transport.port).await?;
            let connector = transport.tls.map_or(Connector::Plain, Connector::Rustls);
            client_async_tls_with_config(request, stream, Some(websocket_config()), Some(connector))
                .await
                .map(|(socket, _response)| socket)
                .map_err(|error| failure(describe_upgrade(error)))
        })
    }
}

/// Settings of every WebSocket of this crate.
pub fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_SIZE))
        .max_frame_size(Some(MAX_MESSAGE_SIZE))
        .read_buffer_size(READ_BUFFER_SIZE)
        .write_buffer_size(WRITE_BUFFER_SIZE)
}

/// The code Node gives this kind of error, or the system's text.
pub(super) fn describe_io(error: &io::Error) -> String {
    // rustls reports through an io::Error; what it says is more useful than the kind it chose.
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return format!("TLS: {tls}");
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "ECONNREFUSED".to_owned(),
        io::ErrorKind::ConnectionReset => "ECONNRESET".to_owned(),
        io::ErrorKind::ConnectionAborted => "ECONNABORTED".to_owned(),
        io::ErrorKind::BrokenPipe => "EPIPE".to_owned(),
        io::ErrorKind::TimedOut => "ETIMEDOUT".to_owned(),
        io::ErrorKind::HostUnreachable => "EHOSTUNREACH".to_owned(),
        io::ErrorKind::NetworkUnreachable => "ENETUNREACH".to_owned(),
        io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL".to_owned(),
        _ => error.to_string(),
    }
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, ProviderError> {
    let addresses = lookup_host((host, port))
        .await
        .map_err(|error| failure(format!("getaddrinfo {host}: {error}")))?
        .collect();
    match race(alternate_families(addresses), TcpStream::connect).await {
        Ok(stream) => {
            // Updates are small and wait for nothing: without this each could wait for the ack of the one before.
            stream.set_nodelay(true).map_err(|error| failure(describe_io(&error)))?;
            Ok(stream)
        }
        Err(Some((address, error))) => {
            Err(failure(format!("connect {} {address}", describe_io(&error))))
        }
        Err(None) => Err(failure(format!("getaddrinfo {host}: no address"))),
    }
}

/// The first connection that is made, or the first failure when all fail. Dropping the future stops all attempts.
async fn race<S, F>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<S, Option<(SocketAddr, io::Error)>>
where
    S: Send + 'static,
    F: Future<Output = io::Result<S>> + Send + 'static,
{
    let mut attempts = JoinSet::new();
    let mut first_failure = None;
    let mut addresses = addresses.into_iter();
    loop {
        if let Some(address) = addresses.next() {
            let attempt = connect(address);
            attempts.spawn(async move { (address, attempt.await) });
        }
        tokio::select! {
            attempt = attempts.join_next() => match attempt {
                Some(Ok((_, Ok(stream)))) => return Ok(stream),
                Some(Ok((address, Err(error)))) => {
                    first_failure.get_or_insert((address, error));
                }
                Some(Err(_cancelled)) => {}
                None => return Err(first_failure),
            },
            () = tokio::time::sleep(ADDRESS_STAGGER), if addresses.len() > 0 => {}
        }
    }
}

/// The families take turns, beginning with the one the resolver prefers: when one of them leads nowhere, every second
/// attempt is of the other.
fn alternate_families(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_ipv6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == is_ipv6_first);
    let mut alternating = Vec::with_capacity(preferred.len() + other.len());
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    loop {
        let before = alternating.len();
        alternating.extend(preferred.next());
        alternating.extend(other.next());
        if alternating.len() == before {
            return alternating;
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

fn failure(message: String) -> ProviderError {
    ProviderError::new(ErrorCode::Connection, message)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tokio::time::Instant;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// Runs a race in which every address answers as the table says; yields the winner and the time it took.
    async fn run_race(
        table: &[(&str, Duration, Result<(), io::ErrorKind>)],
    ) -> (Result<SocketAddr, Option<SocketAddr>>, Duration) {
        let answers: HashMap<_, _> =
            table.iter().map(|(text, delay, answer)| (address(text), (*delay, *answer))).collect();
        let start = Instant::now();
        let addresses = table.iter().map(|(text, ..)| address(text)).collect();
        let result = race(addresses, |address| {
            let (delay, answer) = answers[&address];
            async move {
                tokio::time::sleep(delay).await;
                answer.map(|()| address).map_err(io::Error::from)
            }
        })
        .await;
        (result.map_err(|failure| failure.map(|(address, _)| address)), start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn tries_the_next_address_when_one_fails_or_hangs() {
        const NEVER: Duration = Duration::from_secs(3600);
        let ms = Duration::from_millis;
        let refused = Err(io::ErrorKind::ConnectionRefused);
        let (first, second, third) = ("[::1]:1", "127.0.0.1:1", "127.0.0.2:1");
        let rows = [
            (
                "the first answers",
                vec![(first, ms(10), Ok(())), (second, ms(0), Ok(()))],
                Ok(first),
                ms(10),
            ),
            (
                "the first fails",
                vec![(first, ms(5), refused), (second, ms(10), Ok(()))],
                Ok(second),
                ms(15),
            ),
            (
                "the first hangs",
                vec![(first, NEVER, Ok(())), (second, ms(10), Ok(()))],
                Ok(second),
                ms(260),
            ),
            (
                "the first is slow but wins",
                vec![(first, ms(300), Ok(())), (second, NEVER, Ok(()))],
                Ok(first),
                ms(300),
            ),
            (
                "all fail: the first failure counts",
                vec![(first, ms(5), refused), (second, ms(5), refused), (third, ms(5), refused)],
                Err(first),
                ms(15),
            ),
        ];
        for (label, table, expected, time) in rows {
            let (result, elapsed) = run_race(&table).await;
            assert_eq!(
                result,
                expected.map(address).map_err(|text| Some(address(text))),
                "{label}"
            );
            assert_eq!(elapsed, time, "{label}");
        }
        assert_eq!(run_race(&[]).await.0, Err(None), "no address");
    }

    #[test]
    fn lets_address_families_take_turns() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(address).to_vec();
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(address);
        assert_eq!(alternate_families(addresses), expected);
    }
}
