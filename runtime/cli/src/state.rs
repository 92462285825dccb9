//! Where state lives.
#![expect(clippy::disallowed_methods, reason = "an adapter to the state directory")]

use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use ansai_core::codes;
use anyhow::Context as _;

use crate::configuration::Configuration;
use crate::environment;
use crate::exit::Fault;

/// The directory of this run: what was asked for, then the configuration's, then the user's own.
pub(crate) fn directory(asked: Option<&Path>, configuration: Option<&Configuration>) -> anyhow::Result<PathBuf> {
    if let Some(asked) = asked {
        return environment::absolute(asked).with_context(|| asked.display().to_string());
    }
    if let Some(configured) = configuration.and_then(|c| c.config.daemon.state_dir.clone()) {
        return Ok(configured);
    }
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/ansai"));
    }
    let base = environment::path("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let base = base.or_else(|| Some(environment::path("HOME")?.join(".local/state")));
    match base {
        Some(base) if base.is_absolute() => Ok(base.join("ansai")),
        _ => Err(Fault::usage(codes::STATE_DIRECTORY, "there is no place for state: HOME is not set")
            .hint("say --state-dir DIR")
            .into()),
    }
}

/// Makes it where it is missing, for this user only, and there to stay: what it will hold must not be lost with it.
pub(crate) fn make(directory: &Path) -> anyhow::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.and_then(|()| directory.ancestors().skip(1).try_for_each(sync)).map_err(|error| {
        Fault::other(codes::STATE_DIRECTORY, format!("state directory {}: {error}", directory.display()))
            .hint("say --state-dir DIR with a directory that you can write")
            .into()
    })
}

/// Makes the names in a directory durable, where this user and the file system can.
fn sync(directory: &Path) -> std::io::Result<()> {
    match std::fs::File::open(directory).and_then(|open| open.sync_all()) {
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::InvalidInput) => Ok(()),
        synced => synced,
    }
}

/// Whether anything can be read there.
pub(crate) fn exists(directory: &Path) -> bool {
    std::fs::metadata(directory).is_ok_and(|found| found.is_dir())
}

/// The directory without links; `None` where that cannot be told.
pub(crate) fn real(directory: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(directory).ok()
}
