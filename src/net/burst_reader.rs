//! Few large reads from a connection whose data comes in bursts.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is read at once: a burst of small updates costs few system calls.
const BURST_SIZE: usize = 64 * 1024;

thread_local! {
    /// Into this all connections of a thread read.
    static SHARED: RefCell<Box<[u8]>> = RefCell::new(vec![0; BURST_SIZE].into_boxed_slice());
}

/// Reads as much as there is into a buffer that all connections of a thread share, and keeps only what its reader has no
/// room for.
///
/// So the reader's own buffer can be tiny, which matters with a thousand idle connections, and a stream of small updates
/// still costs few system calls.
#[derive(Debug)]
pub struct BurstReader<S> {
    inner: S,
    /// What was read and not handed on. Nothing is allocated while it is empty.
    unread: Bytes,
}

impl<S> BurstReader<S> {
    /// A reader of `inner`. Writes go through.
    pub const fn new(inner: S) -> Self {
        Self { inner, unread: Bytes::new() }
    }

    /// What was read and not handed on.
    pub fn unread(&self) -> &[u8] {
        &self.unread
    }

    fn hand_on(&mut self, out: &mut ReadBuf<'_>) {
        let len = out.remaining().min(self.unread.len());
        out.put_slice(&self.unread[..len]);
        self.unread.advance(len);
        if self.unread.is_empty() {
            self.unread = Bytes::new();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BurstReader<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.unread.is_empty() {
            let read = SHARED.with_borrow_mut(|shared| {
                let mut burst = ReadBuf::new(shared);
                ready!(Pin::new(&mut this.inner).poll_read(cx, &mut burst))?;
                let (now, later) =
                    burst.filled().split_at(burst.filled().len().min(out.remaining()));
                out.put_slice(now);
                this.unread = Bytes::copy_from_slice(later);
                Poll::Ready(Ok(()))
            });
            return read;
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
        assert_eq!(reader.inner.reads, 4 + 1, "four large, and one that finds nothing");
        assert!(reader.unread.is_empty());
    }

    #[test]
    fn what_fits_the_room_is_kept_nowhere_else() {
        let (mut reader, bytes) = reader(100);
        let mut room = [0; 100];
        let mut out = ReadBuf::new(&mut room);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut reader).poll_read(&mut cx, &mut out).is_ready());
        assert_eq!((out.filled(), reader.unread.len()), (bytes.as_slice(), 0));
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
