//! Opens a path that only root and the running user can change: each directory on the way, each link and the end are
//! checked by handle, so that nobody can exchange one between the check and the use.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, mkdirat, openat, readlinkat};
use rustix::io::Errno;

use crate::{GroupWrite, Owned, Problem, StorageError};

/// As many as the kernel follows.
const MOST_LINKS: usize = 40;

/// A directory or file that no other user can change, by its real path.
#[derive(Debug)]
pub struct Trusted {
    /// Without links.
    pub path: PathBuf,
    /// Opened with `O_PATH`.
    pub handle: OwnedFd,
    /// What it is.
    pub kind: FileType,
    owned: Owned,
}

/// Why a path cannot be opened so.
#[derive(Debug)]
pub enum TrustError {
    /// Another user can change it, or a directory on the way to it.
    Untrusted(Problem),
    /// It cannot be looked at.
    Access(StorageError),
}

impl TrustError {
    fn access(path: &Path, error: Errno) -> TrustError {
        TrustError::Access(StorageError::at("open", path)(error))
    }
}

impl Trusted {
    /// Opens a path. A directory on the way that has a sticky bit may be writable by others; the end may not.
    ///
    /// # Errors
    /// Another user can change it, or the system refuses.
    pub fn open(path: &Path) -> Result<Trusted, TrustError> {
        walk(&absolute(path)?, Missing::Refused, Links::Checked)
    }

    /// The same, with a choice about links.
    pub(crate) fn open_with(path: &Path, links: Links) -> Result<Trusted, TrustError> {
        walk(&absolute(path)?, Missing::Refused, links)
    }

    /// The same for a directory. Each missing one on the way is created for this user only, in a directory that has
    /// passed.
    ///
    /// # Errors
    /// As [`Trusted::open`].
    pub(crate) fn create(path: &Path, links: Links) -> Result<Trusted, TrustError> {
        walk(&absolute(path)?, Missing::Created, links)
    }
}

/// What happens to a symbolic link on the way or at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// It is followed, if no other user can change it.
    Checked,
    /// It is refused.
    Refused,
}

/// What happens to a directory that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Refused,
    Created,
}

fn absolute(path: &Path) -> Result<PathBuf, TrustError> {
    std::path::absolute(path).map_err(StorageError::at("open", path)).map_err(TrustError::Access)
}

/// Opens an absolute path.
fn walk(path: &Path, missing: Missing, links_are: Links) -> Result<Trusted, TrustError> {
    let mut left: VecDeque<OsString> = steps(path);
    let mut way = vec![step(CWD, OsStr::new("/"), Path::new("/"))?];
    let mut links = 0;
    while let Some(name) = left.pop_front() {
        let here = match way.last() {
            Some(here) => here,
            None => return Err(TrustError::access(path, Errno::NOENT)),
        };
        if name == ".." {
            // The parent of `/` is `/`.
            way.truncate(way.len().saturating_sub(1).max(1));
            continue;
        }
        let place = here.path.join(&name);
        let next = match step(&here.handle, &name, &place) {
            Err(TrustError::Access(error)) if missing == Missing::Created && error.is_not_found() => {
                create(&here.handle, &name, &place)?;
                step(&here.handle, &name, &place)
            }
            found => found,
        }?;
        if next.kind == FileType::Symlink {
            links += 1;
            let target = readlinkat(&next.handle, "", Vec::new()).and_then(|target| match links > MOST_LINKS {
                true => Err(Errno::LOOP),
                false => Ok(PathBuf::from(OsString::from_vec(target.into_bytes()))),
            });
            let target = target.map_err(|error| TrustError::access(&next.path, error))?;
            if links_are == Links::Refused {
                let leads_to = next.path.with_file_name("").join(&target);
                let fix = format!("pass the path that it leads to: {}", leads_to.display());
                return Err(TrustError::Untrusted((format!("{} is a symbolic link", next.path.display()), fix)));
            }
            if target.is_absolute() {
                way.truncate(1);
            }
            for name in steps(&target).into_iter().rev() {
                left.push_front(name);
            }
            continue;
        }
        if !left.is_empty() && next.kind != FileType::Directory {
            return Err(TrustError::access(&next.path, Errno::NOTDIR));
        }
        way.push(next);
    }
    match way.pop() {
        // Others can add an entry to a directory with a sticky bit: good enough on the way, not at its end.
        Some(end) if end.kind == FileType::Directory => {
            match end.owned.exposure_of(end.handle.as_fd(), GroupWrite::Private) {
                Some(exposure) => Err(TrustError::Untrusted(exposure.problem(&end.path))),
                None => Ok(end),
            }
        }
        Some(end) => Ok(end),
        None => Err(TrustError::access(path, Errno::NOENT)),
    }
}

/// The names of a path, `..` among them.
fn steps(path: &Path) -> VecDeque<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    names.collect()
}

