//! Disposable processes of this program.
//!
//! A process is started by a clean exec: `PATH` and `LANG` as its whole environment, `/` as its directory, a session of its
//! own, and no descriptor but one end of a socket pair (standard input) and standard error, whose lines are logged. It is
//! killed when its [`Process`] is dropped, and when this program ends. One thread starts and reaps all of them: the kernel
//! ends a child with the *thread* that started it.

mod account;
mod error;
mod keeper;
mod launch;
mod standard_error;

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ansai_kit::program::ITSELF;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

pub use account::Account;
pub use error::StartError;

use crate::channel::BlockingChannel;
use crate::report::{Profile, Report};
use crate::started;
use keeper::{Keeper, State};

/// What a process may use. Per profile, [`Limits::of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory that it can write and that is its own, in bytes (`RLIMIT_DATA`). Address space that is only reserved does not
    /// count, so that WebAssembly memories can be.
    pub data_bytes: u64,
    /// Address space in bytes (`RLIMIT_AS`); `None` for no limit.
    pub address_space_bytes: Option<u64>,
    /// Open descriptors.
    pub open_files: u64,
    /// Processes and threads of all processes of its user together, as the kernel counts them. Not enforced without a user
    /// of its own: other programs of that user count too.
    pub threads: u64,
    /// The largest memory file that it can write, in bytes, until it [gives that up](crate::confine::end_files). It cannot
    /// open any other file for writing.
    pub file_bytes: u64,
}

impl Limits {
    /// The limits of a profile.
    pub fn of(profile: Profile) -> Limits {
        match profile {
            // The threads of all workers of one user: there are as many workers as evaluations at the same time.
            Profile::Guest => {
                // A component has at most 64 MiB; its initial memory has gaps of zeros too. One file for each memory.
                let (open_files, file_bytes) = (1024, 256 << 20);
                Limits { data_bytes: 2 << 30, address_space_bytes: None, open_files, threads: 1024, file_bytes }
            }
            Profile::Reach => {
                Limits { data_bytes: 512 << 20, address_space_bytes: None, open_files: 512, threads: 64, file_bytes: 0 }
            }
            Profile::Lookup => {
                Limits { data_bytes: 128 << 20, address_space_bytes: None, open_files: 128, threads: 64, file_bytes: 0 }
            }
        }
    }
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Start {
    /// The program; this one by default.
    pub program: PathBuf,
    /// Its arguments. One follows them: what the child passes to [`begin`](crate::confine::begin).
    pub arguments: Vec<String>,
    /// What it is for.
    pub profile: Profile,
    /// Its user.
    pub account: Account,
    /// What it may use.
    pub limits: Limits,
}

impl Start {
    /// This program with one argument, the limits and the user of the profile, and the [purpose](Account::purpose).
    pub fn new(argument: &str, profile: Profile, purpose: &str) -> Start {
        Start {
            program: ITSELF.into(),
            arguments: vec![argument.to_owned()],
            profile,
            account: Account::new(profile.user(), purpose),
            limits: Limits::of(profile),
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it. `SIGSYS` (31) means a system call that its filter forbids.
    Signalled(i32),
    /// It ended, and somebody else took the reason.
    Unknown,
}

/// A process. Dropping it kills it; it is reaped without anybody waiting.
#[derive(Debug)]
pub struct Process {
    state: Arc<State>,
}

impl Process {
    /// Starts it. Returns it and this end of the socket pair: for [`Channel::new`](crate::Channel::new) or
    /// [`BlockingChannel::new`](crate::BlockingChannel::new). Blocks for a few milliseconds.
    ///
    /// # Errors
    /// The program cannot be started, or no user is free.
    pub fn start(start: &Start) -> Result<(Process, OwnedFd), StartError> {
        let keeper = Keeper::get()?;
        let user = keeper.user(&start.account)?;
        let (state, socket) = keeper.start(launch::Launch::new(start, user))?;
        Ok((Process { state }, socket))
    }

    /// As [`Process::start`], and waits until the process has confined itself and reported.
    ///
    /// # Errors
    /// It cannot be started, or does not report within `limit`. One line, with the last one that it wrote.
    pub fn start_reported(start: &Start, limit: Duration) -> Result<(Process, BlockingChannel, Report), String> {
        let (process, socket) = Process::start(start).map_err(|error| error.to_string())?;
        let mut channel = BlockingChannel::new(socket);
        match channel.report(limit) {
            Ok(report) => {
                started::note(start, &report);
                Ok((process, channel, report))
            }
            Err(error) => Err(match process.last_lines().pop() {
                Some(line) => format!("{error}: {line}"),
                None => error.to_string(),
            }),
        }
    }

    /// Its number, for messages. Never used for signals: another process may have it later.
    pub fn id(&self) -> i32 {
        self.state.id
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&self) -> Option<Ended> {
        self.state.ended()
    }

    /// Kills it.
    pub fn kill(&self) {
        // It has ended already if this fails.
        let _ = rustix::process::pidfd_send_signal(&self.state.pidfd, Signal::KILL);
    }

    /// The last lines of its standard error, each on one safe line.
    pub fn last_lines(&self) -> Vec<String> {
        self.state.last_lines()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
