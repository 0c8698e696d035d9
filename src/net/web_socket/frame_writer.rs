//! From messages to bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, OpCode};

/// Frames are collected up to this size before they are written. The session merges what waits behind it.
const FULL: usize = 64 * 1024;

/// Longest header of a frame.
const MAX_HEADER: usize = 14;

/// Frames that wait for the connection.
#[derive(Debug, Default)]
pub(super) struct FrameWriter {
    /// Nothing is allocated while nothing waits.
    waiting: Vec<u8>,
    /// So much of it is written.
    written: usize,
    /// The answer to the last ping. It takes the place of one before it that did not go out.
    pong: Option<Bytes>,
    is_flush_due: bool,
}

impl FrameWriter {
    /// Adds a message of one frame.
    pub(super) fn put(&mut self, opcode: OpCode, payload: &[u8]) {
        // Unpredictable, because a proxy must not be made to take a payload for something else.
        let mask: [u8; 4] = rand::random();
        let header = FrameHeader { opcode, mask: Some(mask), ..FrameHeader::default() };
        self.waiting.reserve(MAX_HEADER + payload.len());
        let Ok(()) = header.format(payload.len() as u64, &mut self.waiting) else {
            unreachable!("a vector takes what is written to it")
        };
        let start = self.waiting.len();
        self.waiting.extend_from_slice(payload);
        apply_mask(&mut self.waiting[start..], mask);
    }

    /// Answers a ping.
    pub(super) fn set_pong(&mut self, payload: Bytes) {
        self.pong = Some(payload);
    }

    /// Ready when there is room for more.
    pub(super) fn poll_ready<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.waiting.len() < FULL { Poll::Ready(Ok(())) } else { self.poll_write(stream, cx) }
    }

    /// Ready when nothing waits any more.
    pub(super) fn poll_flush<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(payload) = self.pong.take() {
            self.put(OpCode::Control(Control::Pong), &payload);
        }
        ready!(self.poll_write(stream, cx))?;
        if self.is_flush_due {
            ready!(Pin::new(stream).poll_flush(cx))?;
            self.is_flush_due = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Room that is taken.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.waiting.capacity()
    }

    fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.written < self.waiting.len() {
            let rest = &self.waiting[self.written..];
            let count = ready!(Pin::new(&mut *stream).poll_write(cx, rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            self.written += count;
            self.is_flush_due = true;
        }
        self.waiting = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let mut words = payload.chunks_exact_mut(4);
    for word in &mut words {
        for (byte, mask) in word.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(mask) {
        *byte ^= mask;
    }
}
