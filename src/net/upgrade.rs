//! From an open connection to a WebSocket.

use std::future::Future;
use std::io::{self, Read, Write};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::HandshakeError;
use tokio_tungstenite::tungstenite::handshake::client::{
    ClientHandshake, Request, generate_request,
};
use tokio_tungstenite::tungstenite::http::header::{
    HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::burst_reader::BurstReader;

/// A WebSocket over `S`.
pub type WebSocket<S> = WebSocketStream<BurstReader<S>>;

/// Small, because every idle connection keeps one. A busy one reads through a [`BurstReader`].
const READ_BUFFER_SIZE: usize = 1024;

/// Frames are collected up to this size before they are written. The session merges what waits behind a full buffer.
const WRITE_BUFFER_SIZE: usize = 64 * 1024;

/// A longer head is no answer.
const MAX_HEAD: usize = 64 * 1024;

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// What of a request says how the answer must look.
struct Asked {
    key: String,
    protocols: Option<HeaderValue>,
}

/// Sends the request and takes the answer. Messages above `max_payload` bytes are an error later; `None` takes any.
///
/// The handshake of `tungstenite` holds 12 kB while it waits for the answer, and a thousand that wait at once leave their
/// holes in the heap for ever. So it gets the answer when that is there, and holds them for a moment. For the same reason
/// this is no async function, which would have room for its arguments twice.
pub(super) fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    request: Request,
    max_payload: Option<usize>,
) -> Result<impl Future<Output = Result<WebSocket<S>, Error>>, Error> {
    let mut stream = BurstReader::new(stream);
    let protocols = request.headers().get(SEC_WEBSOCKET_PROTOCOL).cloned();
    let (request, key) = generate_request(request)?;
    let asked = Asked { key, protocols };
    Ok(async move {
        stream.write_all(&request).await?;
        drop(request);
        stream.flush().await?;
        let mut received = Vec::new();
        let head = loop {
            if stream.read_buf(&mut received).await? == 0 {
                return Err(ProtocolError::HandshakeIncomplete.into());
            }
            let end = received.windows(END_OF_HEAD.len()).position(|it| it == END_OF_HEAD);
            if let Some(start) = end {
                break start + END_OF_HEAD.len();
            }
            if received.len() > MAX_HEAD {
                return Err(Error::AttackAttempt);
            }
        };
        let mut rest = received.split_off(head);
        if let Err(mut error) = check(&received, asked) {
            if let Error::Http(response) = &mut error {
                rest.extend_from_slice(stream.unread());
                *response.body_mut() = Some(rest);
            }
            return Err(error);
        }
        let config = Some(websocket_config(max_payload));
        // Boxed, because it is done at once, but would be part of every attempt.
        let socket = WebSocketStream::from_partially_read(stream, rest, Role::Client, config);
        Ok(Box::pin(socket).await)
    })
}

/// A connection whose upgrade is over.
pub async fn open_raw<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> WebSocket<S> {
    let config = Some(websocket_config(None));
    WebSocketStream::from_raw_socket(BurstReader::new(stream), Role::Client, config).await
}

fn websocket_config(max_payload: Option<usize>) -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(max_payload)
        .max_frame_size(max_payload)
        .read_buffer_size(READ_BUFFER_SIZE)
        .write_buffer_size(WRITE_BUFFER_SIZE)
}

/// Lets tungstenite look at the answer, by playing it the handshake once more.
fn check(head: &[u8], Asked { key, protocols }: Asked) -> Result<(), Error> {
    let mut request = Request::builder()
        .uri("ws://server/")
        .header("Host", "server")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header(SEC_WEBSOCKET_KEY, key)
        .body(())?;
    request.headers_mut().extend(protocols.map(|it| (SEC_WEBSOCKET_PROTOCOL, it)));
    match ClientHandshake::start(Replay(head), request, None)?.handshake() {
        Ok(_) => Ok(()),
        Err(HandshakeError::Failure(error)) => Err(error),
        // More than a head is asked for.
        Err(HandshakeError::Interrupted(_)) => Err(ProtocolError::HandshakeIncomplete.into()),
    }
}

/// Has an answer for whatever is asked.
struct Replay<'a>(&'a [u8]);

impl Read for Replay<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut self.0, out)
    }
}

impl Write for Replay<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use tokio::io::duplex;
    use tokio_tungstenite::tungstenite::Message;

    use super::*;

    /// The example of RFC 6455, and an empty text.
    const ANSWER: &[u8] =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x00";

    fn request() -> Request {
        Request::builder()
            .uri("ws://server/")
            .header("Host", "server")
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .body(())
            .unwrap()
    }

    #[tokio::test]
    async fn bytes_that_came_with_the_answer_are_part_of_the_connection() {
        for cut in [1, 30, ANSWER.len() - 4, ANSWER.len() - 1, ANSWER.len()] {
            let (client, mut server) = duplex(1000);
            let answer = async {
                server.write_all(&ANSWER[..cut]).await.unwrap();
                tokio::task::yield_now().await;
                server.write_all(&ANSWER[cut..]).await.unwrap();
            };
            let (socket, ()) = tokio::join!(upgrade(client, request(), None).unwrap(), answer);
            let message = socket.unwrap().next().await.unwrap().unwrap();
            assert_eq!(message, Message::text(""), "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn half_an_answer_is_none() {
        let (client, mut server) = duplex(1000);
        let half_an_answer = async move {
            server.read_u8().await.unwrap();
            server.write_all(&ANSWER[..100]).await.unwrap();
        };
        let (socket, ()) = tokio::join!(upgrade(client, request(), None).unwrap(), half_an_answer);
        let error = socket.unwrap_err();
        let expected = ProtocolError::HandshakeIncomplete;
        assert!(matches!(&error, Error::Protocol(it) if *it == expected), "{error:?}");
    }
}
