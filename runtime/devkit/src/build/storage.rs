//! The one place where a build touches files.
#![expect(clippy::disallowed_methods, reason = "the adapter of builds for files")]

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::BuildError;

/// Of a file that is embedded.
const MOST_TEXT: u64 = 1 << 20;
/// Of a module; a component may not be larger either.
const MOST_MODULE: u64 = 64 << 20;

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File { path, source }
}

/// The true path of a directory that belongs to the user who builds.
pub(super) fn own_directory(dir: &Path) -> Result<PathBuf, BuildError> {
    let dir = std::fs::canonicalize(dir).map_err(at(dir))?;
    let owner = std::fs::metadata(&dir).map_err(at(&dir))?.uid();
    let user = rustix::process::geteuid().as_raw();
    if owner != user {
        return Err(BuildError::Foreign { dir, owner, user });
    }
    Ok(dir)
}

pub(super) fn is_file(path: &Path) -> bool {
    path.is_file()
}

pub(super) fn is_dir(path: &Path) -> bool {
    path.is_dir()
}

/// A file that somebody may run.
pub(super) fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
}

/// A directory of one build, gone after it.
pub(super) fn scratch() -> Result<tempfile::TempDir, BuildError> {
    tempfile::Builder::new().prefix("ansai-build-").tempdir().map_err(at(&std::env::temp_dir()))
}

/// Whether a directory holds a file whose name starts and ends so; `false` when it cannot be read.
pub(super) fn holds(dir: &Path, start: &str, end: &str) -> bool {
    std::fs::read_dir(dir).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(start) && name.ends_with(end)
        })
    })
}

/// A module, whole.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    bounded(path, MOST_MODULE)
}

/// A text of at most 1 MiB.
pub(super) fn read_text(path: &Path) -> Result<String, BuildError> {
    String::from_utf8(bounded(path, MOST_TEXT)?).map_err(|error| BuildError::Text {
        path: path.to_owned(),
        problem: format!("no UTF-8 after byte {}", error.utf8_error().valid_up_to()),
    })
}

fn bounded(path: &Path, most: u64) -> Result<Vec<u8>, BuildError> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(at(path))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(at(path))?;
    if bytes.len() as u64 > most {
        return Err(BuildError::Text { path: path.to_owned(), problem: format!("larger than {} MiB", most >> 20) });
    }
    Ok(bytes)
}

/// Puts a file in the place of another, whole or not at all.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let dir = path.parent().unwrap_or(path);
    let mut file = tempfile::Builder::new()
        .prefix(".building-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(dir)
        .map_err(at(dir))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(at(path))?;
    file.persist(path).map_err(|error| at(path)(error.error))?;
    Ok(())
}

/// A file that a tool is given, and the directories above it.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(at(parent))?;
    }
    std::fs::write(path, bytes).map_err(at(path))
}
