//! An open WebSocket, and one that is being closed.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::tcp::describe_io;
use super::upgrade::WebSocket;
use crate::session::{Closed, Frame};

/// An open WebSocket. Reading never waits for writing: a server that does not read still gets its pings seen.
pub(super) struct Socket<S> {
    pub(super) generation: u64,
    stream: WebSocket<S>,
    is_flush_due: bool,
    /// Why nothing can be written any more.
    write_failure: Option<Closed>,
}

/// What a WebSocket says.
pub(super) enum Inbound {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// The last one.
    Closed(Closed),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(super) fn new(generation: u64, stream: WebSocket<S>) -> Self {
        Self { generation, stream, is_flush_due: false, write_failure: None }
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Inbound> {
        loop {
            let message = match Pin::new(&mut self.stream).poll_next(cx) {
                Poll::Ready(message) => message,
                // A peer that closes says why before it stops reading; a failed write must not hide that.
                Poll::Pending => {
                    return self
                        .write_failure
                        .take()
                        .map_or(Poll::Pending, |it| Poll::Ready(Inbound::Closed(it)));
                }
            };
            return Poll::Ready(match message {
                Some(Ok(Message::Text(text))) => Inbound::Text(text),
                Some(Ok(Message::Binary(bytes))) => Inbound::Binary(bytes),
                Some(Ok(Message::Close(frame))) => Inbound::Closed(Closed {
                    code: frame.as_ref().map(|frame| frame.code.into()),
                    description: frame.map(|frame| frame.reason.to_string()).unwrap_or_default(),
                    is_protocol_error: false,
                }),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(error)) => Inbound::Closed(closed(&error)),
                None => Inbound::Closed(closed(&Error::ConnectionClosed)),
            });
        }
    }

    /// Whether the socket takes a frame now.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.write_failure.is_some() {
            return Poll::Pending;
        }
        match ready!(Pin::new(&mut self.stream).poll_ready(cx)) {
            Ok(()) => Poll::Ready(()),
            Err(error) => self.fail_writing(&error, cx),
        }
    }

    /// Takes a frame; `poll_ready` must have said that it can.
    pub(super) fn send(&mut self, frame: Frame, cx: &mut Context<'_>) {
        let message = match frame {
            Frame::Text(text) => Message::text(text),
            Frame::Binary(bytes) => Message::Binary(bytes),
        };
        self.is_flush_due = true;
        if let Err(error) = Pin::new(&mut self.stream).start_send(message) {
            let _: Poll<()> = self.fail_writing(&error, cx);
        }
    }

    /// Writes what was taken, as far as the peer lets it.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_flush_due || self.write_failure.is_some() {
            return Poll::Ready(());
        }
        match ready!(Pin::new(&mut self.stream).poll_flush(cx)) {
            Ok(()) => {
                self.is_flush_due = false;
                Poll::Ready(())
            }
            Err(error) => self.fail_writing(&error, cx),
        }
    }

    /// Closes the socket after what it has taken.
    pub(super) fn close(self, deadline: Instant) -> Closing<S> {
        Closing { stream: self.stream, deadline: Box::pin(sleep_until(deadline)) }
    }

    fn fail_writing(&mut self, error: &Error, cx: &mut Context<'_>) -> Poll<()> {
        self.write_failure = Some(closed(error));
        // The next read reports it.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A WebSocket that sends what it has taken and a close frame, and then waits for the peer to hang up.
///
/// Nobody waits for it but the next attempt, so that there is never a second socket, and the end of the task. Hanging up
/// first would be quicker, but the kernel answers data that comes after that, or was not read, with a reset, which
/// destroys what the peer has not read yet: the last edits.
pub(super) struct Closing<S> {
    stream: WebSocket<S>,
    deadline: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Closing<S> {
    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Poll::Ready(Err(_)) = Pin::new(&mut self.stream).poll_close(cx) {
            return Poll::Ready(());
        }
        while let Poll::Ready(message) = Pin::new(&mut self.stream).poll_next(cx) {
            if !matches!(message, Some(Ok(_))) {
                return Poll::Ready(());
            }
        }
        self.deadline.as_mut().poll(cx)
    }
}

fn closed(error: &Error) -> Closed {
    let (description, is_protocol_error) = match error {
        Error::Io(error) => (describe_io(error), false),
        Error::ConnectionClosed | Error::AlreadyClosed => (String::new(), false),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            ("socket hang up".to_owned(), false)
        }
        violation => (violation.to_string(), true),
    };
    Closed { code: None, description, is_protocol_error }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io;

    use tokio::io::ReadBuf;

    use super::*;
    use crate::net::upgrade::open_raw;

    /// Gives these bytes to read, and takes none.
    struct Broken(&'static [u8]);

    impl AsyncRead for Broken {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.0.is_empty() {
                return Poll::Pending;
            }
            buffer.put_slice(std::mem::take(&mut self.0));
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Broken {
        fn poll_write(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            _bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Writes, which fails, and reads until the end.
    async fn end_after_failed_write(readable: &'static [u8]) -> (Vec<String>, Closed) {
        let stream = open_raw(Broken(readable)).await;
        let mut socket = Socket::new(1, stream);
        poll_fn(|cx| {
            socket.send(Frame::Text("lost".to_owned()), cx);
            let _: Poll<()> = socket.poll_flush(cx);
            assert!(socket.poll_ready(cx).is_pending(), "nothing more is taken");
            Poll::Ready(())
        })
        .await;
        let mut texts = Vec::new();
        loop {
            match poll_fn(|cx| socket.poll_read(cx)).await {
                Inbound::Text(text) => texts.push(text.to_string()),
                Inbound::Binary(_) => {}
                Inbound::Closed(closed) => return (texts, closed),
            }
        }
    }

    #[tokio::test]
    async fn a_failed_write_hides_nothing_that_can_still_be_read() {
        let (texts, closed) = end_after_failed_write(b"\x81\x02hi\x88\x02\x03\xf1").await;
        assert_eq!(texts, ["hi"]);
        assert_eq!(closed.code, Some(1009));

        let (texts, closed) = end_after_failed_write(b"\x81\x02hi").await;
        assert_eq!(texts, ["hi"]);
        assert_eq!((closed.code, closed.description.as_str()), (None, "EPIPE"));
        assert!(!closed.is_protocol_error);
    }
}
