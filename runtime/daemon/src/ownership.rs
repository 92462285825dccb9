//! Whether another user can write a component or the directory that holds it.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What is wrong and how to fix it, or `None` if the file and its directory belong to this user and no other user can
/// write them.
pub fn problem(component: &Path) -> Option<(String, String)> {
    let real = match std::fs::canonicalize(component) {
        Ok(real) => real,
        Err(error) => return Some((format!("{}: {error}", component.display()), "check the path".to_owned())),
    };
    let user = rustix::process::geteuid().as_raw();
    [Some(real.as_path()), real.parent()].into_iter().flatten().find_map(|path| {
        let shown = path.display();
        let found = match std::fs::metadata(path) {
            Ok(found) => found,
            Err(error) => return Some((format!("{shown}: {error}"), "check the path".to_owned())),
        };
        if found.uid() != user {
            let fix = format!("run as its owner, or copy it to a directory that you own (you are user {user})");
            return Some((format!("{shown} belongs to user {}", found.uid()), fix));
        }
        // A group with the user's number is the user's private group.
        let private = found.gid() == user;
        let others = found.mode() & 0o002 != 0 || (found.mode() & 0o020 != 0 && !private);
        others.then(|| {
            let what = format!("{shown} is writable by other users (mode {:04o})", found.mode() & 0o7777);
            (what, format!("chmod go-w {shown}"))
        })
    })
}
