//! What the child process does between fork and exec.
#![expect(
    unsafe_code,
    reason = "the standard library has no safe way to start a session, drop groups or set the umask"
)]

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::fs::Mode;
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::{Gid, Pid, Resource, Signal, Uid};

/// The first descriptor after the standard streams.
const FIRST: u32 = 3;
/// Where the kernel cannot close all at once, descriptors above this number are not found.
const MOST_DESCRIPTORS: u64 = 1 << 20;

/// What the child process becomes.
pub(super) struct Child {
    /// The process that starts it, if the child can see it.
    pub(super) parent: Option<Pid>,
    pub(super) user: Option<(Uid, Gid)>,
    /// What it gets besides the standard streams, under the same numbers.
    pub(super) given: Vec<OwnedFd>,
}

impl Child {
    /// Has it done in the child process.
    pub(super) fn prepare(self, command: &mut Command) {
        // SAFETY: between fork and exec, only what is safe in a signal handler is allowed: another thread may have held a
        // lock. `become_it` makes system calls; it neither allocates nor takes a lock.
        unsafe {
            command.pre_exec(move || self.become_it());
        }
    }

    fn become_it(&self) -> io::Result<()> {
        rustix::process::setsid()?;
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
        close_on_exec();
        for given in &self.given {
            fcntl_setfd(given, FdFlags::empty())?;
        }
        if let Some((uid, gid)) = self.user {
            // In this order: afterwards it may not change groups any more. The calls are for one thread, and there is one.
            rustix::thread::set_thread_groups(&[])?;
            rustix::thread::set_thread_res_gid(gid, gid, gid)?;
            rustix::thread::set_thread_res_uid(uid, uid, uid)?;
        }
        // Last, since the kernel clears it when credentials change.
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have ended just before.
        match self.parent.is_none() || rustix::process::getppid() == self.parent {
            true => Ok(()),
            false => Err(Errno::SRCH.into()),
        }
    }
}

/// Has the program of `command` start with a session of its own and without descriptors but its standard streams, and end
/// with the *thread* that starts it. For `ansai-isolation`, whose children may be in a namespace in which they have no
/// parent: they find out by their socket that it ended before.
pub fn prepare_detached(command: &mut Command) {
    Child { parent: None, user: None, given: Vec::new() }.prepare(command);
}

/// Has the kernel close every descriptor but the standard streams at exec. Those that the standard library opens are
/// closed then anyway; those of other code need not be.
fn close_on_exec() {
    let (first, last) = (libc::c_ulong::from(FIRST), libc::c_ulong::from(u32::MAX));
    // SAFETY: the system call takes three numbers, and closes nothing before exec.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
    if done != 0 {
        close_on_exec_one_by_one();
    }
}

/// For kernels before 5.11.
fn close_on_exec_one_by_one() {
    let limit = rustix::process::getrlimit(Resource::Nofile).maximum.unwrap_or(MOST_DESCRIPTORS);
    let limit = u32::try_from(limit.min(MOST_DESCRIPTORS)).unwrap_or(FIRST);
    for descriptor in FIRST..limit {
        let Ok(descriptor) = libc::c_int::try_from(descriptor) else { return };
        // SAFETY: the command takes a number and changes a flag; a number that is no descriptor is refused.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, OFlags, openat};
    use rustix::io::fcntl_getfd;

    #[test]
    fn without_the_system_call_every_descriptor_is_closed_at_exec_too() {
        // Without CLOEXEC.
        let file = openat(CWD, "/dev/null", OFlags::RDONLY, Mode::empty()).unwrap();
        assert_eq!(fcntl_getfd(&file), Ok(FdFlags::empty()));
        close_on_exec_one_by_one();
        assert_eq!(fcntl_getfd(&file), Ok(FdFlags::CLOEXEC));
    }
}
