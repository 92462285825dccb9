//! What a child does to itself before it reads the first frame.
//!
//! All of it happens after exec, in the child's first steps: the loader needs files that are gone afterwards, and a process
//! with one thread can do what a thread of the supervisor cannot. Until then the child has read nothing but its argument,
//! which is the supervisor's.

mod job;

use std::io;

use crate::channel::BlockingChannel;
use crate::report::Report;
pub use job::Job;

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
    let standard_input = io::stdin();
    let socket = rustix::io::dup(standard_input).map_err(|error| ConfineError::Step { what: "channel", error: error.into() })?;
    let mut channel = BlockingChannel::of_child(socket);
    let report = Report { profile: job.profile, uid: rustix::process::getuid().as_raw(), missing: Vec::new() };
    channel.send(&serde_json::to_vec(&report).unwrap_or_default(), None, None)?;
    Ok(channel)
}