/// One name in a directory, not followed where it is a link.
fn step(directory: impl AsFd, name: &OsStr, path: &Path) -> Result<Trusted, TrustError> {
    let failed = |error| TrustError::access(path, error);
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = openat(directory, name.as_bytes(), flags, Mode::empty()).map_err(failed)?;
    let stat = fstat(&handle).map_err(failed)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    let found = Owned::from(&stat);
    let problem = match kind {
        // The mode of a link says nothing.
        FileType::Symlink => Owned { mode: 0, ..found }.problem(path),
        // Where the sticky bit is set, others cannot exchange an entry that is root's or the user's: the next step.
        FileType::Directory if found.mode & 0o1000 != 0 => Owned { mode: 0, ..found }.problem(path),
        _ => found.exposure_of(handle.as_fd(), GroupWrite::Private).map(|exposure| exposure.problem(path)),
    };
    match problem {
        Some(problem) => Err(TrustError::Untrusted(problem)),
        None => Ok(Trusted { path: path.to_owned(), handle, kind, owned: found }),
    }
}

/// Creates a directory for this user only, unless another process just did.
fn create(directory: impl AsFd, name: &OsStr, path: &Path) -> Result<(), TrustError> {
    match mkdirat(directory, name.as_bytes(), Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(TrustError::Access(StorageError::at("create directory", path)(error))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn open(path: &Path) -> Result<Trusted, TrustError> {
        walk(path, Missing::Refused, Links::Checked)
    }

    fn permit(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// `a/b/c` below a directory of the test's own.
    fn tree() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/c"), "").unwrap();
        (dir, root)
    }

    #[track_caller]
    fn refused_for(path: &Path, culprit: &Path) {
        match open(path) {
            Err(TrustError::Untrusted((what, _))) => {
                assert!(what.contains(&format!("{} ", culprit.display())), "{what}")
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn fails_with(path: &Path, errno: Errno) {
        match open(path) {
            Err(TrustError::Access(error)) => assert_eq!(error.cause.raw_os_error(), Some(errno.raw_os_error())),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_only_the_user_can_write_is_opened() {
        let (_dir, root) = tree();
        let file = open(&root.join("a/b/c")).unwrap();
        assert_eq!((file.kind, file.path), (FileType::RegularFile, root.join("a/b/c")));
        assert_eq!(open(&root.join("a/./b/../b")).unwrap().path, root.join("a/b"));
        assert_eq!(open(Path::new("/../..")).unwrap().path, Path::new("/"));
        fails_with(&root.join("none"), Errno::NOENT);
        fails_with(&root.join("a/b/c/d"), Errno::NOTDIR);
    }

    #[test]
    fn each_part_that_others_can_write_is_refused() {
        let (_dir, root) = tree();
        for part in ["", "a", "a/b", "a/b/c"] {
            let path = root.join(part);
            let path = if part.is_empty() { root.clone() } else { path };
            let before = fs::metadata(&path).unwrap().permissions().mode();
            for bits in [0o002, 0o020] {
                if bits == 0o020 && rustix::process::getegid().as_raw() == rustix::process::geteuid().as_raw() {
                    continue;
                }
                permit(&path, before | bits);
                refused_for(&root.join("a/b/c"), &path);
            }
            permit(&path, before);
        }
        assert!(open(&root.join("a/b/c")).is_ok());
    }

    #[test]
    fn a_sticky_bit_protects_what_is_below_and_not_the_directory() {
        let (_dir, root) = tree();
        permit(&root.join("a"), 0o1777);
        assert!(open(&root.join("a/b/c")).is_ok());
        refused_for(&root.join("a"), &root.join("a"));
    }

    #[test]
    fn links_are_followed_and_their_directories_checked() {
        let (_dir, root) = tree();
        fs::create_dir(root.join("open")).unwrap();
        symlink(root.join("a/b"), root.join("open/link")).unwrap();
        symlink("../a/b", root.join("open/relative")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        for link in ["open/link/c", "open/relative/c"] {
            assert_eq!(open(&root.join(link)).unwrap().path, root.join("a/b/c"));
        }
        fails_with(&root.join("loop"), Errno::LOOP);
        permit(&root.join("open"), 0o777);
        refused_for(&root.join("open/link/c"), &root.join("open"));
    }

    #[test]
    fn another_users_directory_is_refused() {
        if !ansai_harness::requires_root() {
            return;
        }
        let (_dir, root) = tree();
        std::os::unix::fs::chown(root.join("a"), Some(4_242), None).unwrap();
        refused_for(&root.join("a/b/c"), &root.join("a"));
        std::os::unix::fs::lchown(root.join("a"), Some(0), None).unwrap();
        symlink("a", root.join("l")).unwrap();
        std::os::unix::fs::lchown(root.join("l"), Some(4_242), None).unwrap();
        refused_for(&root.join("l/b/c"), &root.join("l"));
    }
}
