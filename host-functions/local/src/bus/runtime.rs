//! The thread that the connection lives on.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};

use super::{BusError, locked};

/// Beyond the limit of a call, for handing over its answer on a busy machine.
const GRACE: Duration = Duration::from_secs(1);

/// Runs something on the thread, and waits for it on this one.
///
/// # Errors
/// The thread cannot be started. What takes longer than the limit is [`BusError::TimedOut`] and is dropped.
pub(super) fn wait<T, F>(limit: Duration, work: F) -> Result<Result<T, BusError>, BusError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, BusError>> + Send + 'static,
{
    let (sender, receiver) = sync_channel(1);
    let task = handle()?.spawn(async move {
        let answer = tokio::time::timeout(limit, work).await.unwrap_or(Err(BusError::TimedOut));
        // Nobody waits any more.
        let _ = sender.send(answer);
    });
    match receiver.recv_timeout(limit.saturating_add(GRACE)) {
        Ok(answer) => Ok(answer),
        Err(RecvTimeoutError::Timeout) => {
            task.abort();
            Ok(Err(BusError::TimedOut))
        }
        // It panicked.
        Err(RecvTimeoutError::Disconnected) => Ok(Err(BusError::Invalid("a message that cannot be handled".into()))),
    }
}

/// The runtime, which starts with the first call and lives as long as the process.
fn handle() -> Result<Handle, BusError> {
    static HANDLE: OnceLock<Handle> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = locked(&STARTING);
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| BusError::closed(&error))?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("ansai-dbus".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .map_err(|error| BusError::closed(&error))?;
    Ok(HANDLE.get_or_init(|| handle).clone())
}
