//! `ansai silence`: leave an incident alone for a while.

use ansai_core::control::{Answer, NewSilence, Request};
use ansai_core::{InstanceName, Millis, exit};
use clap::Args;

use crate::asking::{ask, duration};
use crate::global::{Format, Global};
use crate::output::count::count;
use crate::output::{json, lines, orders};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai status                                             lists open incidents with their keys\n  \
    ansai silence /var 7d --reason \"new disk is ordered\"      leaves these incidents alone for a week\n\n\
    Incidents with this key are neither shown as they happen nor healed. They are evaluated as before, recorded, and\n\
    listed by `ansai status`. `ansai resume KEY` ends it earlier."
)]
pub(crate) struct Arguments {
    /// Key of the incident, as `ansai status` shows it
    key: String,
    /// How long, at most 31d: `30m`, `2h 30m`, `7d`
    #[arg(value_parser = duration)]
    duration: Millis,
    /// Why, for the audit log and for others who look at the status
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Only incidents of this instance [default: all with this key]
    #[arg(long, value_name = "NAME")]
    instance: Option<InstanceName>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let Arguments { key, duration, reason, instance } = arguments;
    let (instance, key, reason) = (instance.clone(), key.clone(), reason.clone());
    let done = ask(global, Request::Silence(NewSilence { instance, key, duration: *duration, reason }))?;
    match (global.format, &done.answer) {
        (Format::Text, Answer::Silenced { silence, incidents }) => {
            lines::line(&orders::silence(silence))?;
            lines::line(&match incidents {
                0 => "no open incident has this key; it silences those that open".to_owned(),
                open => format!("silences {}", count(*open, "open incident")),
            })?;
            orders::note_not_running(&done)?;
        }
        _ => json::document(&orders::document(&done))?,
    }
    Ok(exit::FINE)
}
