//! What a driver task is told: a queue that takes no memory while it is empty.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// So many commands at most wait for [`Sender::wake`].
const MAX_QUIET: usize = 64;

/// Says things to a driver task. When the last one is dropped, the task hears the end of the queue.
pub(super) struct Sender<T>(WeakSender<T>);

/// As [`Sender`], but does not count.
pub(super) struct WeakSender<T>(Arc<Mutex<Queue<T>>>);

/// The task's end.
pub(super) struct Receiver<T> {
    queue: Arc<Mutex<Queue<T>>>,
    /// Taken from the queue at once, so that its lock is not touched for each.
    taken: VecDeque<T>,
}

struct Queue<T> {
    waiting: VecDeque<T>,
    senders: usize,
    is_closed: bool,
    /// Of the task, while it waits.
    waker: Option<Waker>,
}

/// A queue. A channel of tokio would do, but keeps room for 32 commands: much of what an idle provider takes.
pub(super) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let queue = Queue { waiting: VecDeque::new(), senders: 1, is_closed: false, waker: None };
    let queue = Arc::new(Mutex::new(queue));
    (Sender(WeakSender(Arc::clone(&queue))), Receiver { queue, taken: VecDeque::new() })
}

impl<T> Sender<T> {
    /// Returns whether there is still somebody who listens.
    pub(super) fn send(&self, command: T) -> bool {
        self.0.send(command)
    }

    /// As [`Self::send`], but a task that waits is woken only when there are many such commands, when something else is
    /// sent, or with [`Self::wake`].
    pub(super) fn send_quietly(&self, command: T) -> bool {
        self.0.push(command, |waiting| waiting >= MAX_QUIET)
    }

    /// Wakes a task that waits, if there is anything for it.
    pub(super) fn wake(&self) {
        let mut queue = self.0.0.lock();
        let waker = if queue.waiting.is_empty() { None } else { queue.waker.take() };
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn downgrade(&self) -> WeakSender<T> {
        WeakSender(Arc::clone(&self.0.0))
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.0, &other.0.0)
    }
}

impl<T> WeakSender<T> {
    /// Returns whether there is still somebody who listens, and somebody else who might speak.
    pub(super) fn send(&self, command: T) -> bool {
        self.push(command, |_| true)
    }

    fn push(&self, command: T, is_wake_due: impl FnOnce(usize) -> bool) -> bool {
        let mut queue = self.0.lock();
        if queue.is_closed || queue.senders == 0 {
            return false;
        }
        queue.waiting.push_back(command);
        let waker = if is_wake_due(queue.waiting.len()) { queue.waker.take() } else { None };
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.0.lock().senders += 1;
        Self(WeakSender(Arc::clone(&self.0.0)))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut queue = self.0.0.lock();
        queue.senders -= 1;
        let waker = if queue.senders == 0 { queue.waker.take() } else { None };
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Receiver<T> {
    /// The next command; `None` once all were taken and no [`Sender`] is left.
    pub(super) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.taken.is_empty() {
            let mut queue = self.queue.lock();
            self.taken = std::mem::take(&mut queue.waiting);
            if self.taken.is_empty() {
                if queue.senders == 0 {
                    return Poll::Ready(None);
                }
                match &mut queue.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                return Poll::Pending;
            }
        }
        Poll::Ready(self.taken.pop_front())
    }

    /// From now on nothing is taken. Returns what nobody has heard.
    pub(super) fn close(&mut self) -> impl Iterator<Item = T> {
        let mut queue = self.queue.lock();
        queue.is_closed = true;
        queue.waker = None;
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        std::mem::take(&mut self.taken).into_iter().chain(waiting)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // What is left is dropped here, outside of the lock.
        self.close().for_each(drop);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll(receiver: &mut Receiver<u32>, wakes: &Arc<Wakes>) -> Poll<Option<u32>> {
        receiver.poll_recv(&mut Context::from_waker(&Waker::from(Arc::clone(wakes))))
    }

    #[test]
    fn commands_come_in_order_and_wake_a_task_that_waits_once() {
        let wakes = Arc::default();
        let (sender, mut receiver) = channel();
        assert_eq!(poll(&mut receiver, &wakes), Poll::Pending);
        let other = sender.clone();
        for command in 0..100 {
            let sent = if command % 2 == 0 { sender.send(command) } else { other.send(command) };
            assert!(sent);
        }
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        for command in 0..100 {
            assert_eq!(poll(&mut receiver, &wakes), Poll::Ready(Some(command)));
        }
        assert_eq!(poll(&mut receiver, &wakes), Poll::Pending);
    }

    #[test]
    fn quiet_commands_wake_a_task_together() {
        let wakes = Arc::default();
        let woken = |wakes: &Arc<Wakes>| wakes.0.load(Ordering::Relaxed);
        let (sender, mut receiver) = channel();
        sender.wake();
        assert_eq!(poll(&mut receiver, &wakes), Poll::Pending);
        sender.wake();
        assert_eq!(woken(&wakes), 0, "for nothing");
        assert!(sender.send_quietly(1) && sender.send_quietly(2));
        assert_eq!(woken(&wakes), 0, "they wait");
        sender.wake();
        assert_eq!(woken(&wakes), 1);
        while poll(&mut receiver, &wakes).is_ready() {}
        assert!(sender.send_quietly(3) && sender.send(4));
        assert_eq!(woken(&wakes), 2, "with what is not quiet");
        assert_eq!(poll(&mut receiver, &wakes), Poll::Ready(Some(3)));
        while poll(&mut receiver, &wakes).is_ready() {}
        (0..MAX_QUIET as u32).for_each(|command| assert!(sender.send_quietly(command)));
        assert_eq!(woken(&wakes), 3, "too many to wait");
    }

    #[test]
    fn nothing_is_kept_for_commands_to_come() {
        let wakes = Arc::default();
        let (sender, mut receiver) = channel();
        (0..1000).for_each(|command| assert!(sender.send(command)));
        while poll(&mut receiver, &wakes).is_ready() {}
        assert_eq!(receiver.taken.capacity() + receiver.queue.lock().waiting.capacity(), 0);
    }

    #[test]
    fn the_end_comes_when_no_sender_is_left_that_counts() {
        let wakes = Arc::default();
        let (sender, mut receiver) = channel();
        let weak = sender.downgrade();
        assert!(weak.send(1));
        let other = sender.clone();
        drop(sender);
        assert_eq!(poll(&mut receiver, &wakes), Poll::Ready(Some(1)));
        assert_eq!(poll(&mut receiver, &wakes), Poll::Pending);
        drop(other);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert!(!weak.send(2));
        assert_eq!(poll(&mut receiver, &wakes), Poll::Ready(None));
    }

    #[test]
    fn a_closed_queue_takes_nothing_and_gives_back_what_is_left() {
        let wakes = Arc::default();
        let (sender, mut receiver) = channel();
        assert!(sender.send(1) && sender.send(2));
        assert_eq!(poll(&mut receiver, &wakes), Poll::Ready(Some(1)));
        assert!(sender.send(3));
        assert_eq!(receiver.close().collect::<Vec<_>>(), [2, 3]);
        assert!(!sender.send(4));
    }
}
