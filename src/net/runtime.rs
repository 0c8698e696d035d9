//! The one tokio runtime of the process.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{ErrorCode, ProviderError};

/// Enough for sockets: document work has a pool of its own.
const WORKER_THREADS: usize = 2;

/// Name lookups run here; a resolver that hangs must not make a thread per provider.
const MAX_BLOCKING_THREADS: usize = 16;

/// The runtime that every driver task runs on, started at the first call.
///
/// It is not napi's: that one stops with the last environment only, and a large job on it would delay heartbeats.
pub(super) fn handle() -> Result<Handle, ProviderError> {
    static RUNTIME: OnceLock<Result<Runtime, ProviderError>> = OnceLock::new();

    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(WORKER_THREADS)
            .max_blocking_threads(MAX_BLOCKING_THREADS)
            .thread_name("yjs-net")
            .enable_io()
            .enable_time()
            .build()
            .map_err(|e| {
                ProviderError::new(
                    ErrorCode::Internal,
                    format!("can't start the network threads: {e}"),
                )
            })
    });
    runtime.as_ref().map(|runtime| runtime.handle().clone()).map_err(Clone::clone)
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_tasks_on_threads_named_for_the_network() {
        let runtime = super::handle().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        runtime.spawn(async move { sender.send(std::thread::current().name().map(str::to_owned)) });
        assert_eq!(receiver.recv().unwrap().as_deref(), Some("yjs-net"));
    }
}
