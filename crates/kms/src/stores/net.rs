//! Asking others over HTTP from code that waits.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

/// Runs what goes out. Made once and kept: whoever asks may be on any thread, and connections outlive the request that made them.
static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(1).thread_name("outbound").enable_all().build()
});

/// Waits for `work`; none if the system has no thread for it. Not to be called from asynchronous code.
pub fn wait<T>(work: impl Future<Output = T>) -> Option<T> {
    match &*RUNTIME {
        Ok(runtime) => Some(runtime.block_on(work)),
        Err(error) => {
            tracing::error!(%error, "nothing can go out");
            None
        }
    }
}
