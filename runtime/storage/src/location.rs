//! Where a file is: a name in a directory.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::parent;
use crate::{Content, Directory, Result, StorageError};

/// A file by its name in an open directory, or by a path. The directory of a path is opened once for each use, and the
/// whole use goes through that handle.
#[derive(Clone)]
pub struct Location {
    held: Option<(Directory, OsString)>,
    path: PathBuf,
}

impl Location {
    /// A name in a directory. It is checked when it is used.
    pub fn new(directory: &Directory, name: impl AsRef<OsStr>) -> Location {
        let name = name.as_ref();
        Location { held: Some((directory.clone(), name.to_owned())), path: directory.path_of(name) }
    }

    /// The file that a path leads to when links are followed; the path itself where there is no file. For files of the
    /// user who names them: a link of another user is not followed.
    #[expect(clippy::disallowed_methods, reason = "this crate is the adapter to the file system")]
    pub fn followed(path: impl AsRef<Path>) -> Location {
        let path = path.as_ref();
        let is_foreign =
            std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink() && ![0, own()].contains(&found.uid()));
        let followed = if is_foreign { None } else { std::fs::canonicalize(path).ok() };
        Location::from(followed.as_deref().unwrap_or(path))
    }

    /// The path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory by its handle, and the name in it.
    ///
    /// # Errors
    /// The path has no name at its end, or its directory cannot be opened.
    pub fn resolve(&self) -> Result<(Directory, OsString)> {
        if let Some(held) = &self.held {
            return Ok(held.clone());
        }
        let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "not the path of a file");
        let name = self.path.file_name().ok_or_else(no_name).map_err(StorageError::at("open", &self.path))?;
        Ok((Directory::open(parent(&self.path))?, name.to_owned()))
    }
}

/// The user who runs.
fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

impl Location {
    /// As [`Directory::read`]; `None` also where there is no directory.
    ///
    /// # Errors
    /// As [`Directory::read`], or as [`Location::resolve`].
    pub fn read(&self, most_bytes: u64) -> Result<Option<Content>> {
        match self.resolve() {
            Err(error) if error.is_not_found() => Ok(None),
            resolved => {
                let (directory, name) = resolved?;
                directory.read(name, most_bytes)
            }
        }
    }
}

impl<P: AsRef<Path>> From<P> for Location {
    fn from(path: P) -> Location {
        Location { held: None, path: path.as_ref().to_owned() }
    }
}

/// As the path.
impl fmt::Debug for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(formatter)
    }
}

/// By the path.
impl PartialEq for Location {
    fn eq(&self, other: &Location) -> bool {
        self.path == other.path
    }
}

impl Eq for Location {}
