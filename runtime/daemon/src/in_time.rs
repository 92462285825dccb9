//! Work on a path that ends. On a mount whose server is dead, the kernel may keep a call waiting for ever, and nothing would
//! run and nothing would be said.

use std::io::{Error, ErrorKind};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Does the work on a thread of its own, which is left behind if the file system does not answer.
///
/// # Errors
/// `timed-out`, or no thread can be started.
pub(crate) fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let (send, result) = sync_channel(1);
    std::thread::Builder::new().name("ansai-path".into()).spawn(move || send.send(work()))?;
    result.recv_timeout(PATIENCE).map_err(|_| Error::new(ErrorKind::TimedOut, "its file system does not answer"))
}
