//! A directory by its handle.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use crate::error::parent;
use crate::name::checked;
use crate::{GroupWrite, Links, Owned, Result, StorageError, TrustError, Trusted};

/// An open directory. Clones share the handle.
///
/// Every name that is given to it is one component of a path. Something else is refused, with an error of the kind
/// [`io::ErrorKind::InvalidInput`]. The path is for messages only.
#[derive(Clone)]
pub struct Directory(Arc<Held>);

struct Held {
    dir: Dir,
    path: PathBuf,
    /// What is opened in it must be so too.
    is_trusted: bool,
}

impl Directory {
    /// Opens a directory that exists. Links on the way are followed; who can change it is not checked.
    ///
    /// # Errors
    /// The system refuses.
    pub fn open(path: impl AsRef<Path>) -> Result<Directory> {
        let path = path.as_ref();
        let opened = rustix::fs::open(path, flags(), Mode::empty());
        Ok(Self::held(opened.map_err(StorageError::at("open directory", path))?, path.to_owned(), false))
    }

    /// The same; a missing directory is created for this user only, with those above it. Its name is durable.
    ///
    /// # Errors
    /// The system refuses.
    pub fn create(path: impl AsRef<Path>) -> Result<Directory> {
        let path = path.as_ref();
        make(path)?;
        Directory::open(parent(path))?.sync()?;
        Directory::open(path)
    }

    /// Opens a directory by its absolute path if no other user can change it: root or this user owns it and every
    /// directory and link on the way, and nobody else can write them. A directory above with a sticky bit may be
    /// writable. The same is checked for each subdirectory and each file that is opened in it.
    ///
    /// # Errors
    /// Another user can change it, or the system refuses.
    pub fn open_trusted(path: impl AsRef<Path>, links: Links) -> std::result::Result<Directory, TrustError> {
        let path = path.as_ref();
        Self::trusted(path, &Trusted::open_with(path, links)?)
    }

    fn trusted(path: &Path, found: &Trusted) -> std::result::Result<Directory, TrustError> {
        let opened = openat(&found.handle, ".", flags(), Mode::empty());
        let opened = opened.map_err(StorageError::at("open directory", path)).map_err(TrustError::Access)?;
        Ok(Self::held(opened, path.to_owned(), true))
    }

    /// The same; a missing directory is created for this user only, with those above it, each in one that has passed.
    /// All their names are durable, where this user may do that and the file system can.
    ///
    /// # Errors
    /// Another user can change it, or the system refuses.
    pub fn create_trusted(path: impl AsRef<Path>, links: Links) -> std::result::Result<Directory, TrustError> {
        let path = path.as_ref();
        let found = Trusted::create(path, links)?;
        path.ancestors().skip(1).try_for_each(sync_if_possible).map_err(TrustError::Access)?;
        Self::trusted(path, &found)
    }

    fn held(handle: OwnedFd, path: PathBuf, is_trusted: bool) -> Directory {
        Directory(Arc::new(Held { dir: Dir::from_std_file(File::from(handle)), path, is_trusted }))
    }

    /// The path that it was opened by, for messages.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The path of a name in it, for messages.
    pub fn path_of(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.0.path.join(name.as_ref())
    }

    /// Its owner and mode.
    ///
    /// # Errors
    /// The system refuses.
    pub fn owned(&self) -> Result<Owned> {
        let stat = fstat(&self.0.dir).map_err(StorageError::at("examine", self.path()))?;
        Ok((&stat).into())
    }

    /// Opens a directory in it. A symbolic link is refused.
    ///
    /// # Errors
    /// There is none, another user can change it, or the system refuses.
    pub fn subdirectory(&self, name: impl AsRef<OsStr>) -> Result<Directory> {
        let name = self.name("open directory", name.as_ref())?;
        let failed = |error: io::Error| StorageError::at("open directory", self.path_of(name))(error);
        let mut options = OpenOptions::new();
        options.read(true).custom_flags((OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed());
        let opened = self.0.dir.open_with(name, &options).map_err(failed)?;
        let opened = Self::held(opened.into_std().into(), self.path_of(name), self.0.is_trusted);
        match opened.owned()?.exposure_of(opened.as_fd(), GroupWrite::Private) {
            Some(exposure) if self.0.is_trusted => {
                Err(failed(io::Error::new(io::ErrorKind::PermissionDenied, exposure.to_string())))
            }
            _ => Ok(opened),
        }
    }

    /// The same; a missing directory is created for this user only. Its name is durable.
    ///
    /// # Errors
    /// As [`Directory::subdirectory`].
    pub fn create_subdirectory(&self, name: impl AsRef<OsStr>) -> Result<Directory> {
        let name = self.name("create directory", name.as_ref())?;
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        match self.0.dir.create_dir_with(name, &builder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(StorageError::at("create directory", self.path_of(name))(error));
            }
            _ => self.sync()?,
        }
        self.subdirectory(name)
    }

    /// Makes the names in it durable.
    ///
    /// # Errors
    /// The system refuses.
    pub fn sync(&self) -> Result<()> {
        rustix::fs::fsync(&self.0.dir).map_err(StorageError::at("sync directory", self.path()))
    }

    /// Whether what is opened in it is checked.
    pub(crate) fn is_trusted(&self) -> bool {
        self.0.is_trusted
    }

    pub(crate) fn dir(&self) -> &Dir {
        &self.0.dir
    }

    pub(crate) fn name<'a>(&self, action: &'static str, name: &'a OsStr) -> Result<&'a OsStr> {
        checked(name).map_err(StorageError::at(action, self.path_of(name)))
    }
}

fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}

fn make(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700);
    builder.create(path).map_err(StorageError::at("create directory", path))
}

fn sync_if_possible(path: &Path) -> Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    match rustix::fs::open(path, flags(), Mode::empty()).and_then(rustix::fs::fsync) {
        Err(Errno::ACCESS | Errno::PERM | Errno::INVAL) => Ok(()),
        synced => synced.map_err(StorageError::at("sync directory", path)),
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.dir.as_fd()
    }
}

/// As the path.
impl fmt::Debug for Directory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().fmt(formatter)
    }
}
