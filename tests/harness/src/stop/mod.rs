//! Runs a program that stops before each system call that changes or syncs a file, in any thread; the test then decides
//! what happens. So every such call is a point of failure, in one order, without support from the program. Operations
//! through io_uring and stores to mapped files are not seen.

mod call;
mod filter;

use std::time::{Duration, Instant};

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal};

use crate::command::{Invocation, Ran};
use crate::syscalls::{MUTATIONS, SYNCS};
pub use call::Call;
use filter::{Listener, Notified};

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It runs.
    Go,
    /// It does not run and returns this error.
    Fail(Errno),
    /// For `write` or `pwrite64`: only this many bytes are written.
    Short(usize),
    /// It does not run: SIGKILL ends the process before it.
    Kill,
}

impl Invocation {
    /// Runs the program until it exits, and calls `decide` before each call that changes or syncs a file.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    #[track_caller]
    pub fn run_stopping(self, mut decide: impl FnMut(&Call) -> Then) -> Ran {
        let (limit, shown) = (self.limit, format!("{self:?}"));
        let end = Instant::now() + limit;
        let places = MUTATIONS.iter().filter(|one| !one.places.is_empty()).map(|one| one.number);
        let numbers: Vec<_> = places.chain(SYNCS.iter().map(|(_, number)| *number)).collect();
        let mut running = self.spawn_with(|command| filter::stop_before(command, &numbers));
        let listener = Listener::of(running.child()).expect("the child has made its listener");
        while let Ok(stop) = listener.next(Duration::from_millis(200)) {
            let Some(stop) = stop else {
                assert!(Instant::now() < end, "{shown} was still running after {limit:?}\n{}", running.transcript());
                continue;
            };
            match Call::read(&stop) {
                Some(call) => act(&listener, &stop, &call, decide(&call)),
                None => listener.go_on(&stop),
            }
        }
        running.finished(limit).unwrap_or_else(|| panic!("{shown} left something running"))
    }
}

fn act(listener: &Listener, stop: &Notified, call: &Call, then: Then) {
    match then {
        Then::Go => listener.go_on(stop),
        Then::Fail(errno) => listener.instead(stop, Err(errno.raw_os_error())),
        Then::Short(bytes) => match write_part(call, bytes) {
            Ok(written) => listener.instead(stop, Ok(written as i64)),
            Err(errno) => listener.instead(stop, Err(errno.raw_os_error())),
        },
        Then::Kill => {
            // The process is stopped before its call, so its id cannot be reused.
            let _gone = rustix::process::kill_process(process(call), Signal::KILL);
        }
    }
}

fn process(call: &Call) -> Pid {
    i32::try_from(call.pid).ok().and_then(Pid::from_raw).expect("a process has an id")
}

/// Writes for the program, to the same open file.
fn write_part(call: &Call, bytes: usize) -> Result<usize, Errno> {
    let written = call.written.expect("only calls that write one buffer can be cut short");
    let pidfd = rustix::process::pidfd_open(process(call), PidfdFlags::empty())?;
    let file: OwnedFd = rustix::process::pidfd_getfd(pidfd, written.descriptor, PidfdGetfdFlags::empty())?;
    let buffer = call.buffer(bytes.min(written.bytes as usize));
    match written.offset {
        Some(offset) => rustix::io::pwrite(&file, &buffer, offset),
        None => rustix::io::write(&file, &buffer),
    }
}
