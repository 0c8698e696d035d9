//! How many messages may wait for an ack at a time.

use std::time::Duration;

/// Servers refuse a socket that has a few hundred unanswered messages (`busy`); staying below also lets edits merge.
const MAX_MESSAGES: usize = 128;

/// Bytes that may wait for acks; one larger message may go out alone.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// A full window without any ack for this long is opened again.
pub(crate) const STALL: Duration = Duration::from_millis(500);

/// Messages of the connection that ask for an ack and have none yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Window {
    messages: usize,
    bytes: usize,
    has_ack: bool,
    is_unlimited: bool,
}

impl Window {
    /// Whether no message that asks for an ack may go out now.
    pub(crate) fn is_full(&self) -> bool {
        !self.is_unlimited && (self.messages >= MAX_MESSAGES || self.bytes >= MAX_BYTES)
    }

    /// Whether anything was confirmed on this connection.
    pub(crate) fn has_ack(&self) -> bool {
        self.has_ack
    }

    /// A message went out.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes;
    }

    /// Its ack came.
    pub(crate) fn remove(&mut self, bytes: usize) {
        self.has_ack = true;
        self.give_up(bytes);
    }

    /// Nobody waits for its ack any more.
    pub(crate) fn give_up(&mut self, bytes: usize) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// No ack came for [`STALL`]. A server that never acked on this connection is taken for one that can't; one that
    /// did may have dropped some, which don't count any more.
    pub(crate) fn write_off(&mut self) {
        self.is_unlimited = !self.has_ack;
        self.messages = 0;
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_full_at_the_limits_and_opens_with_acks() {
        let mut window = Window::default();
        for _ in 0..MAX_MESSAGES {
            assert!(!window.is_full());
            window.add(1);
        }
        assert!(window.is_full());
        window.remove(1);
        assert!(!window.is_full());
        window.add(MAX_BYTES);
        assert!(window.is_full());
    }

    #[test]
    fn never_limits_a_server_that_does_not_ack() {
        let mut window = Window::default();
        (0..MAX_MESSAGES).for_each(|_| window.add(1));
        window.write_off();
        (0..10 * MAX_MESSAGES).for_each(|_| window.add(1));
        assert!(!window.is_full());
    }

    #[test]
    fn keeps_limiting_a_server_that_acked_once() {
        let mut window = Window::default();
        window.add(1);
        window.remove(1);
        (0..MAX_MESSAGES).for_each(|_| window.add(1));
        window.write_off();
        assert!(!window.is_full());
        (0..MAX_MESSAGES).for_each(|_| window.add(1));
        assert!(window.is_full());
    }
}
