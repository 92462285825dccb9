//! A failed file operation.

use std::io;
use std::path::{Path, PathBuf};

/// A failed file operation.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {cause}", path.display())]
pub struct StorageError {
    /// The attempted operation, as a verb in the infinitive.
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The system's error.
    pub cause: io::Error,
}

impl StorageError {
    /// Makes the error of an operation from that of the system.
    pub fn at<E: Into<io::Error>>(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(E) -> Self {
        move |cause| Self { action, path: path.into(), cause: cause.into() }
    }

    /// Whether blocks, inodes or a disk quota are used up.
    pub fn is_out_of_space(&self) -> bool {
        matches!(self.cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Whether the file does not exist.
    pub fn is_not_found(&self) -> bool {
        self.cause.kind() == io::ErrorKind::NotFound
    }

    /// Whether a file of this name exists already.
    pub fn is_already_there(&self) -> bool {
        self.cause.kind() == io::ErrorKind::AlreadyExists
    }
}

/// The same kind of error, with the verb and the path in its message.
impl From<StorageError> for io::Error {
    fn from(error: StorageError) -> Self {
        io::Error::new(error.cause.kind(), error)
    }
}

/// The directory that holds a path: that of a bare name is the working directory.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}
