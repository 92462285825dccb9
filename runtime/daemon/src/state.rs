//! The state directory: where it is, and opening it.
#![expect(clippy::disallowed_methods, reason = "an adapter to the state directory")]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ansai_storage::{Directory, Links, Problem, TrustError};

use crate::configuration::Configuration;
use crate::environment;
use crate::error::Error;
use crate::in_time::in_time;

/// The state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// No directory is given and there is no home directory.
    #[error("no state directory: HOME is not set")]
    NoHome,
    /// It cannot be made, or its path cannot be resolved.
    #[error("state directory {}: {error}", path.display())]
    Make {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Another user can change it, a directory above it or something in it; or one of them is a link.
    #[error("{}, so another user may change the state of ansai", .0.0)]
    Untrusted(Problem),
}

impl StateDirError {
    /// How to fix it.
    pub fn hint(&self) -> String {
        match self {
            StateDirError::NoHome => "pass --state-dir DIR".to_owned(),
            StateDirError::Make { error, .. } if error.kind() == ErrorKind::TimedOut => {
                "restore the mount that it is on, or pass --state-dir DIR with a directory of a local disk".to_owned()
            }
            StateDirError::Make { .. } => "pass --state-dir DIR with a directory that you can write".to_owned(),
            StateDirError::Untrusted((_, fix)) => fix.clone(),
        }
    }
}

/// The state directory: `asked`, else that of the configuration, else `/var/lib/ansai` for root, else
/// `~/.local/state/ansai`.
///
/// # Errors
/// None of them is known.
pub fn directory(asked: Option<&Path>, configuration: Option<&Configuration>) -> Result<PathBuf, Error> {
    if let Some(asked) = asked {
        let absolute = environment::absolute(asked);
        return Ok(absolute.map_err(|error| StateDirError::Make { path: asked.to_owned(), error })?);
    }
    if let Some(configured) = configuration.and_then(|c| c.config.daemon.state_dir.clone()) {
        return Ok(configured);
    }
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/ansai"));
    }
    let base = environment::absolute_path("XDG_STATE_HOME");
    let base = base.or_else(|| Some(environment::absolute_path("HOME")?.join(".local/state")));
    Ok(base.ok_or(StateDirError::NoHome)?.join("ansai"))
}

/// Opens the directory. A missing one is created, readable by this user only, and durably, so that a crash loses no
/// state. ansai acts on what it finds in the directory, so everything in it is checked as well.
///
/// # Errors
/// Another user can change it, a directory above it or something in it; one of them is a link; or the system refuses.
pub fn open(directory: &Path) -> Result<Directory, Error> {
    let path = directory.to_owned();
    answering(directory, move || opened(&path, Directory::create_trusted(&path, Links::Refused)))?
}

/// The same, if it exists.
///
/// # Errors
/// As [`open`].
pub fn existing(directory: &Path) -> Result<Option<Directory>, Error> {
    let path = directory.to_owned();
    answering(directory, move || existing_now(&path))?
}

fn existing_now(directory: &Path) -> Result<Option<Directory>, Error> {
    match Directory::open_trusted(directory, Links::Refused) {
        Err(TrustError::Access(error))
            if matches!(error.cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        found => opened(directory, found).map(Some),
    }
}

/// Work on the directory, unless its file system does not answer: then nothing can run.
fn answering<T: Send + 'static>(directory: &Path, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    in_time(work).map_err(|error| StateDirError::Make { path: directory.to_owned(), error }.into())
}

fn opened(path: &Path, found: Result<Directory, TrustError>) -> Result<Directory, Error> {
    let directory = found.map_err(|error| match error {
        TrustError::Untrusted(problem) => StateDirError::Untrusted(problem),
        TrustError::Access(error) => StateDirError::Make { path: path.to_owned(), error: error.cause },
    })?;
    match directory.examine() {
        Ok(None) => Ok(directory),
        Ok(Some(problem)) => Err(StateDirError::Untrusted(problem).into()),
        Err(error) => Err(StateDirError::Make { path: error.path, error: error.cause }.into()),
    }
}

/// Refuses a directory that another user can change, for commands that read it by its path: then nobody can exchange it
/// meanwhile. What does not exist or cannot be read is for the reader to tell.
///
/// # Errors
/// As [`open`], apart from errors of the system.
pub fn check(directory: &Path) -> Result<(), Error> {
    match existing(directory) {
        Err(error @ Error::StateDir(StateDirError::Untrusted(_))) => Err(error),
        Err(Error::StateDir(StateDirError::Make { path, error })) if error.kind() == ErrorKind::TimedOut => {
            Err(StateDirError::Make { path, error }.into())
        }
        _ => Ok(()),
    }
}

/// Whether the directory exists and can be seen.
pub fn exists(directory: &Path) -> bool {
    std::fs::metadata(directory).is_ok_and(|found| found.is_dir())
}

/// The directory without symbolic links; `None` if that is unknown.
pub(crate) fn real(directory: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(directory).ok()
}
