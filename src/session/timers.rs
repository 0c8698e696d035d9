//! Every deadline of a session in one ordered queue, so that 10,000 documents cost no scan.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::work::DocKey;

/// What a deadline is for. Setting a timer again moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// Dialling or joining takes too long.
    Connect,
    /// Time for the next attempt.
    Reconnect,
    /// The server's Engine.IO ping is overdue.
    Heartbeat,
    /// A full send window saw no ack.
    Window,
    /// The time to leave gracefully is over.
    Departure,
    /// A `flush` gives up.
    Flush(u64),
    /// A `when_synced` gives up.
    Sync(u64),
    /// One of a document's own deadlines.
    Document(DocKey, DocumentTimer),
}

/// A document's deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum DocumentTimer {
    /// No sign yet that the server listens: say everything again.
    Retransmit,
    /// A step 1 that was held back may go out.
    StepOne,
    /// The periodic step 1.
    Resync,
    /// Nobody answered our own step 1 that came back.
    Solo,
    /// An answer to a step 1 that was held back may go out.
    Answer,
    /// The server did not ask for our content in time: send it unasked.
    Difference,
    /// An emitted update has waited long enough for its ack.
    Ack,
    /// The server was busy: updates may go out again.
    Resume,
    /// An awareness state must be renewed or has expired.
    Awareness,
}

impl DocumentTimer {
    const ALL: [Self; 9] = [
        Self::Retransmit,
        Self::StepOne,
        Self::Resync,
        Self::Solo,
        Self::Answer,
        Self::Difference,
        Self::Ack,
        Self::Resume,
        Self::Awareness,
    ];
}

/// Room for so many is kept when none is set: thousands of documents ask at once when a connection begins.
const KEPT_CAPACITY: usize = 256;

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeSet<(Instant, Timer)>,
    deadlines: FxHashMap<Timer, Instant>,
}

impl Timers {
    /// Sets or moves a timer.
    pub(crate) fn set(&mut self, timer: Timer, at: Instant) {
        if let Some(before) = self.deadlines.insert(timer, at) {
            self.queue.remove(&(before, timer));
        }
        self.queue.insert((at, timer));
    }

    /// Sets a timer, or moves it forward; never back.
    pub(crate) fn set_earlier(&mut self, timer: Timer, at: Instant) {
        if self.deadlines.get(&timer).is_none_or(|&before| at < before) {
            self.set(timer, at);
        }
    }

    /// Brings a timer that is set forward by this much, but not before `now`.
    pub(crate) fn hasten(&mut self, timer: Timer, by: Duration, now: Instant) {
        if let Some(&at) = self.deadlines.get(&timer) {
            self.set(timer, at.checked_sub(by).map_or(now, |at| at.max(now)));
        }
    }

    /// Stops a timer; no harm if it is not set.
    pub(crate) fn stop(&mut self, timer: Timer) {
        if let Some(at) = self.forget(timer) {
            self.queue.remove(&(at, timer));
        }
    }

    /// Stops every timer of a document.
    pub(crate) fn stop_document(&mut self, key: DocKey) {
        for timer in DocumentTimer::ALL {
            self.stop(Timer::Document(key, timer));
        }
    }

    /// Whether the timer is running.
    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.deadlines.contains_key(&timer)
    }

    /// Takes the next timer that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let &(at, timer) = self.queue.first()?;
        if at > now {
            return None;
        }
        self.queue.pop_first();
        self.forget(timer);
        Some(timer)
    }

    /// When the next timer is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.queue.first().map(|&(at, _)| at)
    }

    /// Stops everything.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.deadlines.clear();
    }

    fn forget(&mut self, timer: Timer) -> Option<Instant> {
        let at = self.deadlines.remove(&timer);
        if self.deadlines.is_empty() && self.deadlines.capacity() > KEPT_CAPACITY {
            self.deadlines = FxHashMap::default();
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_timers_come_in_order_and_once() {
        let now = Instant::now();
        let mut timers = Timers::default();
        let solo = Timer::Document(DocKey(1), DocumentTimer::Solo);
        timers.set(Timer::Heartbeat, now + Duration::from_secs(3));
        timers.set(Timer::Reconnect, now + Duration::from_secs(1));
        timers.set(solo, now + Duration::from_secs(2));
        assert_eq!(timers.pop_due(now), None);
        let later = now + Duration::from_secs(3);
        let order: Vec<_> = std::iter::from_fn(|| timers.pop_due(later)).collect();
        assert_eq!(order, [Timer::Reconnect, solo, Timer::Heartbeat]);
        assert_eq!(timers.next_deadline(), None);
    }

    #[test]
    fn setting_again_moves_and_stopping_a_document_leaves_the_others() {
        let now = Instant::now();
        let mut timers = Timers::default();
        let (one, two) = (DocKey(1), DocKey(2));
        timers.set(Timer::Document(one, DocumentTimer::Ack), now);
        timers.set(Timer::Document(one, DocumentTimer::Ack), now + Duration::from_secs(9));
        assert_eq!(timers.pop_due(now), None, "the earlier deadline is gone");
        timers.set_earlier(Timer::Document(one, DocumentTimer::Ack), now + Duration::from_secs(10));
        assert_eq!(timers.next_deadline(), Some(now + Duration::from_secs(9)), "never moved back");
        timers.set(Timer::Document(two, DocumentTimer::Ack), now + Duration::from_secs(1));
        timers.stop_document(one);
        assert!(!timers.is_set(Timer::Document(one, DocumentTimer::Ack)));
        assert_eq!(timers.next_deadline(), Some(now + Duration::from_secs(1)));
    }

    #[test]
    fn room_for_many_is_given_up_once_none_is_set() {
        let now = Instant::now();
        let mut timers = Timers::default();
        for key in 0..10 * KEPT_CAPACITY as u64 {
            timers.set(Timer::Flush(key), now);
        }
        while timers.pop_due(now).is_some() {}
        assert!(timers.deadlines.capacity() <= KEPT_CAPACITY);
    }

    #[test]
    fn a_timer_is_brought_forward_but_not_into_the_past() {
        let now = Instant::now();
        let mut timers = Timers::default();
        timers.hasten(Timer::Heartbeat, Duration::from_secs(1), now);
        assert_eq!(timers.next_deadline(), None, "nothing is set by it");
        timers.set(Timer::Heartbeat, now + Duration::from_secs(9));
        timers.hasten(Timer::Heartbeat, Duration::from_secs(4), now);
        assert_eq!(timers.next_deadline(), Some(now + Duration::from_secs(5)));
        for by in [Duration::from_secs(6), Duration::MAX] {
            timers.hasten(Timer::Heartbeat, by, now);
            assert_eq!(timers.next_deadline(), Some(now));
        }
    }
}
