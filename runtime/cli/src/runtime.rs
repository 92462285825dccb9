//! The threads that commands run on.

use std::future::Future;
use std::time::Duration;

use anyhow::Context as _;

/// A thread that hangs in the kernel must not keep the program from exiting.
const LEAVE: Duration = Duration::from_secs(1);

/// Runs to completion on two threads, which is enough even on a small host.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(LEAVE);
    Ok(done)
}
