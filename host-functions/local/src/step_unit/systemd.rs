//! The commands of systemd.

use std::path::Path;
use std::time::Duration;

use ansai_core::text::inert;
use ansai_kit::host::Host;
use ansai_kit::program::{Ended, Output, Program};
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

use super::UnitError;
use super::state::{PROPERTIES, Shown};

pub(crate) const SYSTEMD_RUN: &str = "/usr/bin/systemd-run";
pub(crate) const SYSTEMCTL: &str = "/usr/bin/systemctl";
pub(crate) const JOURNALCTL: &str = "/usr/bin/journalctl";
/// What sd_booted(3) looks for.
const BOOTED: &str = "/run/systemd/system";
const MOST_SHOWN: usize = 300;
/// How long a command that waits for a unit to end may take. systemd ends it earlier, after the unit's own patience.
const SLOW: Duration = Duration::from_secs(300);

/// Refuses a host that systemd does not manage.
pub(crate) fn require(host: &Host) -> Result<(), UnitError> {
    let is_booted = statx(CWD, BOOTED, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE).is_ok();
    if host.is_this_machine() && is_booted { Ok(()) } else { Err(UnitError::NoSystemd) }
}

/// A command that may take long.
pub(crate) fn slow(path: &'static str) -> Program<'static> {
    Program::new(Path::new(path)).limit(SLOW)
}

/// What is known about a unit.
pub(super) fn show(unit: &str) -> Result<Shown, UnitError> {
    let output = run(&Program::new(Path::new(SYSTEMCTL)).args(["show", PROPERTIES, unit]), unit)?;
    let shown = Shown::read(&output.first);
    match shown.is_complete() {
        true => Ok(shown),
        false => Err(UnitError::refused(unit, "systemctl does not show its state")),
    }
}

/// Runs a command that is about a unit, and returns what it writes to standard output.
pub(crate) fn run(program: &Program<'_>, unit: &str) -> Result<Output, UnitError> {
    let ran = program.run(&|| false)?;
    match ran.ended {
        Ended::By(status) if status.success() => Ok(ran.stdout),
        Ended::By(status) => {
            let said = ran.stderr.last_line().map_or_else(|| status.to_string(), |line| inert(line, MOST_SHOWN));
            Err(UnitError::refused(unit, said))
        }
        Ended::TimeLimit | Ended::Stopped => Err(UnitError::refused(unit, "systemd does not answer")),
    }
}
