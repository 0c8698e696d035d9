//! A scripted Socket.IO server for one connection.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message};
use yjs_provider_native::protocol::channel::Channel;
use yjs_provider_native::protocol::envelope::{self, Envelope, Metadata};
use yjs_provider_native::protocol::socket_io::{Arg, Decoder, Event, Packet};
use yjs_provider_native::protocol::y_message::{self, Message as YMessage};

use super::within;

pub struct Peer<S> {
    socket: WebSocketStream<S>,
    decoder: Decoder,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// A server's end without an HTTP upgrade.
    pub async fn over(stream: S) -> Self {
        Self::new(WebSocketStream::from_raw_socket(stream, Role::Server, None).await)
    }

    pub fn new(socket: WebSocketStream<S>) -> Self {
        Self { socket, decoder: Decoder::default() }
    }

    /// Opens and joins: the client is connected after this. Returns the client's CONNECT as text.
    pub async fn join(&mut self, ping_interval: Duration, ping_timeout: Duration) -> String {
        self.open(ping_interval, ping_timeout).await;
        let connect = self.text().await;
        assert!(connect.starts_with("40"), "CONNECT comes first, not {connect}");
        self.send(r#"40{"sid":"socket-1"}"#).await;
        connect
    }

    pub async fn open(&mut self, ping_interval: Duration, ping_timeout: Duration) {
        let (interval, timeout) = (ping_interval.as_millis(), ping_timeout.as_millis());
        let open = format!(
            r#"0{{"sid":"engine-1","upgrades":[],"pingInterval":{interval},"pingTimeout":{timeout}}}"#
        );
        self.send(&open).await;
    }

    pub async fn send(&mut self, text: &str) {
        within("the client to read", self.socket.send(Message::text(text))).await.unwrap();
    }

    /// Sends unless the client has hung up.
    pub async fn try_send(&mut self, text: &str) -> bool {
        within("the client to read", self.socket.send(Message::text(text))).await.is_ok()
    }

    /// Sends an event with one attachment and an offset.
    pub async fn emit(&mut self, channel: Channel, attachment: Vec<u8>, offset: u64) {
        let name = channel.event_name();
        self.send(&format!(r#"451-["{name}",{{"_placeholder":true,"num":0}},"{offset}"]"#)).await;
        self.socket.send(Message::binary(attachment)).await.unwrap();
    }

    pub async fn ack(&mut self, id: u64, offset: u64) {
        let ack = format!(r#"43{id}[{{"ok":true,"topic":"t","partition":0,"offset":"{offset}"}}]"#);
        self.send(&ack).await;
    }

    /// The next message, `None` once the client has hung up.
    pub async fn receive(&mut self) -> Option<Result<Message, Error>> {
        within("a message of the client", self.socket.next()).await
    }

    pub async fn text(&mut self) -> String {
        match self.receive().await {
            Some(Ok(Message::Text(text))) => text.to_string(),
            other => panic!("expected a text message, not {other:?}"),
        }
    }

    /// The next Socket.IO event with all its attachments, `None` when the client closes. Heartbeats are passed over.
    /// Fails when anything stands between a header and its attachments.
    pub async fn event(&mut self) -> Option<Event> {
        loop {
            let packet = match self.receive().await? {
                Ok(Message::Text(text)) if text.as_str() == "3" => continue,
                Ok(Message::Text(text)) => {
                    let packet = text.strip_prefix('4').expect("a Socket.IO packet");
                    self.decoder.handle_text(packet).expect("a whole packet")
                }
                Ok(Message::Binary(bytes)) => {
                    self.decoder.handle_binary(bytes).expect("an attachment")
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(other) => panic!("unexpected {other:?}"),
            };
            match packet {
                Some(Packet::Event(event)) => return Some(event),
                Some(other) => panic!("unexpected {other:?}"),
                None => {}
            }
        }
    }

    pub async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        self.socket.close(Some(frame)).await.unwrap();
    }

    /// Whether the client has dropped its end, without waiting for it.
    pub fn is_hung_up(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match std::pin::Pin::new(&mut self.socket).poll_next(&mut cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return true,
                Poll::Pending => return false,
            }
        }
    }

    pub fn into_inner(self) -> S {
        self.socket.into_inner()
    }
}

/// Envelope and y message of an event.
pub fn emitted(event: &Event) -> (Metadata<'static>, YMessage) {
    let Some(Arg::Binary(bytes)) = event.args.get(0) else { panic!("no attachment in {event:?}") };
    let Envelope { metadata, payload } = envelope::decode(&bytes).unwrap();
    let mut messages = y_message::decode_all(&payload).unwrap();
    assert_eq!(messages.len(), 1, "one y message per envelope");
    (metadata.into_owned(), messages.remove(0))
}
