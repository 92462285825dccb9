//! Work on a path that ends. On a mount whose server is dead, the kernel may keep a call waiting for ever, and nothing would
//! run and nothing would be said.

use std::io::{Error, ErrorKind};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Does the work on a thread of its own, which is left behind if the file system does not answer.
///
/// # Errors
/// `timed-out`, or no thread can be started.
pub(crate) fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    begin(work)?.recv_timeout(PATIENCE).map_err(|_| silent())
}

/// Work that is done again and again on the same path. While an earlier try still waits for its file system, a new one fails
/// at once: each would leave a thread behind.
#[derive(Debug)]
pub(crate) struct InTime<T> {
    left_behind: Mutex<Option<Receiver<T>>>,
    patience: Duration,
}

impl<T: Send + 'static> InTime<T> {
    pub(crate) fn new() -> InTime<T> {
        InTime { left_behind: Mutex::new(None), patience: PATIENCE }
    }

    /// As [`in_time`].
    ///
    /// # Errors
    /// `timed-out`, also if an earlier try has not ended; or no thread can be started.
    pub(crate) fn run(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let mut left_behind = self.left_behind.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = &*left_behind
            && matches!(earlier.try_recv(), Err(TryRecvError::Empty))
        {
            return Err(silent());
        }
        *left_behind = None;
        let result = begin(work)?;
        match result.recv_timeout(self.patience) {
            Ok(done) => Ok(done),
            Err(_) => {
                *left_behind = Some(result);
                Err(silent())
            }
        }
    }
}

fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<Receiver<T>, Error> {
    let (send, result) = sync_channel(1);
    std::thread::Builder::new().name("ansai-path".into()).spawn(move || send.send(work()))?;
    Ok(result)
}

fn silent() -> Error {
    Error::new(ErrorKind::TimedOut, "its file system does not answer")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Would break: a thread for each question to a file system that does not answer, or no answer when it does again.
    #[test]
    fn one_thread_is_left_behind_until_its_file_system_answers() {
        let asking = InTime { left_behind: Mutex::new(None), patience: Duration::ZERO };
        let (answer, hanging) = sync_channel::<()>(0);
        assert_eq!(asking.run(move || hanging.recv().is_ok()).unwrap_err().kind(), ErrorKind::TimedOut);
        for _ in 0..3 {
            assert_eq!(asking.run(|| true).unwrap_err().kind(), ErrorKind::TimedOut, "another one waits");
        }
        answer.send(()).unwrap();
        let asking = InTime { patience: PATIENCE, ..asking };
        while asking.run(|| true).ok() != Some(true) {
            std::thread::yield_now();
        }
    }
}
