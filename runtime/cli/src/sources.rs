//! From the paths on a command line to the components that lie there.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ansai_core::codes;
use ansai_engine::component::MAX_BYTES;

use crate::exit::Fault;

/// More than a person keeps in one directory.
const MOST_ENTRIES: usize = 10_000;

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// A file that should be a component.
    Component(PathBuf),
    /// A policy's directory in which nothing was built.
    OnlySources(PathBuf),
}

impl Source {
    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Source::Component(path) | Source::OnlySources(path) => path,
        }
    }
}

/// That only sources are there.
pub(crate) fn only_sources(dir: &Path) -> Fault {
    let shown = dir.display();
    Fault::usage(codes::ONLY_SOURCES, format!("{shown} has only sources")).hint(format!("run `ansai build {shown}`"))
}

fn no_access(path: &Path, error: &std::io::Error) -> Fault {
    Fault::usage(codes::FILE_ACCESS, format!("{}: {error}", path.display()))
}

/// Scenario files in a directory, by name; none where there is no such directory.
pub(crate) fn scenarios(dir: &Path) -> Result<Vec<PathBuf>, Fault> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(no_access(dir, &error)),
    };
    let mut files: Vec<PathBuf> = entries
        .take(MOST_ENTRIES)
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    Ok(files)
}

/// Policies at these paths: a component, a directory with one, or a directory of such directories.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Vec<Source>, Fault> {
    let mut found = Vec::new();
    for path in paths {
        let shown = path.display();
        let metadata =
            std::fs::metadata(path).map_err(|error| no_access(path, &error).hint("give a directory with policies"))?;
        if !metadata.is_dir() {
            found.push(Source::Component(path.clone()));
            continue;
        }
        let here = in_directory(path)?;
        let below = if here.is_empty() { one_below(path)? } else { here };
        if below.is_empty() {
            return Err(Fault::usage(codes::NO_POLICY, format!("{shown} holds no policy"))
                .hint("a policy is a directory with policy.toml or a .wasm file; give it or the one above it"));
        }
        found.extend(below);
    }
    // The same policy may have been named twice: as itself and by the directory above.
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|source| seen.insert(std::fs::canonicalize(source.path()).unwrap_or(source.path().to_owned())));
    Ok(found)
}

/// The bytes of a component: a regular file, of at most what is accepted, and a little more to tell.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    let failed = |error: std::io::Error| no_access(path, &error);
    // Not blocking: a FIFO in this place would wait for a writer.
    let not_blocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = std::fs::OpenOptions::new().read(true).custom_flags(not_blocking).open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(Fault::usage(codes::NOT_A_FILE, format!("{} is not a regular file", path.display())));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// What a directory that is itself a policy holds; nothing where it is none.
fn in_directory(dir: &Path) -> Result<Vec<Source>, Fault> {
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

fn one_below(dir: &Path) -> Result<Vec<Source>, Fault> {
    let mut found = Vec::new();
    for name in names(dir)? {
        let path = dir.join(&name);
        if std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            // A directory beside them that cannot be listed is none of ours, unless it says that it is a policy.
            match in_directory(&path) {
                Ok(below) => found.extend(below),
                Err(fault) => tracing::debug!("{}", fault.message),
            }
        }
    }
    Ok(found)
}

/// Sorted; hidden ones left out.
fn names(dir: &Path) -> Result<Vec<std::ffi::OsString>, Fault> {
    let failed = |error: std::io::Error| no_access(dir, &error);
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
        assert!(find(&[root.join("c")]).unwrap_err().message.ends_with("holds no policy"));
        assert_eq!(find(&[root.join("none")]).unwrap_err().exit, 2);
    }
}
