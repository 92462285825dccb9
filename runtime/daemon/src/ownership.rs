//! Whether another user can write a file or directory. Root and the user who runs ansai may.
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

/// What is wrong and how to fix it.
pub type Problem = (String, String);

impl Owned {
    /// `None` if root or this user owns it and no other user can write it.
    pub(crate) fn problem(self, path: &Path) -> Option<Problem> {
        let shown = path.display();
        let user = rustix::process::geteuid().as_raw();
        if self.uid != user && self.uid != 0 {
            let fix = format!("run as its owner, or copy it to a directory that you own (you are user {user})");
            return Some((format!("{shown} belongs to user {}", self.uid), fix));
        }
        // A group with the owner's number is the owner's private group.
        let others = self.mode & 0o002 != 0 || (self.mode & 0o020 != 0 && self.gid != self.uid);
        others.then(|| {
            let what = format!("{shown} is writable by other users (mode {:04o})", self.mode & 0o7777);
            (what, format!("chmod go-w {shown}"))
        })
    }
}

/// The problem of a component, or `None` if no other user can write it or the directory that holds it.
pub fn problem(component: &Path) -> Option<Problem> {
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
