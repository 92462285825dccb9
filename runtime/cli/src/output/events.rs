//! Records of the audit log as text.

use ansai_core::Event;
use ansai_core::event::{EvaluationResult, Verdict};
use ansai_core::text::inert;

use super::count::count;
use super::{MOST_TEXT, phrases};

/// One line, safe for terminals, without record number and time.
pub(crate) fn line(event: &Event) -> String {
    let text = match event {
        Event::Started { version, mode, instances } => {
            let names: Vec<&str> = instances.iter().map(|one| one.instance.as_str()).collect();
            format!("started {version}, mode {mode}: {}", names.join(", "))
        }
        Event::Stopped { why, .. } => format!("stopped: {why}"),
        Event::NotLoaded { name, kind, error } => format!("{name}: not loaded ({kind}): {error}"),
        Event::Evaluated { instance, phase, result, recording, .. } => {
            let phase = format!("{phase:?}").to_lowercase();
            let kept = recording.as_ref().map(|one| format!(", recording {}", one.id)).unwrap_or_default();
            format!("{instance}: {phase}: {}{kept}", evaluation(result))
        }
        Event::Incident { instance, key, change, severity, summary, .. } => {
            let severity = severity.map(|severity| format!(" ({severity})")).unwrap_or_default();
            format!("{instance}: incident {key}: {}{severity}: {summary}", kebab(change))
        }
        Event::Planned { plan, instance, decision, steps, .. } => {
            let steps = steps.iter().map(|step| phrases::step(&step.action, &step.preview));
            let all: Vec<String> = phrases::decision(decision).into_iter().chain(steps).collect();
            format!("{instance}: plan {plan}: {}", all.join("; "))
        }
        Event::Decided { plan, verdict } => format!("plan {plan}: {}", self::verdict(verdict)),
        Event::Intent { plan, step, action, about, targets, .. } => {
            format!("plan {plan} step {step}: starting {action} on {about}, {}", count(*targets, "target"))
        }
        Event::Running { plan, step, until, .. } => {
            format!("plan {plan} step {step}: running until {}", super::time::local(*until))
        }
        Event::Outcome { plan, step, outcome, detail, .. } => format!("plan {plan} step {step}: {outcome}: {detail}"),
        Event::Verified { plan, incident, status } => {
            format!("plan {plan}: verified {incident}: {}", kebab(status))
        }
        Event::Undone { plan, step, outcome, detail, by } => {
            format!("plan {plan} step {step}: undone by {by}: {outcome}: {detail}")
        }
        Event::RecordingsDropped { ids } => {
            format!("deleted {} to stay within the quota", count(ids.len(), "recording"))
        }
        Event::Recovered { torn_bytes, detail } => format!(
            "after a crash: moved {} of an incomplete record out of the log: {detail}",
            count(*torn_bytes, "byte")
        ),
        Event::AuditKey { public_key, replaces: None, .. } => format!("audit key {public_key}"),
        Event::AuditKey { public_key, replaces: Some(old), endorsement } => {
            let by = if endorsement.is_some() { "signed by the old key" } else { "NOT signed by the old key" };
            format!("audit key {public_key} replaces {old}, {by}")
        }
        Event::HeadExport { target, error: None, .. } => format!("head export to {target} works again"),
        Event::HeadExport { target, error: Some(error), failures } => {
            format!("head export to {target} failed {}: {error}", count(*failures, "time"))
        }
        Event::Ballast { detail } => format!("ballast: {detail}"),
    };
    inert(&text, MOST_TEXT)
}

/// The instance that an event is about.
pub(crate) fn instance(event: &Event) -> Option<&str> {
    match event {
        Event::Evaluated { instance, .. } | Event::Incident { instance, .. } | Event::Planned { instance, .. } => {
            Some(instance)
        }
        _ => None,
    }
}

/// The plan that an event is about.
pub(crate) fn plan(event: &Event) -> Option<&str> {
    match event {
        Event::Planned { plan, .. }
        | Event::Decided { plan, .. }
        | Event::Intent { plan, .. }
        | Event::Running { plan, .. }
        | Event::Outcome { plan, .. }
        | Event::Verified { plan, .. }
        | Event::Undone { plan, .. } => Some(plan),
        _ => None,
    }
}

fn evaluation(result: &EvaluationResult) -> String {
    match result {
        EvaluationResult::Observed { healthy, unhealthy, unknown } => {
            format!("{healthy} healthy, {unhealthy} unhealthy, {unknown} unknown")
        }
        EvaluationResult::Proposed { steps } => format!("proposed {}", count(*steps, "step")),
        EvaluationResult::Failed(why) => format!("failed: {why}"),
        EvaluationResult::Aborted(why) => format!("aborted: {why}"),
    }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Refused(why) => format!("refused: {why}"),
        other => kebab(other),
    }
}

/// As the log has it: `became-unknown`, `{"cooling":1}`.
fn kebab(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default().trim_matches('"').to_owned()
}
