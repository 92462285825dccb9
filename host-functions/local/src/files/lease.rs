//! A write lease on a file: the kernel gives one only where nobody else has the file open, and makes whoever
//! opens it meanwhile wait until it is given back (fcntl(2), "Leases").
#![expect(unsafe_code, reason = "rustix has no leases; three commands of fcntl(2) that take no pointers")]

use rustix::fd::{AsRawFd as _, BorrowedFd};

/// The same number on all architectures that use `asm-generic/fcntl.h`; the crate libc does not have it on all.
const F_SETSIG: libc::c_int = 10;

/// What came of asking for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lease {
    /// Kept until the handle is closed.
    Held,
    /// Somebody else has the file open.
    InUse,
    /// This file system, or this user, has no leases on it.
    Unsupported,
}

/// Asks for a write lease on an open file.
pub(super) fn take(file: BorrowedFd<'_>) -> Lease {
    // The default signal when somebody waits, SIGIO, ends a process that does not expect it. SIGURG is ignored.
    if command(file, F_SETSIG, libc::SIGURG).is_err() {
        return Lease::Unsupported;
    }
    match command(file, libc::F_SETLEASE, libc::F_WRLCK) {
        Ok(_) => Lease::Held,
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY)) => Lease::InUse,
        Err(_) => Lease::Unsupported,
    }
}

/// Whether somebody waits for the lease to be given back.
pub(super) fn is_wanted(file: BorrowedFd<'_>) -> bool {
    command(file, libc::F_GETLEASE, 0).is_ok_and(|kind| kind != libc::F_WRLCK)
}

fn command(file: BorrowedFd<'_>, command: libc::c_int, argument: libc::c_int) -> std::io::Result<libc::c_int> {
    // SAFETY: the descriptor is open as long as it is borrowed, and none of the commands above takes a pointer.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, argument) } {
        -1 => Err(std::io::Error::last_os_error()),
        done => Ok(done),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;
    use rustix::fd::AsFd as _;

    #[test]
    fn a_lease_needs_the_file_to_be_open_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "x").unwrap();
        let mine = std::fs::File::open(&path).unwrap();
        let other = std::fs::File::open(&path).unwrap();
        match take(mine.as_fd()) {
            Lease::Unsupported => return,
            lease => assert_eq!(lease, Lease::InUse),
        }
        drop(other);
        assert_eq!(take(mine.as_fd()), Lease::Held);
        assert!(!is_wanted(mine.as_fd()));
        let waiting = {
            let path = path.clone();
            std::thread::spawn(move || std::fs::File::open(path).is_ok())
        };
        while !is_wanted(mine.as_fd()) {
            std::thread::yield_now();
        }
        drop(mine);
        assert!(waiting.join().unwrap());
    }
}
