//! Removes what a killed command left behind: files and directories with a temporary name that no process uses.
#![expect(clippy::disallowed_methods, reason = "the adapter for temporary names")]

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

/// How often, and at what interval, to retry while another process cleans up. The wait is short, because every user who
/// can read a directory can lock it.
const TRIES: u32 = 20;
const APART: Duration = Duration::from_millis(10);

/// Marks a directory as in use while this value lives. The lock ends with the process, even after a crash.
#[derive(Debug)]
pub(crate) struct AtWork {
    _directory: Option<File>,
}

/// Marks a directory as in use. If no other process uses it, removes leftovers with this prefix first.
pub(crate) fn at_work(directory: &Path, prefix: &str) -> AtWork {
    // Errors here are ignored: they must not prevent the work itself.
    let Ok(opened) = File::open(directory) else { return AtWork { _directory: None } };
    if flock(&opened, FlockOperation::NonBlockingLockExclusive).is_ok() && is_own(&opened) {
        sweep(directory, prefix);
    }
    for _ in 0..TRIES {
        if flock(&opened, FlockOperation::NonBlockingLockShared).is_ok() {
            break;
        }
        std::thread::sleep(APART);
    }
    AtWork { _directory: Some(opened) }
}

/// In a directory that others can write, somebody may have created a matching name to have it removed.
fn is_own(directory: &File) -> bool {
    let user = rustix::process::geteuid().as_raw();
    directory.metadata().is_ok_and(|found| found.uid() == user && found.mode() & 0o022 == 0)
}

fn sweep(directory: &Path, prefix: &str) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let is_left = entry.file_name().to_str().is_some_and(|name| is_temporary(name, prefix));
        // The type of the entry itself: a symbolic link is removed, not followed.
        let Ok(kind) = entry.file_type() else { continue };
        let removed = match is_left {
            false => continue,
            true if kind.is_dir() => std::fs::remove_dir_all(entry.path()),
            true => std::fs::remove_file(entry.path()),
        };
        // A leftover that cannot be removed is harmless.
        drop(removed);
    }
}

/// The format of temporary names: the prefix and six letters or digits.
fn is_temporary(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const PREFIX: &str = ".new-policy-";

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_unused_leftovers_are_removed() {
        let place = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        std::fs::create_dir_all(at(".new-policy-abc123/src")).unwrap();
        std::fs::write(at(".new-policy-abc124"), "").unwrap();
        std::fs::write(elsewhere.path().join("kept"), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), at(".new-policy-abc125")).unwrap();
        for kept in [".new-policy-", ".new-policy-of-mine", ".new-policy-abc12", "new-policy-abc123", ".other-abc123"] {
            std::fs::write(at(kept), "").unwrap();
        }
        drop(at_work(place.path(), PREFIX));
        let left = [".new-policy-", ".new-policy-abc12", ".new-policy-of-mine", ".other-abc123", "new-policy-abc123"];
        assert_eq!(names(place.path()), left);
        assert_eq!(names(elsewhere.path()), ["kept"]);
    }

    #[test]
    fn leftovers_in_use_are_kept() {
        let place = tempfile::tempdir().unwrap();
        let first = at_work(place.path(), PREFIX);
        std::fs::create_dir(place.path().join(".new-policy-abc123")).unwrap();
        let second = at_work(place.path(), PREFIX);
        drop(first);
        drop(at_work(place.path(), PREFIX));
        assert_eq!(names(place.path()), [".new-policy-abc123"]);
        drop(second);
        drop(at_work(place.path(), PREFIX));
        assert!(names(place.path()).is_empty());
    }

    #[test]
    fn nothing_is_removed_where_others_can_write() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join(".new-policy-abc123"), "").unwrap();
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
        drop(at_work(place.path(), PREFIX));
        assert_eq!(names(place.path()), [".new-policy-abc123"]);
        drop(at_work(&place.path().join("nowhere"), PREFIX));
    }
}
