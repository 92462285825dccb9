//! `ansai audit show`: records as lines.

use std::path::Path;

use ansai_daemon::history;
use clap::Args;

use super::export;
use crate::global::Format;
use crate::output::{self, events, lines, time};
use crate::since::Since;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Start at this record number
    #[arg(long, value_name = "N", default_value_t = 1)]
    from: u64,
    /// Show only records since this time: an age such as `24h`, or a time such as `2026-11-21 03:00`
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// Show only records of this instance and its plans
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
}

pub(super) fn run(arguments: &Arguments, state_dir: &Path, format: Format) -> anyhow::Result<()> {
    let Some(entries) = history::entries(state_dir, arguments.from)? else {
        if format == Format::Text {
            lines::line("no records yet")?;
        }
        return Ok(());
    };
    let wanted = arguments.instance.as_deref();
    for entry in entries {
        let entry = entry?;
        let Ok(record) = history::record(&entry) else {
            // Written by another version: shown, not hidden.
            lines::line(&format!("{:>6}  a record of an unknown form, written by another version", entry.sequence))?;
            continue;
        };
        let recent = arguments.since.is_none_or(|since| since.includes(record.at));
        if !recent || wanted.is_some_and(|wanted| record.event.instance() != Some(wanted)) {
            continue;
        }
        match format {
            Format::Json => export::print(&entry)?,
            Format::Text => {
                let at = time::local(record.at);
                output::say(&format!("{:>6}  {at}  {}\n", entry.sequence, events::line(&record.event)))?;
            }
        }
    }
    Ok(())
}
