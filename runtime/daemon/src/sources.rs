//! From paths to the components at these paths.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

mod error;

use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ansai_engine::component::MAX_BYTES;

pub use self::error::SourceError;
use crate::error::Error;

/// More than a person keeps in one directory.
const MOST_ENTRIES: usize = 10_000;
/// The most bytes of all scenarios of one policy together.
const MOST_SCENARIO_BYTES: u64 = 16 << 20;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A file that should be a component.
    Component(PathBuf),
    /// A policy's directory in which nothing was built.
    OnlySources(PathBuf),
}

impl Source {
    /// The path of the component or of the directory.
    pub fn path(&self) -> &Path {
        match self {
            Source::Component(path) | Source::OnlySources(path) => path,
        }
    }
}

fn no_access(path: &Path, error: std::io::Error) -> SourceError {
    SourceError::Access { path: path.to_owned(), error }
}

/// Scenario files in a directory, sorted by name; none if the directory does not exist.
///
/// # Errors
/// The directory cannot be read, or the files are too many or too large together.
pub fn scenarios(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    in_time(dir, scenarios_now)
}

fn scenarios_now(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let too_many = |what| Error::from(SourceError::TooManyScenarios { path: dir.to_owned(), what });
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(no_access(dir, error).into()),
    };
    let (mut files, mut bytes) = (Vec::new(), 0_u64);
    for (number, entry) in entries.enumerate() {
        if number >= MOST_ENTRIES {
            return Err(too_many(format!("more than {MOST_ENTRIES} entries")));
        }
        let path = entry.map_err(|error| no_access(dir, error))?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        // A FIFO would keep its reader waiting. What cannot be looked at is read, and its error is shown.
        match std::fs::metadata(&path) {
            Ok(found) if !found.is_file() => continue,
            Ok(found) => bytes = bytes.saturating_add(found.len()),
            Err(_) => {}
        }
        files.push(path);
    }
    if bytes > MOST_SCENARIO_BYTES {
        let (all, most) = (bytes.div_ceil(1 << 20), MOST_SCENARIO_BYTES >> 20);
        return Err(too_many(format!("the scenarios have {all} MiB together: at most {most} MiB")));
    }
    files.sort();
    Ok(files)
}

/// Policies at these paths: a component, a directory with one, or a directory of such directories.
///
/// # Errors
/// A path that cannot be read or leads to no policy.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Source>, Error> {
    let mut found = Vec::new();
    for path in paths {
        found.extend(in_time(path, at)?);
    }
    // A policy may be named twice: by its own path and by the directory above it.
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|(_, real)| seen.insert(real.clone()));
    Ok(found.into_iter().map(|(source, _)| source).collect())
}

/// Policies at one path, each with its path without symbolic links.
fn at(path: &Path) -> Result<Vec<(Source, PathBuf)>, Error> {
    let with_real = |source: Source| {
        let real = std::fs::canonicalize(source.path()).unwrap_or(source.path().to_owned());
        (source, real)
    };
    let metadata = std::fs::metadata(path).map_err(|error| no_access(path, error))?;
    if !metadata.is_dir() {
        return Ok(vec![with_real(Source::Component(path.to_owned()))]);
    }
    let here = in_directory(path)?;
    let below = if here.is_empty() { one_below(path)? } else { here };
    if below.is_empty() {
        return Err(SourceError::NoPolicy(path.to_owned()).into());
    }
    Ok(below.into_iter().map(with_real).collect())
}

/// Reads a path. On a mount whose server is dead it would take for ever, and no policy would run.
fn in_time<T: Send + 'static>(path: &Path, read: fn(&Path) -> Result<T, Error>) -> Result<T, Error> {
    let own = path.to_owned();
    crate::in_time::in_time(move || read(&own)).unwrap_or_else(|error| Err(no_access(path, error).into()))
}

/// The bytes of a component, which must be a regular file. Reads one byte more than the limit, so that the caller sees
/// that a file is too large.
///
/// # Errors
/// The file cannot be read, or is not a regular one.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    in_time(path, read_now)
}

fn read_now(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |error: std::io::Error| no_access(path, error);
    // Do not block: opening a FIFO would wait for a writer.
    let not_blocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = std::fs::OpenOptions::new().read(true).custom_flags(not_blocking).open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(SourceError::NotAFile(path.to_owned()).into());
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// The components of a directory that is itself a policy; empty if it is not one.
fn in_directory(dir: &Path) -> Result<Vec<Source>, SourceError> {
    let mut components = Vec::new();
    let mut is_policy = false;
    for name in names(dir)? {
        let path = dir.join(&name);
        if name == "policy.toml" {
            is_policy = true;
        } else if path.extension().is_some_and(|extension| extension == "wasm") && is_file(&path) {
            components.push(Source::Component(path));
        }
    }
    Ok(match (components.is_empty(), is_policy) {
        (true, true) => vec![Source::OnlySources(dir.to_owned())],
        _ => components,
    })
}

fn one_below(dir: &Path) -> Result<Vec<Source>, SourceError> {
    let mut found = Vec::new();
    for name in names(dir)? {
        let path = dir.join(&name);
        if std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            // An unreadable directory beside the policies does not keep them from being found.
            match in_directory(&path) {
                Ok(below) => found.extend(below),
                Err(error) => tracing::debug!("skipping {}: {error}", path.display()),
            }
        }
    }
    Ok(found)
}

/// Names in a directory, sorted, without hidden ones.
fn names(dir: &Path) -> Result<Vec<std::ffi::OsString>, SourceError> {
    let failed = |error: std::io::Error| no_access(dir, error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)?.take(MOST_ENTRIES) {
        let name = entry.map_err(failed)?.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    #[test]
    fn components_are_found_in_a_policy_and_one_below() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for file in ["a/policy.toml", "a/a.wasm", "b/policy.toml", "c/readme", ".d/d.wasm", "e/deep/e.wasm"] {
            touch(&root.join(file));
        }
        let expected = vec![Source::Component(root.join("a/a.wasm")), Source::OnlySources(root.join("b"))];
        assert_eq!(find(&[root.to_owned()]).unwrap(), expected);
        assert_eq!(find(&[root.to_owned(), root.join("a"), root.join("a/a.wasm")]).unwrap(), expected);
        assert!(matches!(find(&[root.join("c")]), Err(Error::Source(SourceError::NoPolicy(_)))));
        assert_eq!(find(&[root.join("none")]).unwrap_err().code(), ansai_core::codes::FILE_ACCESS);
    }
}
