//! Processes that use a file without a descriptor that `/proc/<pid>/fd` shows.
#![allow(unsafe_code, reason = "mmap(2) has no safe form")]

use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A mapping of this process. Its file is closed: only `/proc/<pid>/maps` shows it.
pub(crate) struct Mapping {
    at: *mut libc::c_void,
    length: usize,
}

impl Mapping {
    pub(crate) fn shared_writable(path: &Path) -> Mapping {
        let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
        Mapping::of(&file, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED)
    }

    pub(crate) fn read_only(path: &Path) -> Mapping {
        Mapping::of(&std::fs::File::open(path).unwrap(), libc::PROT_READ, libc::MAP_PRIVATE)
    }

    fn of(file: &std::fs::File, protection: libc::c_int, flags: libc::c_int) -> Mapping {
        let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
        // SAFETY: a new mapping, at an address that the kernel chooses, that is never read or written.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, file.as_raw_fd(), 0) };
        assert_ne!(at, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
        Mapping { at, length }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly what `of` mapped; nobody has a reference into it.
        assert_eq!(unsafe { libc::munmap(self.at, self.length) }, 0);
    }
}

/// A program that runs from a file: the file is mapped and nobody has it open.
pub(crate) struct Running(Child);

impl Running {
    /// Replaces the content of `path` by a program and starts it.
    pub(crate) fn from(path: &Path) -> Running {
        std::fs::copy("/bin/sleep", path).unwrap();
        crate::scene::mode(path, 0o755);
        Running(Command::new(path).arg("600").stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
