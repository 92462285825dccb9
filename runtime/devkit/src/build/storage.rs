//! The only place where a build accesses files.
#![expect(clippy::disallowed_methods, reason = "the adapter of builds for files")]

use std::fs::Permissions;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ansai_core::codes;
use ansai_storage::{Location, Permissions as FileMode, StorageError, WriteOptions};

use super::BuildError;
use crate::leftovers;

/// Maximum size of an embedded text file, in bytes.
const MOST_TEXT: u64 = 1 << 20;
/// Maximum depth of directories with sources, which also bounds a link to a directory above it.
const DEEPEST_SOURCES: usize = 8;
/// Prefix of temporary names.
const TEMPORARY: &str = ".building-";
/// Maximum size of a module, in bytes. A component has the same limit.
const MOST_MODULE: u64 = 64 << 20;

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File { path, source }
}

/// Returns `.` for the empty path, which is the parent of a bare file name.
pub(crate) fn named(dir: &Path) -> &Path {
    if dir.as_os_str().is_empty() { Path::new(".") } else { dir }
}

/// Resolves a directory's path and checks that the user who builds owns it.
pub(super) fn own_directory(dir: &Path) -> Result<PathBuf, BuildError> {
    let dir = std::fs::canonicalize(dir).map_err(at(dir))?;
    let owner = std::fs::metadata(&dir).map_err(at(&dir))?.uid();
    let user = rustix::process::geteuid().as_raw();
    if owner != user {
        return Err(BuildError::Foreign { dir, owner, user });
    }
    Ok(dir)
}

pub(crate) fn is_file(path: &Path) -> bool {
    path.is_file()
}

pub(super) fn is_dir(path: &Path) -> bool {
    path.is_dir()
}

/// Whether two paths are the same file; `false` if one of them does not exist.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((identity(one), identity(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether a path is an executable file.
pub(super) fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
}

/// Whether a directory holds a file whose name has this prefix and suffix; `false` if the directory cannot be read.
pub(super) fn holds(dir: &Path, start: &str, end: &str) -> bool {
    std::fs::read_dir(dir).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(start) && name.ends_with(end)
        })
    })
}

/// Licence files of a directory, recognized by their names, in byte order.
pub(super) fn licences(dir: &Path) -> Result<Vec<PathBuf>, BuildError> {
    const NAMES: [&str; 3] = ["LICENSE", "LICENCE", "COPYING"];
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(at(dir))? {
        let path = entry.map_err(at(dir))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if NAMES.iter().any(|known| name.starts_with(known)) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a whole module.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    bounded(path, MOST_MODULE)
}

/// Reads a text file of at most 1 MiB.
pub(super) fn read_text(path: &Path) -> Result<String, BuildError> {
    String::from_utf8(bounded(path, MOST_TEXT)?).map_err(|error| BuildError::Text {
        path: path.to_owned(),
        code: codes::NOT_UTF_8,
        problem: format!("no UTF-8 after byte {}", error.utf8_error().valid_up_to()),
    })
}

fn bounded(path: &Path, most: u64) -> Result<Vec<u8>, BuildError> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(at(path))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(at(path))?;
    if bytes.len() as u64 > most {
        let problem = format!("larger than {} MiB", most >> 20);
        return Err(BuildError::Text { path: path.to_owned(), code: codes::FILE_TOO_LARGE, problem });
    }
    Ok(bytes)
}

/// Replaces a file atomically.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let failed = |error: StorageError| at(&error.path)(error.cause);
    let options = WriteOptions { permissions: FileMode::Mode(0o644), ..WriteOptions::PRIVATE };
    Location::from(path).sweep_and_replace(bytes, options).map_err(failed)
}

