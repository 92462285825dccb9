//! A cache of the mount table, refreshed only when the kernel reports a change: to format and parse the table takes
//! several times as long as to ask every file system for its level.
#![expect(clippy::disallowed_methods, reason = "an adapter to the kernel's table of mounts")]

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::mounts::{self, Mount};
use crate::safety::identity::Stat;

const TABLE: &str = "/proc/self/mountinfo";
const NAMESPACE: &str = "/proc/self/ns/mnt";

/// A value made from the table, and what tells whether it is still valid.
struct Kept<T> {
    /// The open table. poll(2) reports whether it has changed since the last poll (proc_pid_mountinfo(5)).
    file: File,
    /// What tells the mount namespace of the file from others. This process may have moved to another one.
    namespace: u64,
    made: Arc<T>,
}

/// A value that is made from the mount table and kept until the table changes.
pub(super) struct FromTable<T>(Mutex<Option<Kept<T>>>);

impl<T> FromTable<T> {
    pub(super) const fn new() -> Self {
        FromTable(Mutex::new(None))
    }

    /// The value, made again if the table has changed; `None` if the table cannot be read.
    pub(super) fn get(&self, make: fn(Vec<Mount>) -> T) -> Option<Arc<T>> {
        // A panic leaves no partial value behind: the value is replaced as a whole.
        let mut kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let namespace = namespace()?;
        // Polled before the table is read, so the next poll reports a change in between.
        let file = match kept.take() {
            Some(one) if one.namespace == namespace => {
                if !changed(&one.file) {
                    return Some(kept.insert(one).made.clone());
                }
                one.file
            }
            _ => File::open(TABLE).ok()?,
        };
        let made = Arc::new(make(mounts::table_of(&file).ok()?));
        Some(kept.insert(Kept { file, namespace, made }).made.clone())
    }
}

/// The number of the mount of `/`, which costs a tenth of a look at the namespace itself. Each namespace has mounts of its
/// own, and the open table keeps the numbers of its namespace in use. Before Linux 5.8, the number of the namespace.
fn namespace() -> Option<u64> {
    match Stat::cached(Path::new("/")) {
        Ok(root) if root.mount != 0 => Some(root.mount),
        _ => Some(std::fs::metadata(NAMESPACE).ok()?.ino()),
    }
}

fn changed(table: &File) -> bool {
    let mut asked = [PollFd::new(table, PollFlags::PRI)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    // If poll(2) fails, assume that the table has changed.
    poll(&mut asked, Some(&at_once)) != Ok(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, reason = "tests")]
    use std::process::Command;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn the_table_is_read_once_while_it_stays_and_again_when_it_changed() {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let kept = FromTable::new();
        let look = || {
            kept.get(|table| {
                MADE.fetch_add(1, Ordering::Relaxed);
                table
            })
        };
        // Other tests may mount meanwhile; between two changes it is kept.
        let looks: Vec<_> = (0..200).map(|_| look().unwrap()).collect();
        assert!(looks.windows(2).any(|pair| Arc::ptr_eq(&pair[0], &pair[1])), "it was read each time");
        if !rustix::process::geteuid().is_root() {
            assert!(std::env::var_os("CI").is_none(), "CI runs as root");
            eprintln!("skipped: mounting needs root");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let before = look().unwrap();
        rustix::mount::mount("tmpfs", dir.path(), "tmpfs", rustix::mount::MountFlags::empty(), None).unwrap();
        let during = look().unwrap();
        rustix::mount::unmount(dir.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
        let after = look().unwrap();
        let has = |table: &[Mount]| table.iter().any(|mount| mount.point == dir.path());
        assert!(!has(&before) && has(&during) && !has(&after));
    }

    /// Would break: the mounts of a namespace that this process has left.
    #[test]
    fn another_namespace_has_another_number() {
        if !rustix::process::geteuid().is_root() {
            assert!(std::env::var_os("CI").is_none(), "CI runs as root");
            eprintln!("skipped: a namespace needs root");
            return;
        }
        let own = namespace().unwrap();
        assert_eq!(namespace(), Some(own));
        let elsewhere = Command::new("unshare").args(["-m", "cat", TABLE]).output().unwrap();
        let table = String::from_utf8(elsewhere.stdout).unwrap();
        let numbers: Vec<u64> = table.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
        assert!(!numbers.is_empty() && !numbers.contains(&own), "{own}: {table}");
    }
}
