//! `ansai pause`: no new steps for a while.

use ansai_core::control::{Answer, NewPause, Request};
use ansai_core::{InstanceName, Millis, exit};
use clap::Args;

use crate::asking::{ask, duration};
use crate::global::{Format, Global};
use crate::output::{json, lines, orders};

#[derive(Debug, Args)]
#[command(
    allow_missing_positional = true,
    after_help = "Examples:\n  \
    ansai pause 2h --reason \"kernel update\"                     every instance\n  \
    ansai pause disk-space 30m --reason \"moving /var/lib/mysql\"  one instance\n\n\
    No new step begins; a step that runs finishes. Policies are evaluated as before, and plans wait. `ansai undo` works\n\
    as before. The pause ends by itself, also after a restart; `ansai resume` ends it earlier. A second pause of the same\n\
    instance replaces the first one."
)]
pub(crate) struct Arguments {
    /// Instance, as in `[policy.NAME]` of the configuration [default: all]
    instance: Option<InstanceName>,
    /// How long, at most 31d: `30m`, `2h 30m`, `7d`
    #[arg(value_parser = duration)]
    duration: Millis,
    /// Why, for the audit log and for others who look at the status
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let Arguments { instance, duration, reason } = arguments;
    let new = NewPause { instance: instance.clone(), duration: *duration, reason: reason.clone() };
    let done = ask(global, Request::Pause(new))?;
    match (global.format, &done.answer) {
        (Format::Text, Answer::Paused(pause)) => {
            lines::line(&orders::pause(pause))?;
            orders::note_not_running(&done)?;
        }
        _ => json::document(&orders::document(&done))?,
    }
    Ok(exit::FINE)
}
