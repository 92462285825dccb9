//! The state directory: where it is, and making it.
#![expect(clippy::disallowed_methods, reason = "an adapter to the state directory")]

use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::configuration::Configuration;
use crate::environment;
use crate::error::Error;

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
}

impl StateDirError {
    /// How to fix it.
    pub fn hint(&self) -> &'static str {
        match self {
            StateDirError::NoHome => "pass --state-dir DIR",
            StateDirError::Make { .. } => "pass --state-dir DIR with a directory that you can write",
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

/// Makes the directory if it is missing, readable by this user only, and durably, so that a crash loses no state.
///
/// # Errors
/// The system refuses.
pub fn make(directory: &Path) -> Result<(), Error> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    let durable = made.and_then(|()| directory.ancestors().skip(1).try_for_each(sync));
    Ok(durable.map_err(|error| StateDirError::Make { path: directory.to_owned(), error })?)
}

/// Makes the names in a directory durable, if this user may and the file system can.
fn sync(directory: &Path) -> std::io::Result<()> {
    match std::fs::File::open(directory).and_then(|open| open.sync_all()) {
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::InvalidInput) => Ok(()),
        synced => synced,
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
