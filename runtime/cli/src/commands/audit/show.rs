//! `ansai audit show`: records as lines.

use std::collections::HashMap;
use std::path::Path;

use ansai_audit::Entry;
use ansai_core::Event;
use ansai_core::event::{Record, Verdict};
use ansai_daemon::history;
use ansai_kit::registry::Registry;
use ansai_supervisor::approved_steps;
use clap::Args;

use super::export;
use crate::global::{Format, Global};
use crate::output::details::{self, Layout};
use crate::output::{self, events, lines, terminal, time};
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
    /// Show only records of this plan
    #[arg(long, value_name = "ID")]
    plan: Option<String>,
    /// Show only plans that were applied or undone, with their outcomes
    #[arg(long)]
    changes: bool,
}

pub(super) fn run(arguments: &Arguments, state_dir: &Path, global: &Global) -> anyhow::Result<()> {
    let format = global.format;
    let Some(entries) = history::entries(state_dir, arguments.from)? else {
        if format == Format::Text {
            lines::line("no records yet")?;
        }
        return Ok(());
    };
    let (wanted, wanted_plan) = (arguments.instance.as_deref(), arguments.plan.as_deref());
    let layout = global.layout(terminal::stdout_width());
    let registry = layout.all.then(ansai_host_functions::builtin);
    let show = |entry: &Entry, record: &Record| match &registry {
        Some(registry) => show(entry, &with_all_names(record, state_dir, registry), format, layout),
        None => show(entry, record, format, layout),
    };
    let mut changes = Changes::default();
    let mut shown = false;
    for entry in entries {
        let entry = entry?;
        let Ok(record) = history::record(&entry) else {
            // Written by another version: shown, not hidden.
            lines::line(&format!("{:>6}  a record of an unknown form, written by another version", entry.sequence))?;
            continue;
        };
        let recent = arguments.since.is_none_or(|since| since.includes(record.at));
        if !recent
            || wanted.is_some_and(|wanted| record.event.instance() != Some(wanted))
            || wanted_plan.is_some_and(|wanted| record.event.plan() != Some(wanted))
        {
            continue;
        }
        match arguments.changes {
            false => {
                show(&entry, &record)?;
                shown = true;
            }
            true => shown |= changes.take(entry, record, show)?,
        }
    }
    if !shown {
        // Not a record: a program that reads the output gets none.
        output::tell(if arguments.changes { "no changes" } else { "no such records" });
    }
    Ok(())
}

/// The record of a plan with the names of all targets. The audit log has the first ones, the file of an approved plan all.
/// A plan whose file does not fit its record, or is gone, keeps the names of the record.
fn with_all_names(record: &Record, state_dir: &Path, registry: &Registry) -> Record {
    let mut record = record.clone();
    if let Event::Planned { plan, steps, .. } = &mut record.event
        && let Ok(approved) = approved_steps(&state_dir.join("plans"), plan)
        && approved.len() == steps.len()
    {
        for (planned, approved) in steps.iter_mut().zip(approved) {
            if planned.action == approved.action
                && planned.preview == approved.preview
                && let Some((_, _, action)) = registry.action(&approved.action)
            {
                planned.names = action.describe(&approved.targets).names.into();
            }
        }
    }
    record
}

fn show(entry: &Entry, record: &Record, format: Format, layout: Layout) -> anyhow::Result<()> {
    match format {
        Format::Json => export::print(entry),
        Format::Text => {
            let at = time::local(record.at);
            let line = format!("{:>6}  {at}  {}\n", entry.sequence, events::line(&record.event));
            Ok(output::say(&(line + &details::of_event(&record.event, layout, 8)))?)
        }
    }
}

/// Shows the records of plans that changed something. Whether a plan is applied is decided after it is recorded.
#[derive(Default)]
struct Changes {
    undecided: HashMap<String, (Entry, Record)>,
}

impl Changes {
    /// Whether it showed the record.
    fn take(
        &mut self,
        entry: Entry,
        record: Record,
        show: impl Fn(&Entry, &Record) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        match &record.event {
            Event::Planned { plan, .. } => {
                self.undecided.insert(plan.clone(), (entry, record));
                return Ok(false);
            }
            Event::Decided { plan, verdict, .. } => {
                let planned = self.undecided.remove(plan);
                if *verdict != Verdict::Approved {
                    return Ok(false);
                }
                if let Some((entry, record)) = planned {
                    show(&entry, &record)?;
                }
            }
            event if event.plan().is_none() => return Ok(false),
            _ => {}
        }
        show(&entry, &record)?;
        Ok(true)
    }
}
