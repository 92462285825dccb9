//! Files of the outbox.
#![expect(clippy::disallowed_methods, reason = "the adapter to the directory of the outbox")]

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Maximum size of a file that is read, in bytes.
const MOST_BYTES: u64 = 64 << 20;
/// Extension of unfinished files.
const UNFINISHED: &str = "tmp";

/// Creates a directory that only its owner can access.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Names in a directory, sorted.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file atomically.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = unfinished(path, bytes).and_then(|(temporary, _)| std::fs::rename(temporary, path));
    clean(path, written)
}

/// Writes a file atomically and durably.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = unfinished(path, bytes).and_then(|(temporary, file)| {
        file.sync_all()?;
        std::fs::rename(temporary, path)?;
        sync_directory(path)
    });
    clean(path, written)
}

/// Removes a file. A missing file is not an error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

pub(crate) fn remove_directory(path: &Path) -> io::Result<()> {
    std::fs::remove_dir_all(path)
}

/// Whether an interrupted write left this file.
pub(crate) fn is_unfinished(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == UNFINISHED)
}

fn unfinished(path: &Path, bytes: &[u8]) -> io::Result<(PathBuf, File)> {
    let temporary = path.with_extension(UNFINISHED);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    Ok((temporary, file))
}

fn clean(path: &Path, written: io::Result<()>) -> io::Result<()> {
    if written.is_err() {
        // Frees the space, which matters on a full disk.
        let _ = remove(&path.with_extension(UNFINISHED));
    }
    written
}

fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
