//! The client's end of a WebSocket, which takes no memory for buffers while nothing is under way.

mod frame_reader;
mod frame_writer;
mod scratch;
mod upgrade;

use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::Utf8Bytes;
use tungstenite::error::{Error, ProtocolError};
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};

use frame_reader::{FrameReader, Received};
use frame_writer::FrameWriter;
pub(super) use upgrade::upgrade;

use crate::session::Frame;

/// A WebSocket over `stream`.
///
/// That of `tungstenite` keeps a buffer for reading with every connection, and what the handshake needed stays around it:
/// with a thousand of them that is most of what they take. Here bytes are read into a buffer that all connections of a
/// thread share, and what is not a whole message yet is kept, nothing else. The handshake, headers of frames and errors are
/// those of `tungstenite`.
#[derive(Debug)]
pub struct WebSocket<S> {
    stream: S,
    reader: FrameReader,
    writer: FrameWriter,
    has_sent_close: bool,
    has_received_close: bool,
}

/// What the peer says.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// The last one.
    Close(Option<CloseFrame>),
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// A connection whose handshake is over. Messages above `max_payload` bytes are an error; `None` takes any.
    pub fn new(stream: S, max_payload: Option<usize>) -> Self {
        Self {
            stream,
            reader: FrameReader::new(max_payload.unwrap_or(usize::MAX)),
            writer: FrameWriter::default(),
            has_sent_close: false,
            has_received_close: false,
        }
    }

    /// The next message. Pings are answered with the next [`Self::poll_flush`]. An error is the end.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        loop {
            while let Some(received) = self.reader.next()? {
                if self.has_received_close {
                    return Poll::Ready(Err(ProtocolError::ReceivedAfterClosing.into()));
                }
                match received {
                    Received::Text(text) => return Poll::Ready(Ok(Message::Text(text))),
                    Received::Binary(bytes) => return Poll::Ready(Ok(Message::Binary(bytes))),
                    Received::Ping(payload) => self.writer.set_pong(payload),
                    Received::Pong => {}
                    Received::Close(frame) => {
                        return Poll::Ready(Ok(Message::Close(self.answer_close(frame))));
                    }
                }
            }
            let reader = &mut self.reader;
            let read = scratch::poll_read(&mut self.stream, cx, |bytes| reader.push(bytes));
            if ready!(read)? == 0 {
                return Poll::Ready(Err(if self.has_received_close {
                    Error::ConnectionClosed
                } else {
                    ProtocolError::ResetWithoutClosingHandshake.into()
                }));
            }
        }
    }

    /// Whether there is room for a frame: what waits is written first, if there is much of it.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.poll_ready(&mut self.stream, cx)
    }

    /// Takes a frame, which goes out with the next [`Self::poll_flush`] at the latest.
    pub(super) fn send(&mut self, frame: &Frame) {
        match frame {
            Frame::Text(text) => self.writer.put(OpCode::Data(Data::Text), text.as_bytes()),
            Frame::Binary(bytes) => self.writer.put(OpCode::Data(Data::Binary), bytes),
        }
    }

    /// Writes everything that was taken.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.poll_flush(&mut self.stream, cx)
    }

    /// Writes everything that was taken, and a close frame after it.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.has_sent_close {
            self.put_close(&[]);
        }
        self.poll_flush(cx)
    }

    /// The peer hears its own code again, unless nobody may send that.
    fn answer_close(&mut self, frame: Option<CloseFrame>) -> Option<CloseFrame> {
        self.has_received_close = true;
        let frame = frame.map(|frame| {
            if frame.code.is_allowed() {
                return frame;
            }
            let reason = Utf8Bytes::from_static("Protocol violation");
            CloseFrame { code: CloseCode::Protocol, reason }
        });
        if !self.has_sent_close {
            let mut payload = Vec::new();
            if let Some(CloseFrame { code, reason }) = &frame {
                payload.extend_from_slice(&u16::from(*code).to_be_bytes());
                payload.extend_from_slice(reason.as_bytes());
            }
            self.put_close(&payload);
        }
        frame
    }

    fn put_close(&mut self, payload: &[u8]) {
        self.has_sent_close = true;
        self.writer.put(OpCode::Control(Control::Close), payload);
    }
}

#[cfg(test)]
mod tests;
