//! Who could have written a file or directory: root and the running user may, another user may not.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Owner and mode of a file or directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owned {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
}

/// What is wrong, and a hint.
pub(crate) type Problem = (String, String);

impl Owned {
    /// The problem where another user than root and the running one can write it.
    pub(crate) fn problem(self, path: &Path) -> Option<Problem> {
        let shown = path.display();
        let user = rustix::process::geteuid().as_raw();
        if self.uid != user && self.uid != 0 {
            let hint = format!("run as its owner, or copy it to a directory of your own (you are user {user})");
            return Some((format!("{shown} belongs to user {}", self.uid), hint));
        }
        self.writable_by_others().then(|| {
            let what = format!("{shown} can be written by others (mode {:04o})", self.mode & 0o7777);
            (what, format!("chmod go-w {shown}"))
        })
    }

    /// Whether its mode lets others write. A group with the owner's own number is the owner's private group.
    pub(crate) fn writable_by_others(self) -> bool {
        self.mode & 0o002 != 0 || (self.mode & 0o020 != 0 && self.gid != self.uid)
    }
}

/// The problem of a component where another user can write it or its directory.
pub(crate) fn problem(component: &Path) -> Option<Problem> {
    let unreadable = |path: &Path, error| (format!("{}: {error}", path.display()), "check the path".to_owned());
    let real = match std::fs::canonicalize(component) {
        Ok(real) => real,
        Err(error) => return Some(unreadable(component, error)),
    };
    [Some(real.as_path()), real.parent()].into_iter().flatten().find_map(|path| match std::fs::metadata(path) {
        Ok(found) => Owned { uid: found.uid(), gid: found.gid(), mode: found.mode() }.problem(path),
        Err(error) => Some(unreadable(path, error)),
    })
}
