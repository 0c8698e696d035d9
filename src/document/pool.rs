//! The threads that apply remote updates. Their own pool: a giant update must not delay heartbeats (T 18).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use parking_lot::Mutex;

use super::shared::Shared;

/// Enough for the recursion of the deepest update that passes the scan (T 3); memory is only used when touched.
const STACK: usize = 32 * 1024 * 1024;
const MAX_THREADS: usize = 4;

enum Task {
    Slice(Arc<Shared>),
    Run(Box<dyn FnOnce() + Send>),
}

/// Queues one slice of a document's jobs.
pub(super) fn schedule(document: Arc<Shared>) {
    submit(Task::Slice(document));
}

/// Runs work that would be too heavy for the thread at hand.
pub fn run(work: impl FnOnce() + Send + 'static) {
    submit(Task::Run(Box::new(work)));
}

fn submit(task: Task) {
    static QUEUE: OnceLock<mpsc::Sender<Task>> = OnceLock::new();
    // The threads never end, so the channel never closes.
    QUEUE.get_or_init(start).send(task).ok();
}

fn start() -> mpsc::Sender<Task> {
    let (sender, receiver) = mpsc::channel::<Task>();
    let receiver = Arc::new(Mutex::new(receiver));
    let cores = thread::available_parallelism().map_or(2, usize::from);
    for index in 0..cores.clamp(2, MAX_THREADS) {
        let receiver = Arc::clone(&receiver);
        let work = move || {
            loop {
                let task = receiver.lock().recv();
                let Ok(task) = task else { return };
                // Whatever fails, the thread must live on: other documents need it.
                catch_unwind(AssertUnwindSafe(|| match task {
                    Task::Slice(document) => document.run_slice(),
                    Task::Run(work) => work(),
                }))
                .ok();
                // Where all cores are busy, the JS thread would wait for one until ours has used up its time, 3 to 4 ms.
                thread::yield_now();
            }
        };
        let spawned =
            thread::Builder::new().name(format!("yjs-doc-{index}")).stack_size(STACK).spawn(work);
        debug_assert!(spawned.is_ok(), "the pool needs its threads");
    }
    sender
}
