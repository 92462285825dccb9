//! The thread that waits for sockets of all servers.
//!
//! A call polls on the thread of its caller ([`tokio::runtime::Handle::block_on`]), so what a server makes ansai compute, such
//! as a login, holds up nobody else. Only the input and output of open connections is done here.

use std::sync::{Mutex, OnceLock, PoisonError};

use ansai_core::Refusal;
use tokio::runtime::{Builder, Handle};

/// The runtime, which starts with the first call and lives as long as the process.
///
/// # Errors
/// `unavailable` if the thread cannot be started.
pub(crate) fn handle() -> Result<Handle, Refusal> {
    static HANDLE: OnceLock<Handle> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let failed = |error: std::io::Error| Refusal::Unavailable(format!("no thread for connections: {error}"));
    // Names of hosts are resolved on threads of their own, which may hang.
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(16).build().map_err(failed)?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("ansai-reach".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .map_err(failed)?;
    Ok(HANDLE.get_or_init(|| handle).clone())
}
