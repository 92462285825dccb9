//! `ansai undo`: takes back what a plan did.

use ansai_core::{Outcome, codes, exit};
use ansai_daemon::undo::{UndoRequest, undo};
use ansai_daemon::{Configuration, state};
use ansai_supervisor::StepReport;
use clap::Args;

use crate::arguments::{Format, Global};
use crate::exit::Fault;
use crate::output::{json, lines, phrases};
use crate::runtime;

// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai audit show                     shows plans and their steps\n  \
    ansai undo 20261121t030243-117-0001  undoes all of it, the newest step first\n\n\
    Stop the daemon first: it alone may write its state. What was undone is in the audit log.")]
pub(crate) struct Arguments {
    /// The plan, as `ansai audit show` names it
    plan: String,
    /// Only this step of it; steps count from 0
    #[arg(long, value_name = "N")]
    step: Option<u32>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = Configuration::maybe(global.config.as_deref(), &interfaces)?;
    let state_dir = state::directory(global.state_dir.as_deref(), configuration.as_ref())?;
    let by = format!("user {}", rustix::process::getuid().as_raw());
    let request = UndoRequest { plan: arguments.plan.clone(), step: arguments.step, by };
    let reports = runtime::block_on(async {
        tokio::task::spawn_blocking(move || undo(configuration.as_ref(), &state_dir, &request))
            .await
            .map_err(|error| Fault::other(codes::NOT_UNDONE, format!("undoing failed: {error}")))
    })???;
    print(&reports, global.format)?;
    Ok(code(&reports))
}

fn print(reports: &[StepReport], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => json::document(&reports),
        Format::Text => {
            for report in reports {
                let step = phrases::step(&report.action, &report.preview);
                lines::line(&format!("{step}: {}", phrases::step_outcome(report)))?;
            }
            Ok(())
        }
    }
}

fn code(reports: &[StepReport]) -> u8 {
    let is = |outcome| reports.iter().any(|report| report.outcome == Some(outcome));
    if is(Outcome::Refused) {
        exit::REFUSED
    } else if reports.iter().all(|report| report.outcome.is_none_or(|outcome| outcome == Outcome::Reverted)) {
        exit::FINE
    } else if is(Outcome::Unknown) {
        exit::UNKNOWN
    } else {
        exit::OTHER
    }
}
