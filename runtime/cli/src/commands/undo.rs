//! `ansai undo`: undoes a plan.

mod preview;

use ansai_core::control::{Answer, Request, UndoTarget};
use ansai_core::text::inert;
use ansai_core::{Outcome, exit};
use ansai_supervisor::StepReport;
use clap::Args;
use serde_json::json;

use super::plans;
use crate::asking::ask_granted;
use crate::global::{Format, Global};
use crate::output::{self, details, json, lines, phrases, terminal};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai audit show --changes                      list plans that were applied\n  \
    ansai undo 20261121t030243-117-0001 --dry-run   show what can be undone and what cannot\n  \
    ansai undo 20261121t030243-117-0001             undo all steps, the newest first\n\n\
    Works with a running daemon and without one, also in observe mode and during a pause. With a daemon, it needs root,\n\
    the user of the daemon or the group `operators` of [control]; for --dry-run, `group` is enough. What another plan\n\
    or a step has in use is not undone. The audit log records what is undone.")]
pub(crate) struct Arguments {
    /// Plan, from `ansai audit show`
    plan: String,
    /// Undo only this step; the first is 0
    #[arg(long, value_name = "N")]
    step: Option<u32>,
    /// Show what would be undone, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let target = UndoTarget { plan: arguments.plan.clone(), step: arguments.step };
    if arguments.dry_run {
        let answer = ask_granted(global, Request::UndoPreview(target), "reading the audit log")?.answer;
        let Answer::UndoPreview(found) = answer else { return Err(plans::unexpected()) };
        return preview::show(&found, arguments.step, global);
    }
    match ask_granted(global, Request::Undo(target), "undoing the plan")?.answer {
        Answer::Undone { steps } => {
            let reports: Vec<StepReport> = steps.into_iter().map(StepReport::of_undone).collect();
            print(&reports, global)?;
            Ok(code(&reports))
        }
        Answer::Undoing { plan } => {
            match global.format {
                Format::Json => json::document(&json!({ "plan": plan, "running": true }))?,
                Format::Text => {
                    let plan = inert(&plan, 100);
                    lines::line(&format!("the undo of plan {plan} takes longer than 8 s and goes on in the daemon"))?;
                    lines::line(&format!("to see how it ends, run `ansai audit show --plan {plan}`"))?;
                }
            }
            Ok(exit::UNKNOWN)
        }
        _ => Err(plans::unexpected()),
    }
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
                    None => format!("nothing to do: {}", inert(&report.detail, 400)),
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
