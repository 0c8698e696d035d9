//! From an open connection to a WebSocket.

use std::future::poll_fn;
use std::io::{self, Read, Write};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tungstenite::error::{Error, ProtocolError};
use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::client::{ClientHandshake, Request, generate_request};
use tungstenite::http::header::{HeaderMap, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL};

use super::{WebSocket, scratch};

/// A longer head is no answer.
const MAX_HEAD: usize = 64 * 1024;

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Sends the request and takes the answer. While it waits for that, it holds no buffer.
pub(in crate::net) async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    request: Request,
    max_payload: Option<usize>,
) -> Result<WebSocket<S>, Error> {
    // All that is needed to check the answer.
    let (key, protocols) = {
        let headers = request.headers();
        (headers.get(SEC_WEBSOCKET_KEY).cloned(), headers.get(SEC_WEBSOCKET_PROTOCOL).cloned())
    };
    {
        let (request, _) = generate_request(request)?;
        stream.write_all(&request).await?;
        stream.flush().await?;
    }
    let mut received = Vec::new();
    let head = loop {
        let read = poll_fn(|cx| {
            scratch::poll_read(&mut stream, cx, |bytes| received.extend_from_slice(bytes))
        });
        if read.await? == 0 {
            return Err(ProtocolError::HandshakeIncomplete.into());
        }
        if let Some(start) = received.windows(END_OF_HEAD.len()).position(|it| it == END_OF_HEAD) {
            break start + END_OF_HEAD.len();
        }
        if received.len() > MAX_HEAD {
            return Err(Error::AttackAttempt);
        }
    };
    let (head, rest) = received.split_at(head);
    let mut asked = HeaderMap::new();
    asked.extend(key.map(|key| (SEC_WEBSOCKET_KEY, key)));
    asked.extend(protocols.map(|protocols| (SEC_WEBSOCKET_PROTOCOL, protocols)));
    match check(head, asked) {
        Ok(()) => {
            let mut socket = WebSocket::new(stream, max_payload);
            socket.reader.push(rest);
            Ok(socket)
        }
        Err(Error::Http(mut response)) => {
            *response.body_mut() = Some(rest.to_vec());
            Err(Error::Http(response))
        }
        Err(error) => Err(error),
    }
}

/// Lets tungstenite look at the answer, by playing it the handshake once more.
fn check(head: &[u8], asked: HeaderMap) -> Result<(), Error> {
    let mut request = Request::builder()
        .uri("ws://server/")
        .header("Host", "server")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .body(())?;
    request.headers_mut().extend(asked);
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
        self.0.read(out)
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
