//! Few large reads from a connection whose data comes in bursts.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is read at once during a burst.
const BURST_SIZE: usize = 64 * 1024;

/// Reads through to the connection, until a read fills all the room that the reader has. Then more is waiting, and it is
/// fetched in large pieces until nothing is left.
///
/// So the reader's own buffer can stay small, which matters with a thousand idle connections, and a stream of small updates
/// still costs few system calls.
#[derive(Debug)]
pub struct BurstReader<S> {
    inner: S,
    is_burst: bool,
    /// Of the burst, what was not handed on yet is `buffer[start..end]`. There is no buffer between bursts.
    buffer: Option<Box<[u8]>>,
    start: usize,
    end: usize,
}

impl<S> BurstReader<S> {
    /// A reader of `inner`. Writes go through.
    pub const fn new(inner: S) -> Self {
        Self { inner, is_burst: false, buffer: None, start: 0, end: 0 }
    }

    fn hand_on(&mut self, out: &mut ReadBuf<'_>) {
        let Some(buffer) = &self.buffer else { return };
        let len = out.remaining().min(self.end - self.start);
        out.put_slice(&buffer[self.start..self.start + len]);
        self.start += len;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BurstReader<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.start == this.end {
            if !this.is_burst {
                ready!(Pin::new(&mut this.inner).poll_read(cx, out))?;
                this.is_burst = out.remaining() == 0;
                return Poll::Ready(Ok(()));
            }
            let buffer = this.buffer.get_or_insert_with(|| vec![0; BURST_SIZE].into_boxed_slice());
            let mut burst = ReadBuf::new(buffer);
            let result = Pin::new(&mut this.inner).poll_read(cx, &mut burst);
            (this.start, this.end) = (0, burst.filled().len());
            if !matches!(result, Poll::Ready(Ok(()))) {
                this.is_burst = false;
                this.buffer = None;
                return result;
            }
        }
        this.hand_on(out);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BurstReader<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Has `waiting`, and then nothing more for now.
    struct Source {
        waiting: Vec<u8>,
        reads: usize,
    }

    impl AsyncRead for Source {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            out: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.reads += 1;
            if self.waiting.is_empty() {
                return Poll::Pending;
            }
            let len = out.remaining().min(self.waiting.len());
            out.put_slice(&self.waiting.drain(..len).collect::<Vec<_>>());
            Poll::Ready(Ok(()))
        }
    }

    /// What there is, read `size` bytes at a time.
    fn read_all(reader: &mut BurstReader<Source>, size: usize) -> Vec<u8> {
        let mut all = Vec::new();
        let mut room = vec![0; size];
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            let mut out = ReadBuf::new(&mut room);
            match Pin::new(&mut *reader).poll_read(&mut cx, &mut out) {
                Poll::Ready(result) => result.unwrap(),
                Poll::Pending => return all,
            }
            all.extend_from_slice(out.filled());
        }
    }

    fn reader(len: usize) -> (BurstReader<Source>, Vec<u8>) {
        let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
        (BurstReader::new(Source { waiting: bytes.clone(), reads: 0 }), bytes)
    }

    #[test]
    fn a_burst_takes_few_reads_and_leaves_no_buffer_behind() {
        let (mut reader, bytes) = reader(200_000);
        assert_eq!(read_all(&mut reader, 4096), bytes);
        assert_eq!(
            reader.inner.reads,
            1 + 3 + 1,
            "one small, three large, and one that finds nothing"
        );
        assert!(reader.buffer.is_none());
    }

    #[test]
    fn what_fits_the_room_is_read_without_a_buffer() {
        let (mut reader, bytes) = reader(100);
        assert_eq!(read_all(&mut reader, 4096), bytes);
        assert!(!reader.is_burst);
        assert_eq!(reader.inner.reads, 2);
    }

    #[test]
    fn bursts_may_follow_on_each_other() {
        let (mut reader, bytes) = reader(10_000);
        for _ in 0..3 {
            reader.inner.waiting.clone_from(&bytes);
            assert_eq!(read_all(&mut reader, 1000), bytes);
        }
    }

    #[tokio::test]
    async fn the_end_of_a_burst_may_be_the_end_of_all() {
        let bytes = vec![7; 10_000];
        let mut reader = BurstReader::new(bytes.as_slice());
        let mut room = [0; 1000];
        let mut count = 0;
        loop {
            match tokio::io::AsyncReadExt::read(&mut reader, &mut room).await.unwrap() {
                0 => break,
                read => count += read,
            }
        }
        assert_eq!(count, bytes.len());
    }
}
