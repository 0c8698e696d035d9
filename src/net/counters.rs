//! What can be seen of a driver task from outside. Nothing is decided by it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What a driver task has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Documents with edits that are not in the log.
    pub unsynced_documents: usize,
    /// Bytes of edits that wait to be sent or to be confirmed.
    pub waiting_bytes: usize,
    /// Times that the Socket.IO namespace was joined.
    pub connections: u64,
    /// WebSocket messages handed to the socket, heartbeats included, and the bytes in them.
    pub sent: Traffic,
    /// WebSocket messages that came, heartbeats included, and the bytes in them.
    pub received: Traffic,
}

/// WebSocket messages of one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many.
    pub messages: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
}

/// Counters of one driver task, shared with its handles.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Commands with edits that the task has not handled.
    queued_edits: AtomicUsize,
    /// Documents with edits that are not in the log, as the session sees it.
    unsynced_documents: AtomicUsize,
    waiting_bytes: AtomicUsize,
    connections: AtomicU64,
    sent: TrafficCounter,
    received: TrafficCounter,
}

#[derive(Debug, Default)]
struct TrafficCounter {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    /// A command with edits is about to be sent.
    pub(super) fn begin_edits(&self) {
        self.queued_edits.fetch_add(1, Ordering::Relaxed);
    }

    /// It was handled, after [`Self::set_unsynced_documents`]; or it could not be sent.
    pub(super) fn end_edits(&self) {
        self.queued_edits.fetch_sub(1, Ordering::Release);
    }

    pub(super) fn set_unsynced_documents(&self, count: usize) {
        self.unsynced_documents.store(count, Ordering::Release);
    }

    pub(super) fn set_waiting_bytes(&self, bytes: usize) {
        self.waiting_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn note_connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_sent(&self, bytes: usize) {
        self.sent.add(bytes);
    }

    pub(super) fn note_received(&self, bytes: usize) {
        self.received.add(bytes);
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            unsynced_documents: self.unsynced_documents.load(Ordering::Acquire),
            waiting_bytes: self.waiting_bytes.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed),
            sent: self.sent.read(),
            received: self.received.read(),
        }
    }

    /// Whether there are edits that are not in the log. An edit is seen from the moment it was sent.
    pub(super) fn has_unsynced_changes(&self) -> bool {
        // In this order: what is no longer queued has been counted.
        self.queued_edits.load(Ordering::Acquire) > 0
            || self.unsynced_documents.load(Ordering::Acquire) > 0
    }
}

impl TrafficCounter {
    /// Called by one task only, for every message: the others can't lose an addition, so it need not lock the bus.
    fn add(&self, bytes: usize) {
        let Traffic { messages, bytes: before } = self.read();
        self.messages.store(messages + 1, Ordering::Relaxed);
        self.bytes.store(before + bytes as u64, Ordering::Relaxed);
    }

    fn read(&self) -> Traffic {
        Traffic {
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_unsynced_from_the_moment_they_are_sent_until_the_log_has_them() {
        let counters = Counters::default();
        assert!(!counters.has_unsynced_changes());
        counters.begin_edits();
        assert!(counters.has_unsynced_changes(), "queued");
        counters.set_unsynced_documents(1);
        counters.end_edits();
        assert!(counters.has_unsynced_changes(), "in the outbox");
        counters.set_unsynced_documents(0);
        assert!(!counters.has_unsynced_changes());
    }
}
