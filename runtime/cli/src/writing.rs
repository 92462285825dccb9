//! Files that commands write at a path of the user.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use ansai_core::codes;
use tempfile::NamedTempFile;

use crate::exit::Fault;

/// Replaces a file atomically. Links are followed; an existing file keeps its mode.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Fault> {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let file = written(&real, text)?;
    if let Ok(found) = std::fs::metadata(&real) {
        file.as_file().set_permissions(found.permissions()).map_err(|error| failed(path, &error))?;
    }
    file.persist(&real).map_err(|error| failed(path, &error.error))?;
    Ok(())
}

/// Creates a file atomically; it must not exist.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), Fault> {
    match written(path, text)?.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            Err(Fault::usage(codes::EXISTS, format!("{} already exists", path.display()))
                .hint("pass --force to replace it"))
        }
        Err(error) => Err(failed(path, &error.error)),
    }
}

/// Writes a temporary file in the same directory, to be renamed.
fn written(path: &Path, text: &str) -> Result<NamedTempFile, Fault> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file =
        tempfile::Builder::new().prefix(".ansai-").tempfile_in(directory).map_err(|error| failed(path, &error))?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(|error| failed(path, &error))?;
    Ok(file)
}

fn failed(path: &Path, error: &std::io::Error) -> Fault {
    Fault::other(codes::FILE_ACCESS, format!("cannot write {}: {error}", path.display()))
}
