//! Which separations are in force on this host: it starts a process of each profile and asks for its report.

use std::time::Duration;

use crate::channel::BlockingChannel;
use crate::confine::begin;
use crate::process::{Account, Process, Start};
use crate::report::{Profile, Report};

/// The argument that makes ansai such a process.
pub const CHILD: &str = "report-confinement";
/// How long a process may take until its report.
const LIMIT: Duration = Duration::from_secs(10);
/// Exit code of a child that could not confine itself.
const NOT_CONFINED: u8 = 3;

/// The report of a process of this profile, started by `start`.
///
/// # Errors
/// It cannot be started, or ends without a report. One line for a person.
pub fn examine(start: &Start) -> Result<Report, String> {
    let (process, socket) = Process::start(start).map_err(|error| error.to_string())?;
    let report = BlockingChannel::new(socket).report(LIMIT);
    let because = |why: &str| match process.last_lines().last() {
        Some(line) => format!("{why}: {line}"),
        None => why.to_owned(),
    };
    report.map_err(|error| because(&error.to_string()))
}

/// What is started for [`examine`].
pub fn start(profile: Profile) -> Start {
    Start::new(CHILD, profile, Account::new(profile.user(), "doctor"))
}

/// The process: it confines itself, reports, and ends when its channel is closed. Returns its exit code.
pub fn run_child(job: &str) -> u8 {
    match begin(job) {
        Ok(mut channel) => {
            // Nothing comes: this is the end of the channel.
            let _ = channel.receive(0, None);
            0
        }
        Err(error) => {
            // If nobody reads it, nobody misses it.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{error}\n").as_bytes());
            NOT_CONFINED
        }
    }
}
