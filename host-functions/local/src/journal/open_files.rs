//! Which journal files are open, from `/proc/<pid>/fd`.
//!
//! Removing an open file frees nothing until it is closed. A reader such as `journalctl -f` or a log shipper holds
//! every journal file open, but hears of a removal and lets go. Whoever holds one open for writing is not
//! finished with it: journald itself keeps the file that it rotated last for a while.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host's /proc")]

use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;

use ansai_core::Refusal;
use rustix::fs::{AtFlags, StatxFlags};

use super::directory::{Identity, device};
use ansai_kit::host::Host;

/// Far beyond what a machine has.
const MOST_HANDLES: usize = 5_000_000;

/// How a file is held open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    /// By readers only.
    Read,
    /// By somebody who can write.
    Written,
}

/// The journal files that are open, as far as this process may see.
#[derive(Debug, Default)]
pub(super) struct OpenFiles(HashMap<(String, u64), Held>);

impl OpenFiles {
    /// How this file is held open, if it is.
    pub(super) fn held(&self, file: &Identity) -> Option<Held> {
        self.0.get(&(file.device.clone(), file.inode)).copied()
    }

    /// Looks at all processes. Half a look is none: when time is over, it is refused.
    pub(super) fn look(host: &Host, is_over: &dyn Fn() -> bool) -> Result<OpenFiles, Refusal> {
        let mut open = OpenFiles::default();
        let mut handles = 0;
        let processes = std::fs::read_dir(host.path("/proc")).map_err(|error| Refusal::io("/proc", &error))?;
        for process in processes.flatten() {
            if !process.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
                continue;
            }
            // Processes end, and those of others may be hidden.
            let Ok(list) = std::fs::read_dir(process.path().join("fd")) else {
                continue;
            };
            for handle in list.flatten() {
                handles += 1;
                if handles > MOST_HANDLES || is_over() {
                    return Err(Refusal::TimedOut("the open files of all processes were not seen in time".into()));
                }
                open.take(&process.path(), &handle.path());
            }
        }
        Ok(open)
    }

    fn take(&mut self, process: &Path, handle: &Path) {
        use std::os::unix::ffi::OsStrExt as _;
        // The name first: asking a file on a dead server for its identity would hold this thread.
        let is_journal = std::fs::read_link(handle)
            .is_ok_and(|link| link.as_os_str().as_bytes().windows(8).any(|part| part == b".journal"));
        if !is_journal {
            return;
        }
        let Ok(stat) = rustix::fs::statx(rustix::fs::CWD, handle, AtFlags::empty(), StatxFlags::BASIC_STATS) else {
            return;
        };
        let held = if handle.file_name().is_some_and(|number| reads_only(&process.join("fdinfo").join(number))) {
            Held::Read
        } else {
            Held::Written
        };
        let entry = self.0.entry((device(&stat), stat.stx_ino)).or_insert(held);
        *entry = held.max(*entry);
    }
}

/// From the line `flags: 0100000`, octal as for open(2). What cannot be told may write.
fn reads_only(info: &Path) -> bool {
    let mut text = String::new();
    let read = std::fs::File::open(info).and_then(|file| file.take(4_096).read_to_string(&mut text));
    read.is_ok() && access(&text) == Some(0)
}

fn access(info: &str) -> Option<u32> {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    Some(u32::from_str_radix(flags.trim(), 8).ok()? & 3)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use super::*;

    #[test]
    fn the_access_of_a_handle() {
        assert_eq!(access("pos:\t0\nflags:\t02100002\nmnt_id:\t1\n"), Some(2));
        assert_eq!(access("pos:\t0\nflags:\t02100000\n"), Some(0));
        assert_eq!(access("flags:\tzz\n"), None);
        assert_eq!(access(""), None);
    }

    #[test]
    fn own_handles_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::at("/");
        let path = |name: &str| directory.path().join(name);
        let identity = |name: &str| {
            use std::os::unix::fs::MetadataExt as _;
            let stat = std::fs::metadata(path(name)).unwrap();
            let device = format!("{}:{}", rustix::fs::major(stat.dev()), rustix::fs::minor(stat.dev()));
            Identity { device, inode: stat.ino(), modified: (0, 0), size: 0 }
        };
        for name in ["read.journal", "written.journal", "damaged.journal~", "closed.journal", "other"] {
            std::fs::write(path(name), "x").unwrap();
        }
        let _read = std::fs::File::open(path("read.journal")).unwrap();
        let _both = std::fs::File::open(path("written.journal")).unwrap();
        let _written = std::fs::File::options().append(true).open(path("written.journal")).unwrap();
        let _damaged = std::fs::File::open(path("damaged.journal~")).unwrap();
        let _other = std::fs::File::open(path("other")).unwrap();
        let open = OpenFiles::look(&host, &|| false).unwrap();
        assert!(OpenFiles::look(&host, &|| true).is_err());
        assert_eq!(open.held(&identity("read.journal")), Some(Held::Read));
        assert_eq!(open.held(&identity("written.journal")), Some(Held::Written));
        assert_eq!(open.held(&identity("damaged.journal~")), Some(Held::Read));
        assert_eq!(open.held(&identity("closed.journal")), None);
        assert_eq!(open.held(&identity("other")), None);
    }
}
