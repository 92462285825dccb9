//! The commands of systemd.

use std::path::Path;

use ansai_core::codes;
use ansai_core::text::inert;
use ansai_kit::program::{Ended, Program};
use ansai_storage::Directory;

use super::fault;
use crate::exit::Fault;
use crate::output::MOST_TEXT;

const SYSTEMCTL: &str = "/usr/bin/systemctl";
/// What sd_booted(3) looks for.
const BOOTED: &str = "/run/systemd/system";

/// Whether systemd manages this host.
pub(super) fn runs() -> bool {
    Directory::open(BOOTED).is_ok()
}

/// Refuses a host that systemd does not manage.
pub(super) fn require() -> Result<(), Fault> {
    match runs() {
        true => Ok(()),
        false => Err(Fault::other(codes::NO_SYSTEMD, "systemd does not run on this host: nothing can be enabled")
            .hint("without --enable, the unit is only written")),
    }
}

/// Runs `systemctl`.
pub(super) fn run(arguments: &[&str]) -> Result<(), Fault> {
    let ran = Program::new(Path::new(SYSTEMCTL)).args(arguments).limit(LIMIT).run(&|| false);
    let ran = ran.map_err(|error| fault(&error, "have root own systemctl"))?;
    let why = match ran.ended {
        Ended::By(status) if status.success() => return Ok(()),
        Ended::By(status) => ran.stderr.last_line().map_or_else(|| status.to_string(), str::to_owned),
        Ended::TimeLimit | Ended::Stopped => "it does not answer".to_owned(),
    };
    let command = arguments.join(" ");
    Err(Fault::other(codes::OTHER, format!("`systemctl {command}`: {}", inert(&why, MOST_TEXT)))
        .hint("`systemctl status ansai` and `journalctl -u ansai` say more"))
}

/// The first start compiles the policies.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(660);
