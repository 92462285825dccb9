//! `ansai undo`: undoes a plan.

use ansai_core::{Outcome, codes, exit};
use ansai_daemon::undo::{UndoRequest, undo};
use ansai_supervisor::StepReport;
use clap::Args;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{self, details, json, lines, phrases, terminal};
use crate::runtime;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai audit show --changes            list plans that were applied\n  \
    ansai undo 20261121t030243-117-0001   undo all steps, the newest first\n\n\
    Stop the daemon first. The audit log records what is undone.")]
pub(crate) struct Arguments {
    /// Plan, from `ansai audit show`
    plan: String,
    /// Undo only this step; the first is 0
    #[arg(long, value_name = "N")]
    step: Option<u32>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = global.configuration(&interfaces)?;
    let state_dir = global.state_dir(configuration.as_ref())?;
    let by = format!("user {}", rustix::process::getuid().as_raw());
    let request = UndoRequest { plan: arguments.plan.clone(), step: arguments.step, by };
    let reports = runtime::block_on(async {
        tokio::task::spawn_blocking(move || undo(configuration.as_ref(), &state_dir, &request))
            .await
            .map_err(|error| Fault::other(codes::NOT_UNDONE, format!("undo failed: {error}")))
    })???;
    print(&reports, global)?;
    Ok(code(&reports))
}

fn print(reports: &[StepReport], global: &Global) -> anyhow::Result<()> {
    match global.format {
        Format::Json => json::document(&reports),
        Format::Text => {
            if reports.is_empty() {
                lines::line("nothing to do: the plan has no steps")?;
            }
            let layout = global.layout(terminal::stdout_width());
            for report in reports {
                let step = phrases::planned(&report.planned);
                let outcome = match report.outcome {
                    None => format!("nothing to do: {}", report.detail),
                    Some(_) => phrases::step_outcome(report),
                };
                lines::line(&format!("{step}: {outcome}"))?;
                output::say(&details::of_step(&report.planned, layout, 2))?;
            }
            Ok(())
        }
    }
}

fn code(reports: &[StepReport]) -> u8 {
    let outcomes: Vec<Outcome> =
        reports.iter().flat_map(|report| [report.outcome, report.after_undo]).flatten().collect();
    if outcomes.contains(&Outcome::Refused) {
        exit::REFUSED
    } else if outcomes.iter().all(|outcome| matches!(outcome, Outcome::Reverted | Outcome::Done)) {
        exit::FINE
    } else if outcomes.contains(&Outcome::Unknown) {
        exit::UNKNOWN
    } else {
        exit::OTHER
    }
}
