//! `ansai incidents`: open incidents, closed ones, or one of them.

use ansai_core::control::{Answer, IncidentFilter, MOST_LISTED, Request};
use ansai_core::{InstanceName, exit};
use clap::Args;

use crate::asking::ask;
use crate::global::{Format, Global};
use crate::output::{self, incident, incidents, json, terminal};
use crate::since::Since;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai incidents                        open incidents, the worst first\n  \
    ansai incidents --all --since 7d       the same, and those that closed in the last 7 days\n  \
    ansai incidents disk-space//var        one incident: what happened to it, and what comes next\n\n\
    An incident is named by its id, or by its instance and key: the open one, else the one that closed last. ansai\n\
    keeps the latest 5,000 closed incidents of each instance, and 50,000 in all.")]
pub(crate) struct Arguments {
    /// Show this incident: its id, or INSTANCE/KEY
    #[arg(conflicts_with_all = ["all", "since", "instance", "key"])]
    incident: Option<String>,
    /// List closed incidents too
    #[arg(short, long)]
    all: bool,
    /// List only incidents that opened since this time, and closed ones that closed since then: an age such as `24h`,
    /// or a time such as `2026-11-21 03:00`
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// List only incidents of this instance
    #[arg(long, value_name = "NAME")]
    instance: Option<InstanceName>,
    /// List only incidents with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// Of each kind, without `--verbose`.
const MOST_SHOWN: u32 = 20;

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let layout = global.layout(terminal::stdout_width());
    if let Some(id) = &arguments.incident {
        let Answer::Incident(details) = ask(global, Request::Incident { incident: id.clone() })?.answer else {
            anyhow::bail!("the daemon answered something else")
        };
        match global.format {
            Format::Json => json::document(&incident::document(&details))?,
            Format::Text => output::say(&incident::render(&details, layout))?,
        }
        return Ok(exit::FINE);
    }
    let is_whole = layout.all || global.format == Format::Json;
    let filter = IncidentFilter {
        instance: arguments.instance.clone(),
        key: arguments.key.clone(),
        since: arguments.since.map(Since::start),
        closed: arguments.all,
        most: if is_whole { MOST_LISTED } else { MOST_SHOWN },
    };
    let Answer::Incidents(list) = ask(global, Request::Incidents(filter))?.answer else {
        anyhow::bail!("the daemon answered something else")
    };
    match global.format {
        Format::Json => json::document(&incidents::document(&list))?,
        Format::Text => output::say(&incidents::render(&list, arguments.all, layout))?,
    }
    Ok(exit::FINE)
}
