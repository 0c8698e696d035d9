//! Who may touch a document now: the JS thread for the rest of its tick, or the pool for one slice.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Jobs that waited this long behind a busy JS thread are done by it, one slice per tick.
const STARVED: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Nobody,
    Js,
    Pool,
}

#[derive(Debug)]
struct State {
    holder: Holder,
    /// Whether JS gets the baton when the pool gives it back.
    is_js_waiting: bool,
    /// Whether the document sits in the pool's queue or in a slice.
    is_scheduled: bool,
    /// Whether a remote transaction waits for its listeners. The pool must not take another slice until then.
    has_undispatched: bool,
    /// Since when jobs wait because JS holds the baton.
    denied_since: Option<Instant>,
}

/// The right to touch one document.
///
/// - Nobody + JS touches the document -> Js, until [`Baton::release_js`]
/// - Nobody + the pool starts a slice -> Pool, until [`Baton::release_pool`]
/// - Pool + JS touches the document -> JS waits for the end of that one slice, and is given the baton then: before it
///   wakes up, the pool would have taken it again and again
/// - Js + the pool starts a slice -> the pool goes away and is called again by `release_js`
///
/// Who gives it back looks for jobs under the same lock: a job that is queued before is seen there, one that is queued
/// after finds the baton free. Looking first would lose a job in between for good.
#[derive(Debug)]
pub(super) struct Baton {
    state: Mutex<State>,
    freed: Condvar,
}

impl Baton {
    pub(super) fn new() -> Self {
        let state = State {
            holder: Holder::Nobody,
            is_js_waiting: false,
            is_scheduled: false,
            has_undispatched: false,
            denied_since: None,
        };
        Self { state: Mutex::new(state), freed: Condvar::new() }
    }

    /// Takes the baton for the JS thread; waits for one running slice. Returns whether jobs have starved so long that
    /// the JS thread should do a slice itself.
    pub(super) fn acquire_js(&self) -> bool {
        let mut state = self.state.lock();
        debug_assert_ne!(state.holder, Holder::Js, "one JS thread owns a document");
        if state.holder == Holder::Pool {
            state.is_js_waiting = true;
            while state.is_js_waiting {
                self.freed.wait(&mut state);
            }
        }
        state.holder = Holder::Js;
        state.denied_since.is_some_and(|since| since.elapsed() >= STARVED)
            && !state.has_undispatched
    }

    /// Gives the baton back at the end of a tick. Returns whether the pool must be told that jobs wait.
    pub(super) fn release_js(&self, has_jobs: impl FnOnce() -> bool) -> bool {
        let mut state = self.state.lock();
        state.holder = Holder::Nobody;
        let has_jobs = has_jobs();
        if !has_jobs {
            state.denied_since = None;
        }
        state.schedule_if(has_jobs)
    }

    /// Takes the baton for a slice, unless JS holds it or listeners are behind.
    pub(super) fn acquire_pool(&self) -> bool {
        let mut state = self.state.lock();
        if state.holder != Holder::Nobody || state.has_undispatched {
            state.is_scheduled = false;
            // The JS thread may have come between a job and the pool tick after tick.
            if state.holder == Holder::Js && state.denied_since.is_none() {
                state.denied_since = Some(Instant::now());
            }
            return false;
        }
        state.holder = Holder::Pool;
        state.denied_since = None;
        true
    }

    /// Ends a slice. Returns whether the pool should queue the document again.
    pub(super) fn release_pool(
        &self,
        has_jobs: impl FnOnce() -> bool,
        has_undispatched: bool,
    ) -> bool {
        let mut state = self.state.lock();
        state.has_undispatched = has_undispatched;
        state.is_scheduled = false;
        let has_jobs = has_jobs();
        if std::mem::take(&mut state.is_js_waiting) {
            state.holder = Holder::Js;
            state.denied_since = has_jobs.then(Instant::now);
            drop(state);
            self.freed.notify_one();
            return false;
        }
        state.holder = Holder::Nobody;
        state.schedule_if(has_jobs)
    }

    /// A slice was done by the JS thread, which goes on holding the baton.
    pub(super) fn slice_done_by_js(&self, has_undispatched: bool) {
        let mut state = self.state.lock();
        state.denied_since = None;
        state.has_undispatched = has_undispatched;
    }

    /// A job was queued. Returns whether the pool must be told.
    pub(super) fn job_queued(&self) -> bool {
        let mut state = self.state.lock();
        if state.holder == Holder::Js && state.denied_since.is_none() {
            state.denied_since = Some(Instant::now());
        }
        state.schedule_if(true)
    }

    /// The listeners have seen the remote transaction. Returns whether the pool must be told that jobs wait.
    pub(super) fn dispatched(&self, has_jobs: impl FnOnce() -> bool) -> bool {
        let mut state = self.state.lock();
        state.has_undispatched = false;
        state.schedule_if(has_jobs())
    }
}

impl State {
    fn schedule_if(&mut self, has_jobs: bool) -> bool {
        let schedule = has_jobs
            && !self.is_scheduled
            && self.holder == Holder::Nobody
            && !self.has_undispatched;
        self.is_scheduled |= schedule;
        schedule
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_is_told_once_and_only_while_the_baton_is_free() {
        let baton = Baton::new();
        assert!(baton.job_queued(), "free: scheduled");
        assert!(!baton.job_queued(), "already scheduled");
        assert!(baton.acquire_pool());
        assert!(!baton.job_queued(), "in a slice");
        assert!(baton.release_pool(|| true, false), "jobs left");
        assert!(baton.acquire_pool());
        assert!(!baton.release_pool(|| false, false));
    }

    #[test]
    fn the_pool_goes_away_while_js_holds_the_baton_and_is_called_back() {
        let baton = Baton::new();
        assert!(baton.job_queued());
        baton.acquire_js();
        assert!(!baton.acquire_pool());
        assert!(!baton.job_queued());
        assert!(baton.release_js(|| true), "called back at the end of the tick");
    }

    #[test]
    fn js_waits_for_one_slice_however_many_there_are_to_do() {
        let baton = Baton::new();
        assert!(baton.job_queued());
        assert!(baton.acquire_pool());
        std::thread::scope(|scope| {
            let js = scope.spawn(|| baton.acquire_js());
            while !baton.state.lock().is_js_waiting {
                std::thread::yield_now();
            }
            assert!(!baton.release_pool(|| true, false), "JS comes first");
            assert!(!baton.acquire_pool(), "also before it has woken up");
            assert!(!js.join().unwrap(), "nothing has starved");
        });
        assert!(baton.release_js(|| true), "the jobs are not forgotten");
    }

    #[test]
    fn no_further_slice_runs_before_listeners_have_seen_the_last_one() {
        let baton = Baton::new();
        assert!(baton.job_queued());
        assert!(baton.acquire_pool());
        assert!(!baton.release_pool(|| true, true), "undispatched: not rescheduled");
        assert!(!baton.job_queued());
        baton.acquire_js();
        assert!(!baton.dispatched(|| true), "JS still holds it");
        assert!(baton.release_js(|| true));
    }

    #[test]
    fn a_pool_that_always_comes_too_late_starves_too() {
        let baton = Baton::new();
        assert!(baton.job_queued(), "queued while the baton was free");
        baton.acquire_js();
        assert!(!baton.acquire_pool(), "but JS was faster");
        assert!(baton.release_js(|| true));
        assert!(
            baton.state.lock().denied_since.is_some(),
            "and the clock runs until a slice was done"
        );
        assert!(baton.acquire_pool());
        assert!(baton.state.lock().denied_since.is_none());
    }
}
