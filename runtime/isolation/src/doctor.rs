//! Which separations are in force on this host: it starts a process of each profile and asks for its report.

use std::time::Duration;

use crate::channel::ChannelError;
use crate::confine;
use crate::process::{Process, Start};
use crate::report::{Profile, Report};

/// The argument that makes ansai such a process.
pub const CHILD: &str = "report-confinement";
/// How long a process may take until its report.
const LIMIT: Duration = Duration::from_secs(10);

/// The report of a process of this profile, started by `start`.
///
/// # Errors
/// It cannot be started, or ends without a report. One line for a person.
pub fn examine(start: &Start) -> Result<Report, String> {
    Process::start_reported(start, LIMIT).map(|(_process, _channel, report)| report)
}

/// What is started for [`examine`].
pub fn start(profile: Profile) -> Start {
    Start::new(CHILD, profile, "doctor")
}

/// The process: it confines itself, reports, and ends when its channel is closed. Returns its exit code.
pub fn run_child(job: &str) -> u8 {
    confine::run(job, |mut channel| {
        // Nothing comes: this is the end of the channel.
        let _ = channel.receive(0, None);
        Ok::<(), ChannelError>(())
    })
}
