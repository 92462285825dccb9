//! Whether somebody else could have put a component where it lies.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A sentence with its way out, or `None` where the file and its directory are the running user's own and nobody
/// else can write them.
pub(crate) fn problem(component: &Path) -> Option<(String, String)> {
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
            let way_out = format!("run as its owner, or copy it to a directory of your own (you are user {user})");
            return Some((format!("{shown} belongs to user {}", found.uid()), way_out));
        }
        // A group with the user's own number is the user's private group.
        let private = found.gid() == user;
        let others = found.mode() & 0o002 != 0 || (found.mode() & 0o020 != 0 && !private);
        others.then(|| {
            let what = format!("{shown} can be written by others (mode {:04o})", found.mode() & 0o7777);
            (what, format!("chmod go-w {shown}"))
        })
    })
}
