//! A log that a service writes to, and that is compressed because nobody wrote to it for long: its name stays, as an empty
//! file. The service may write to the file but not create one in its directory, or not start without it.

use std::io;

use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::metadata;
use super::report::{changed, failed};
use crate::safety::beneath::{Mounts, open};
use crate::safety::identity::{Inode, Stat};
use crate::safety::lease::{self, Kind, Lease};
use crate::safety::reason::{Blocked, Reason};
use crate::safety::{entry, guard, safe_unlink};
use ansai_kit::action::Fate;

/// Extensions of logs, and names of logs without one.
const EXTENSIONS: &[&[u8]] = &[b"log", b"out", b"err"];
const NAMES: &[&[u8]] = &[
    b"syslog",
    b"messages",
    b"secure",
    b"maillog",
    b"cron",
    b"debug",
    b"dmesg",
    b"user",
    b"access_log",
    b"error_log",
    b"wtmp",
    b"btmp",
    b"lastlog",
    b"faillog",
    b"spooler",
    b"boot",
];
/// The fewest digits of a date in a name: `20260107`, `2026-01-07`.
const DATE: usize = 6;

/// Whether a service may write to a file of this name again. What a rotation renamed has a number or a date.
pub(super) fn is_live(name: &[u8]) -> bool {
    if NAMES.contains(&name) {
        return true;
    }
    let Some((stem, extension)) = name.iter().rposition(|byte| *byte == b'.').and_then(|at| name.split_at_checked(at))
    else {
        return false;
    };
    let is_of_a_date = || {
        let end = stem.iter().rev().take_while(|byte| byte.is_ascii_digit() || b"-_.:T".contains(byte));
        end.filter(|byte| byte.is_ascii_digit()).count() >= DATE
    };
    EXTENSIONS.iter().any(|log| extension.get(1..) == Some(*log)) && !is_of_a_date()
}

/// An empty file with the owner, mode and attributes of a log, which has its own name not yet.
pub(super) struct Empty {
    pub(super) inode: Inode,
}

/// Creates it under a name of ansai's own, from another file with the same owner and attributes.
pub(super) fn create(parent: BorrowedFd<'_>, temporary: &[u8], like: BorrowedFd<'_>, stat: &Stat) -> io::Result<Empty> {
    Ok(Empty { inode: metadata::create_like(parent, temporary, like, stat)? })
}

/// Gives it the name of the log, which is free now; `None` if the service has created a new log already.
pub(super) fn put(
    parent: BorrowedFd<'_>,
    temporary: &[u8],
    name: &[u8],
    empty: &Empty,
) -> Result<Option<Inode>, Errno> {
    match entry::rename_new(parent, temporary, parent, name) {
        Ok(()) => Ok(Some(empty.inode)),
        Err(error) => {
            let _ = entry::remove(parent, temporary);
            if error == Errno::EXIST { Ok(None) } else { Err(error) }
        }
    }
}

/// Undo: removes the empty file, if it is still the one that the step left, and still empty.
pub(super) fn remove(parent: BorrowedFd<'_>, name: &[u8], left: Inode, aside: &[u8]) -> Result<(), Fate> {
    let handle: OwnedFd = match open(parent, name, OFlags::PATH, Mounts::Stay) {
        Ok(handle) => handle,
        // An earlier undo was interrupted here; what it set aside is removed.
        Err(Errno::NOENT) => {
            if Stat::at(parent, aside)
                .is_ok_and(|stat| stat.size == 0 && safe_unlink::only_number(left.1, &stat).is_ok())
            {
                entry::remove(parent, aside).map_err(|error| failed("removing the empty file", error))?;
            }
            return Ok(());
        }
        Err(Errno::LOOP) => return Err(changed("another file has its name")),
        Err(error) => return Err(failed("opening the empty file", error)),
    };
    let stat = Stat::of(&handle).map_err(|error| failed("looking at the empty file", error))?;
    if stat.ino != left.1 || !stat.is_file() {
        return Err(Fate::Skipped("exists: there is a file of the new name".into()));
    }
    let file = guard::reopen(&handle)?;
    let is_unused = |stat: &Stat| {
        safe_unlink::only_number(left.1, stat)?;
        if stat.size > 0 {
            return Err(Blocked::changed("the new log was written to"));
        }
        match &file {
            Some(file) if lease::take(file.as_fd(), Kind::Write) == Lease::InUse => Err(Reason::Open.into()),
            _ => Ok(()),
        }
    };
    is_unused(&stat)?;
    Ok(safe_unlink::remove(parent, name, aside, is_unused)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_log_is_not_live() {
        for name in ["auth.log", "node1.log", "web-1.log", "error.err", "syslog", "a.b.log", "x.2026.log"] {
            assert!(is_live(name.as_bytes()), "{name}");
        }
        for name in [
            "auth.log.1",
            "auth.log-20260107",
            "app-2026-01-07.log",
            "app.20260107.log",
            "app_2026-01-07T10:00.out",
            "syslog.1",
            "data",
            "a.old",
            "core.12345",
            "a.txt",
        ] {
            assert!(!is_live(name.as_bytes()), "{name}");
        }
    }
}
