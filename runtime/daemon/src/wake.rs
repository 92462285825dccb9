//! Wakes an instance of a daemon that runs: a request is a file, and its end is the answer.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ansai_core::{Code, InstanceName, codes, exit};
use ansai_storage::{Access, Directory, StorageError};
use ansai_supervisor::{WAKE_DIRECTORY, WAKE_UNKNOWN, is_in_use};

use crate::error::Error;
use crate::state;

/// How long the daemon may take to start and to hear it. It looks every second.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nobody may have the state directory: a daemon that is reloaded lets go of it for a moment.
const RELOADING: Duration = Duration::from_millis(300);
/// Between two looks at the request.
const POLL: Duration = Duration::from_millis(20);

/// An instance was not woken.
#[derive(Debug, thiserror::Error)]
pub enum WakeError {
    /// No daemon heard the request.
    #[error("no ansai runs with the state directory {}", .0.display())]
    NotRunning(PathBuf),
    /// The daemon has no instance of this name.
    #[error("the running ansai has no instance `{0}`")]
    Unknown(InstanceName),
    /// The request cannot be made.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl WakeError {
    /// Its stable code.
    pub fn code(&self) -> Code {
        match self {
            WakeError::NotRunning(_) => codes::NOT_RUNNING,
            WakeError::Unknown(_) => codes::UNKNOWN_INSTANCE,
            WakeError::Storage(_) => codes::STATE_DIRECTORY,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> &'static str {
        match self {
            WakeError::NotRunning(_) => {
                "start it with `ansai run`, or name its state directory with --state-dir; \
                 `ansai run --once` evaluates every policy without a daemon"
            }
            WakeError::Unknown(_) => "the line `started` of `ansai audit show` lists the instances",
            WakeError::Storage(_) => "run this as the user that the daemon runs as",
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            WakeError::Unknown(_) => exit::USAGE,
            WakeError::NotRunning(_) | WakeError::Storage(_) => exit::OTHER,
        }
    }
}

/// Asks the daemon with this state directory to evaluate an instance now, and waits until it has heard that. Waits up to
/// 10 s for one that starts; where no ansai has the directory, refuses at once.
///
/// # Errors
/// No daemon runs with this directory, or none with this instance; or the request cannot be made.
pub fn wake(state_dir: &Path, instance: &InstanceName) -> Result<(), Error> {
    let not_running = || WakeError::NotRunning(state_dir.to_owned());
    let directory = state::existing(state_dir)?.ok_or_else(not_running)?;
    let failed = WakeError::Storage;
    let mut daemon = Wait::of(&directory);
    // A daemon makes this directory while it starts.
    let requests = loop {
        let is_held = daemon.is_held()?.ok_or_else(not_running)?;
        match directory.subdirectory(WAKE_DIRECTORY) {
            Err(error) if !error.is_not_found() => return Err(failed(error).into()),
            Ok(requests) if is_held => break requests,
            _ => std::thread::sleep(POLL),
        }
    };
    let (request, unknown) = (instance.as_str(), format!("{instance}{WAKE_UNKNOWN}"));
    // One that nobody waited for.
    requests.remove(&unknown).map_err(failed)?;
    requests.file(request, Access::AppendOrCreate).map_err(failed)?;
    loop {
        if requests.remove(&unknown).map_err(failed)? {
            return Err(WakeError::Unknown(instance.clone()).into());
        }
        match requests.metadata(request) {
            Err(error) if error.is_not_found() => {
                // It is gone, or renamed between these two looks.
                return match requests.remove(&unknown).map_err(failed)? {
                    true => Err(WakeError::Unknown(instance.clone()).into()),
                    false => Ok(()),
                };
            }
            Err(error) => return Err(failed(error).into()),
            Ok(_) => {}
        }
        if daemon.is_held()?.is_none() {
            // Whoever removes it first.
            return match requests.remove(request).map_err(failed)? {
                true => Err(not_running().into()),
                false => Ok(()),
            };
        }
        std::thread::sleep(POLL);
    }
}

/// How long a request waits for whoever has the state directory.
struct Wait<'a> {
    directory: &'a Directory,
    began: Instant,
    /// When somebody had the directory last.
    seen: Instant,
}

impl Wait<'_> {
    fn of(directory: &Directory) -> Wait<'_> {
        let now = Instant::now();
        Wait { directory, began: now, seen: now }
    }

    /// Whether somebody has the directory now; `None` if nobody will hear a request any more.
    fn is_held(&mut self) -> Result<Option<bool>, WakeError> {
        let is_held = is_in_use(self.directory)?;
        if is_held {
            self.seen = Instant::now();
        }
        let is_over = match is_held {
            true => self.began.elapsed() > PATIENCE,
            false => self.seen.elapsed() > RELOADING,
        };
        Ok((!is_over).then_some(is_held))
    }
}
