//! `ansai plan`: what a plan would do.

use ansai_core::approval::ApprovalState;
use ansai_core::control::{Answer, Request, ShownStep};
use ansai_core::event::PlannedStep;
use ansai_core::text::prose;
use ansai_core::{Millis, exit};
use clap::Args;
use serde_json::json;

use super::plans;
use crate::asking::ask;
use crate::global::{Format, Global};
use crate::output::{self, details, json, lines, phrases, terminal};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai plan 20261129t030243-117-0001       show its steps, the first names, and what is permanent\n  \
    ansai plan 20261129t030243-117-0001 -v    show the names of all targets"
)]
pub(crate) struct Arguments {
    /// Plan, from `ansai plans`
    plan: String,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let request = Request::Plan { plan: arguments.plan.clone() };
    let Answer::Plan { approval, steps: shown } = ask(global, request)?.answer else { return Err(plans::unexpected()) };
    let now = ansai_supervisor::clock::now();
    let planned = |shown: ShownStep| PlannedStep { names: shown.names.into(), ..shown.step };
    let steps: Vec<PlannedStep> = shown.into_iter().map(planned).collect();
    if global.format == Format::Json {
        let step = |step: &PlannedStep| json!({ "step": step, "names": &*step.names });
        let steps: Vec<_> = steps.iter().map(step).collect();
        let mut document = plans::document(&approval);
        document.as_object_mut().map(|fields| fields.insert("steps".to_owned(), steps.into()));
        json::document(&document)?;
        return Ok(exit::FINE);
    }
    let severity = approval.severity.map(|severity| format!(" ({severity})")).unwrap_or_default();
    lines::line(&format!("{} of {}: {}", approval.plan, approval.instance, plans::standing(&approval)))?;
    lines::line(&format!("    {}{severity}", prose(&approval.summary, 400)))?;
    let layout = global.layout(terminal::stdout_width());
    for (number, step) in steps.iter().enumerate() {
        lines::line(&format!("step {number}: {}", phrases::planned(step)))?;
        lines::line(&format!("  interrupts {}", interrupts(step)))?;
        output::say(&details::of_step(step, layout, 2))?;
    }
    if approval.state == ApprovalState::Open && !approval.is_overdue(now) {
        let now = if approval.announced { " now" } else { "" };
        lines::line(&format!("to apply it{now}, run `ansai approve {}`", approval.plan))?;
        let stop = if approval.announced { "stop" } else { "reject" };
        lines::line(&format!("to {stop} it, run `ansai reject {} --reason TEXT`", approval.plan))?;
    }
    Ok(exit::FINE)
}

/// How long the step interrupts its subject, and how long it takes.
fn interrupts(step: &PlannedStep) -> String {
    let about = &step.preview.about;
    let interrupts = match step.preview.interrupts {
        Some(Millis::ZERO) => "nothing".to_owned(),
        Some(time) => format!("{about} for about {time}"),
        None => format!("{about} for an unknown time"),
    };
    match step.preview.takes {
        Some(takes) => format!("{interrupts}; takes about {takes}"),
        None => interrupts,
    }
}
