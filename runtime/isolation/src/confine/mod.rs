//! What a child does to itself before it reads the first frame.
//!
//! All of it happens after exec, in the child's first steps: the loader needs files that are gone afterwards, and a process
//! with one thread can do what a thread of the supervisor cannot. Until then the child has read nothing but its argument,
//! which is the supervisor's.

mod calls;
mod filter;
mod job;
mod landlock;
mod limits;
mod namespaces;
mod notes;
mod privileges;

use std::fmt::Display;
use std::io::{self, Write as _};

use rustix::process::{getpid, getuid};
use rustix::thread::{CapabilitySet, capabilities};

use crate::channel::BlockingChannel;
use crate::report::{Profile, Report, Separation};
pub use job::Job;
use notes::Notes;

/// Exit code of a child whose work failed.
const FAILED: u8 = 1;
/// Exit code of a child that could not confine itself.
const NOT_CONFINED: u8 = 3;

/// Why a child cannot begin. It ends then, and what it writes to standard error is logged by the supervisor.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The argument is not one that [`Process::start`](crate::Process::start) makes.
    #[error("not started by ansai")]
    Job,
    /// Without this step the child would have rights that it must not have.
    #[error("{what}: {error}")]
    Step {
        /// The step.
        what: &'static str,
        /// Why it failed.
        error: io::Error,
    },
    /// The report could not be sent.
    #[error(transparent)]
    Channel(#[from] crate::channel::ChannelError),
}

/// Gives up all rights that the profile does not have, and sends the report. `job` is the last argument of the process,
/// whose standard input is the channel. The program must call it first, before it starts threads.
///
/// # Errors
/// A step without which the child would be dangerous fails: it has to end.
pub fn begin(job: &str) -> Result<BlockingChannel, ConfineError> {
    let job = Job::from_argument(job).ok_or(ConfineError::Job)?;
    let socket = rustix::io::dup(io::stdin()).map_err(io::Error::from).map_err(failed("channel"))?;
    let report = confine(&job)?;
    let mut channel = BlockingChannel::of_child(socket);
    channel.send(&serde_json::to_vec(&report).unwrap_or_default(), None, None)?;
    Ok(channel)
}

/// Runs a child: it confines itself as [`begin`] does, and then works. What fails is written to standard error, which the
/// supervisor logs. Returns the exit code.
pub fn run<E: Display>(job: &str, work: impl FnOnce(BlockingChannel) -> Result<(), E>) -> u8 {
    let (why, code) = match begin(job).map(work) {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) => (error.to_string(), FAILED),
        Err(error) => (error.to_string(), NOT_CONFINED),
    };
    // The supervisor may have ended.
    let _ = writeln!(io::stderr(), "{why}");
    code
}

/// What a job is for; `None` if it is not one of ansai.
pub fn profile(job: &str) -> Option<Profile> {
    Job::from_argument(job).map(|job| job.profile)
}

/// Gives up writing to memory files. A guest worker makes one for the initial memory of each component with much data, before
/// it runs guest code: memory that is in a file does not count for the limit of memory. It cannot be taken back.
///
/// # Errors
/// The kernel refuses: the process has to end.
pub fn end_files() -> io::Result<()> {
    limits::end_files()
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> ConfineError {
    move |error| ConfineError::Step { what, error }
}

/// The steps, in an order in which each has the rights that it needs and takes away none that a later one needs.
fn confine(job: &Job) -> Result<Report, ConfineError> {
    if !limits::has_one_thread().map_err(failed("threads"))? {
        return Err(failed("threads")(io::Error::other("this process has several")));
    }
    let mut notes = Notes::default();
    limits::first_to_go();
    let readable = landlock::readable(job.profile);
    let may_leave = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN));
    if may_leave {
        namespaces::leave(job.profile, &mut notes);
    }
    limits::set(job).map_err(failed("limits"))?;
    privileges::empty_bounding_set();
    match job.user {
        Some((uid, gid)) => privileges::become_user(uid, gid).map_err(failed("user"))?,
        None => notes.missing(Separation::User, "ansai does not run as root"),
    }
    if getpid().as_raw_pid() != 1 {
        notes.missing(Separation::Processes, "ansai does not run as root, or has not CAP_SYS_ADMIN");
    }
    if !may_leave {
        leave_without_rights(job, &mut notes);
    }
    privileges::give_up().map_err(failed("privileges"))?;
    landlock::restrict(job.profile, readable, &mut notes);
    filter::install(job.profile, &mut notes);
    Ok(Report { profile: job.profile, uid: getuid().as_raw(), missing: notes.into_missing() })
}

/// Namespaces for a process without the right to make them: inside a namespace of users, where it has it.
fn leave_without_rights(job: &Job, notes: &mut Notes) {
    match namespaces::own_users() {
        Ok(()) => {
            namespaces::leave(job.profile, notes);
            privileges::empty_bounding_set();
        }
        Err(error) => {
            let needed = [Separation::Ipc, Separation::HostName, Separation::Network, Separation::RootDirectory];
            for separation in needed.into_iter().filter(|needed| needed.is_of(job.profile)) {
                notes.missing(separation, format_args!("no namespace of users: {error}"));
            }
        }
    }
}