/// Files with this extension in a directory and below it, as relative paths in byte order. Skips hidden directories,
/// `target`, and everything below the depth `deepest`.
pub(super) fn below(dir: &Path, extension: &str, deepest: usize) -> Result<Vec<PathBuf>, BuildError> {
    let mut found = Vec::new();
    let mut open = vec![(PathBuf::new(), 0)];
    while let Some((place, depth)) = open.pop() {
        let path = dir.join(&place);
        for entry in std::fs::read_dir(&path).map_err(at(&path))? {
            let name = entry.map_err(at(&path))?.file_name();
            let is_hidden = name.to_string_lossy().starts_with('.') || name == "target";
            let place = place.join(name);
            let path = dir.join(&place);
            if path.is_dir() && !is_hidden && depth < deepest {
                open.push((place, depth + 1));
            } else if path.is_file() && place.extension().is_some_and(|found| found == extension) {
                found.push(place);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The files of a policy that a build reads, as relative paths in byte order. Skips hidden ones, what tools and builds
/// write, and scenarios.
pub(super) fn sources(dir: &Path) -> Result<Vec<PathBuf>, BuildError> {
    const SKIPPED: [&str; 4] = ["target", "node_modules", "__pycache__", "scenarios"];
    let mut found = Vec::new();
    let mut open = vec![(PathBuf::new(), 0)];
    while let Some((place, depth)) = open.pop() {
        let path = dir.join(&place);
        for entry in std::fs::read_dir(&path).map_err(at(&path))? {
            let name = entry.map_err(at(&path))?.file_name();
            if name.as_encoded_bytes().starts_with(b".") || SKIPPED.iter().any(|skipped| name == *skipped) {
                continue;
            }
            let place = place.join(name);
            let path = dir.join(&place);
            // The SDK may be a link.
            if path.is_dir() && depth < DEEPEST_SOURCES {
                open.push((place, depth + 1));
            } else if path.is_file() && place.extension().is_none_or(|extension| extension != "wasm") {
                found.push(place);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Creates a directory for one build that is removed afterwards.
pub(super) fn temporary() -> Result<tempfile::TempDir, BuildError> {
    tempfile::Builder::new().prefix("ansai-build-").tempdir().map_err(at(&std::env::temp_dir()))
}

/// Replaces a directory atomically with one that `fill` fills.
pub(super) fn replace_directory(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent).map_err(at(parent))?;
    let _at_work = leftovers::at_work(parent, TEMPORARY);
    let made = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(parent).map_err(at(parent))?;
    std::fs::set_permissions(made.path(), Permissions::from_mode(0o755)).map_err(at(made.path()))?;
    fill(made.path())?;
    if std::fs::rename(made.path(), path).is_err() {
        // If the directory exists, the two are exchanged, and the old one is removed with `made`.
        let exchange = rustix::fs::RenameFlags::EXCHANGE;
        let exchanged = rustix::fs::renameat_with(rustix::fs::CWD, made.path(), rustix::fs::CWD, path, exchange);
        if exchanged.is_err() {
            // Not every file system supports the exchange.
            std::fs::remove_dir_all(path).and_then(|()| std::fs::rename(made.path(), path)).map_err(at(path))?;
        }
    }
    Ok(())
}

/// Writes a file for a tool, and creates the directories above it.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(at(parent))?;
    }
    std::fs::write(path, bytes).map_err(at(path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_directory_is_replaced_or_left_unchanged() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("target/bindings");
        for name in ["old", "new"] {
            replace_directory(&path, |to| write(&to.join(name), b"")).unwrap();
            assert_eq!(names(&path), [name]);
        }
        let failed = |to: &Path| {
            write(&to.join("half"), b"")?;
            Err(BuildError::NoPolicy(to.to_owned()))
        };
        assert!(replace_directory(&path, failed).is_err());
        assert_eq!(names(&path), ["new"]);
        assert_eq!(names(path.parent().unwrap()), ["bindings"]);
    }

    #[test]
    fn files_are_sorted_and_hidden_and_target_directories_skipped() {
        let place = tempfile::tempdir().unwrap();
        for file in ["b.c", "a.c", "a.h", "sdk/libc/z.c", "target/t.c", ".git/g.c", "1/2/3/deep.c"] {
            write(&place.path().join(file), b"").unwrap();
        }
        let found = below(place.path(), "c", 2).unwrap();
        assert_eq!(found, ["a.c", "b.c", "sdk/libc/z.c"].map(PathBuf::from));
    }
}
