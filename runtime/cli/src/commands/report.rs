//! `ansai report`: what ansai did over days.

use ansai_core::control::{Answer, ReportFilter, Request};
use ansai_core::{InstanceName, exit};
use ansai_daemon::notify;
use clap::Args;

use super::notify::accepted;
use crate::asking::ask_slow;
use crate::global::{Format, Global};
use crate::output::{self, host_report, json, terminal};
use crate::since::Since;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai report                           the last 30 days\n  \
    ansai report --since 90d               the last 90 days\n  \
    ansai report --instance disk-space     only one instance\n  \
    ansai report --since 7d --mail admins  send it through the channel `admins`, such as every week\n\n\
    It begins with a paragraph for people who do not administer this host. Times to heal count what ansai healed\n\
    itself; times to find are upper limits, from the evaluation before.")]
pub(crate) struct Arguments {
    /// Report what happened since this time: an age such as `90d`, or a time such as `2026-11-01`
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: Since,
    /// Report only on this instance
    #[arg(long, value_name = "NAME")]
    instance: Option<InstanceName>,
    /// Send the report through a channel, and show what the other side answers
    #[arg(long, value_name = "CHANNEL")]
    mail: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let filter = ReportFilter { since: arguments.since.start(), instance: arguments.instance.clone() };
    let Answer::Report(report) = ask_slow(global, Request::Report(filter), "reading the audit log")?.answer else {
        anyhow::bail!("the daemon answered something else")
    };
    if let Some(channel) = &arguments.mail {
        return accepted(channel, global, |configuration, program| {
            notify::send_report(configuration, channel, *report, program)
        });
    }
    match global.format {
        Format::Json => json::document(&host_report::document(&report))?,
        Format::Text => output::say(&host_report::render(&report, global.layout(terminal::stdout_width())))?,
    }
    Ok(exit::FINE)
}
