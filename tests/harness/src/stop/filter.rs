//! The kernel's part: a seccomp filter that stops a thread before chosen calls, and the descriptor through which the
//! stops are reported and answered (seccomp_unotify(2)).
#![expect(unsafe_code, reason = "neither the standard library nor rustix has seccomp, poll or ioctl")]

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

/// Where the child keeps the descriptor until the parent has a copy: a number that nothing else uses.
const KEPT_AT: libc::c_int = 200;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// A stop: the call, its arguments and the thread.
pub(super) type Notified = libc::seccomp_notif;

/// Makes a program that is about to start stop before each of these calls.
pub(super) fn stop_before(command: &mut Command, numbers: &[libc::c_long]) {
    let program = program(numbers);
    // SAFETY: between fork and exec, nothing is allocated and only system calls are made.
    unsafe {
        command.pre_exec(move || install(&program));
    }
}

/// The parent's end of the descriptor.
pub(super) struct Listener(OwnedFd);

impl Listener {
    pub(super) fn of(child: &Child) -> io::Result<Self> {
        let pidfd = rustix::process::pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
        Ok(Self(rustix::process::pidfd_getfd(pidfd, KEPT_AT, PidfdGetfdFlags::empty())?))
    }

    /// Waits for the next stop: `None` if there was none for this long, an error if all threads have ended.
    pub(super) fn next(&self, patience: Duration) -> io::Result<Option<Notified>> {
        let mut wanted = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let millis = libc::c_int::try_from(patience.as_millis()).unwrap_or(libc::c_int::MAX);
        // SAFETY: one structure, which outlives the call.
        unsafe { libc::poll(&raw mut wanted, 1, millis) };
        if wanted.revents & libc::POLLIN == 0 {
            let over = wanted.revents & (libc::POLLHUP | libc::POLLERR) != 0;
            return if over { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(None) };
        }
        // SAFETY: the kernel requires a zeroed structure, and all zeros are valid for it.
        let mut notified: Notified = unsafe { std::mem::zeroed() };
        // SAFETY: the structure is the one that this request fills.
        match unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut notified) } {
            0 => Ok(Some(notified)),
            // The thread was killed in the meantime.
            _ => Ok(None),
        }
    }

    /// Lets the call continue.
    pub(super) fn go_on(&self, notified: &Notified) {
        self.answer(notified, 0, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32);
    }

    /// Returns this result instead of making the call: an error number, or a value.
    pub(super) fn instead(&self, notified: &Notified, result: Result<i64, i32>) {
        match result {
            Ok(value) => self.answer(notified, value, 0, 0),
            Err(errno) => self.answer(notified, 0, -errno, 0),
        }
    }

    fn answer(&self, notified: &Notified, val: i64, error: i32, flags: u32) {
        let mut answer = libc::seccomp_notif_resp { id: notified.id, val, error, flags };
        // SAFETY: the structure is the one that this request reads. It is not an error if the thread has ended.
        unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) };
    }
}

/// Checks the architecture, and ignores other ones; then compares the call's number with each of these.
fn program(numbers: &[libc::c_long]) -> Vec<libc::sock_filter> {
    let step = |code: u32, k: u32, jt: usize, jf: usize| libc::sock_filter {
        code: u16::try_from(code).expect("operation codes are small"),
        jt: u8::try_from(jt).expect("fewer calls than a jump can cross"),
        jf: u8::try_from(jf).expect("fewer calls than a jump can cross"),
        k,
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let give = libc::BPF_RET | libc::BPF_K;
    let mut program = vec![step(load, 4, 0, 0), step(equal, ARCHITECTURE, 0, numbers.len() + 1), step(load, 0, 0, 0)];
    for (place, number) in numbers.iter().enumerate() {
        let number = u32::try_from(*number).expect("system calls have small numbers");
        program.push(step(equal, number, numbers.len() - place, 0));
    }
    program.push(step(give, libc::SECCOMP_RET_ALLOW, 0, 0));
    program.push(step(give, libc::SECCOMP_RET_USER_NOTIF, 0, 0));
    program
}

/// Installs the filter, in the child, right before its program starts.
fn install(program: &[libc::sock_filter]) -> io::Result<()> {
    let filter = libc::sock_fprog { len: program.len() as libc::c_ushort, filter: program.as_ptr().cast_mut() };
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    // SAFETY: plain system calls; the filter outlives the one that reads it.
    unsafe {
        // Without this, only root can install a filter.
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            return Err(io::Error::last_os_error());
        }
        let listener = libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const filter);
        if listener < 0 || libc::dup2(listener as libc::c_int, KEPT_AT) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
