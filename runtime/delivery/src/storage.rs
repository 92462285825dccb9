//! Files of the outbox.
#![expect(clippy::disallowed_methods, reason = "the adapter to the directory of the outbox")]

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Larger files are not read.
const MOST_BYTES: u64 = 64 << 20;
/// What a crash left unfinished.
const UNFINISHED: &str = "tmp";

/// Creates a directory for ansai alone.
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

/// Writes a file whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = unfinished(path, bytes).and_then(|(temporary, _)| std::fs::rename(temporary, path));
    clean(path, written)
}

/// The same, on the disk when this returns.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = unfinished(path, bytes).and_then(|(temporary, file)| {
        file.sync_all()?;
        std::fs::rename(temporary, path)?;
        sync_directory(path)
    });
    clean(path, written)
}

/// Removes a file; one that is gone is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

pub(crate) fn remove_directory(path: &Path) -> io::Result<()> {
    std::fs::remove_dir_all(path)
}

/// Whether a crash left it.
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
        // On a full disk each byte counts.
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
