//! A lease on a file: the kernel grants a write lease only if nobody else has the file open or mapped, and a read
//! lease only if nobody can write to it. While it is held, whoever opens the file in conflict with it waits
//! (fcntl(2), "Leases").
#![expect(unsafe_code, reason = "rustix has no leases; three commands of fcntl(2) that take no pointers")]

use rustix::fd::{AsRawFd as _, BorrowedFd};

/// The same number on all architectures that use `asm-generic/fcntl.h`; the crate libc does not have it on all.
const F_SETSIG: libc::c_int = 10;

/// What nobody else has while a lease is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The file is open for writing nowhere.
    Read,
    /// The file is open nowhere else at all.
    Write,
}

/// The answer to a request for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lease {
    /// Granted until the descriptor is closed.
    Held,
    /// Another process has the file open.
    InUse,
    /// This file system has no leases, or this user may not take one on this file.
    Unsupported,
}

/// Asks for a lease on a file that is open for reading.
pub(crate) fn take(file: BorrowedFd<'_>, kind: Kind) -> Lease {
    // SIGIO, which the kernel sends by default to the holder of a lease that somebody waits for, ends a process that
    // does not expect it. SIGURG is ignored.
    if command(file, F_SETSIG, libc::SIGURG).is_err() {
        return Lease::Unsupported;
    }
    let lock = match kind {
        Kind::Read => libc::F_RDLCK,
        Kind::Write => libc::F_WRLCK,
    };
    match command(file, libc::F_SETLEASE, lock) {
        Ok(_) => Lease::Held,
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY)) => Lease::InUse,
        Err(_) => Lease::Unsupported,
    }
}

/// Whether another process waits for the end of a write lease.
pub(crate) fn is_wanted(file: BorrowedFd<'_>) -> bool {
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
    fn a_read_lease_needs_the_file_to_have_no_writer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let writer = std::fs::File::create(&path).unwrap();
        let mine = std::fs::File::open(&path).unwrap();
        match take(mine.as_fd(), Kind::Read) {
            Lease::Unsupported => return,
            lease => assert_eq!(lease, Lease::InUse),
        }
        drop(writer);
        let _reader = std::fs::File::open(&path).unwrap();
        assert_eq!(take(mine.as_fd(), Kind::Read), Lease::Held);
    }

    #[test]
    fn a_lease_needs_the_file_to_be_open_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "x").unwrap();
        let mine = std::fs::File::open(&path).unwrap();
        let other = std::fs::File::open(&path).unwrap();
        match take(mine.as_fd(), Kind::Write) {
            Lease::Unsupported => return,
            lease => assert_eq!(lease, Lease::InUse),
        }
        assert_eq!(take(mine.as_fd(), Kind::Read), Lease::Held);
        drop(other);
        assert_eq!(take(mine.as_fd(), Kind::Write), Lease::Held);
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
