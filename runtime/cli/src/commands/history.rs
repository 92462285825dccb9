//! `ansai history`: what happened.

use ansai_core::control::{Answer, HistoryFilter, MOST_RECORDS, Request};
use ansai_core::{InstanceName, exit};
use clap::Args;

use crate::asking::ask_slow;
use crate::global::{Format, Global};
use crate::output::{self, history, json, terminal};
use crate::since::Since;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai history                          what happened in the last 7 days, the newest first\n  \
    ansai history --since 24h --changes    only what was changed on this host\n\n\
    It reads the audit log from its end: `ansai audit show` has every record, and `ansai audit verify` proves them.")]
pub(crate) struct Arguments {
    /// Show only what happened since this time: an age such as `24h`, or a time such as `2026-11-21 03:00`
    #[arg(long, value_name = "TIME", default_value = "7d")]
    since: Since,
    /// Show only what happened to this instance
    #[arg(long, value_name = "NAME")]
    instance: Option<InstanceName>,
    /// Show only what steps and undo changed on this host
    #[arg(long)]
    changes: bool,
}

/// Lines without `--verbose`.
const MOST_SHOWN: u32 = 100;

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let layout = global.layout(terminal::stdout_width());
    let is_whole = layout.all || global.format == Format::Json;
    let filter = HistoryFilter {
        since: arguments.since.start(),
        instance: arguments.instance.clone(),
        changes: arguments.changes,
        most: if is_whole { MOST_RECORDS } else { MOST_SHOWN },
    };
    let Answer::History(found) = ask_slow(global, Request::History(filter), "reading the audit log")?.answer else {
        anyhow::bail!("the daemon answered something else")
    };
    match global.format {
        Format::Json => json::document(&history::document(&found))?,
        Format::Text => output::say(&history::render(&found, arguments.changes, layout))?,
    }
    Ok(exit::FINE)
}
