//! Stages and escalations in words.

use ansai_core::Status;
use ansai_core::incident::{Escalation, Ladder, Progress, Reason, Stage, Tried, TriedStep};
use ansai_core::text::{inert, prose};

use super::count::count;
use super::{MOST_TEXT, time};

/// Characters of what was tried, and of a name.
const MOST_TRIED: usize = 2_000;
const MOST_NAME: usize = 200;

/// `incident ID leaves stage clean for stage person: 2 attempts used`.
pub(crate) fn left_stage(incident: &str, from: &str, to: &str, reason: &Reason) -> String {
    let (from, to) = (inert(from, MOST_NAME), inert(to, MOST_NAME));
    format!("incident {incident} leaves stage {from} for stage {to}: {reason}")
}

/// `incident ID (critical) is left to a person, 2 attempts used: SUMMARY; …`.
pub(crate) fn escalated(
    incident: &str,
    severity: &str,
    reason: &Reason,
    (key, summary): (&str, &str),
    tried: &[Tried],
) -> String {
    let again = format!("`ansai retry {}` lets ansai try again", inert(key, MOST_NAME));
    let tried: Vec<String> = tried.iter().map(attempt).collect();
    let tried = match tried.is_empty() {
        true => String::new(),
        false => format!("; tried: {}", prose(&tried.join("; "), MOST_TRIED)),
    };
    let summary = prose(summary, MOST_TEXT);
    format!("incident {incident}{severity} is left to a person, {reason}: {summary}; {again}{tried}")
}

/// `attempt 1 (stage clean): remove on filesystem /var: failed: no space; then still critical, unchanged`.
fn attempt(tried: &Tried) -> String {
    let stage = match tried.stage.as_str() {
        "" => String::new(),
        stage => format!(" (stage {})", inert(stage, MOST_NAME)),
    };
    let steps: Vec<String> = tried.steps.iter().map(step).collect();
    let verified = match &tried.verified {
        Status::Healthy => "healthy".to_owned(),
        Status::Unhealthy(severity) => format!("still {severity}"),
        Status::Unknown(_) => "unknown".to_owned(),
        Status::Gone => "gone".to_owned(),
    };
    format!("attempt {}{stage}: {}; then {verified}{}", tried.number, steps.join(", "), progress(tried.progress))
}

fn step(step: &TriedStep) -> String {
    let action = step.action.rsplit('.').next().unwrap_or(&step.action);
    let detail = if step.detail.is_empty() { String::new() } else { format!(": {}", step.detail) };
    format!("{} on {}: {}{detail}", inert(action, MOST_NAME), step.about, step.outcome)
}

/// `compress (2 attempts, within 30 min), remove (1 attempt), then a person`.
pub(crate) fn stages(ladder: &Ladder) -> String {
    let stage = |stage: &Stage| {
        let within = stage.within.map(|within| format!(", within {within}")).unwrap_or_default();
        format!("{} ({}{within})", inert(&stage.name, MOST_NAME), count(stage.attempts, "attempt"))
    };
    let stages: Vec<String> = ladder.0.iter().map(stage).collect();
    format!("{}, then a person", stages.join(", "))
}

/// `, improved`, if that is known.
pub(crate) fn progress(progress: Option<Progress>) -> String {
    progress.map(|progress| format!(", {progress}")).unwrap_or_default()
}

/// `left to a person since 2026-11-29 10:00: 3 attempts used; ansai retry KEY lets ansai try again`.
pub(crate) fn left_to_person(escalation: &Escalation, attempts: u32, key: &str) -> String {
    let begun = match escalation.reason {
        Reason::Attempts { .. } => String::new(),
        _ => format!(", {} used", count(attempts, "attempt")),
    };
    let (since, key) = (time::minute(escalation.at), inert(key, MOST_NAME));
    format!("left to a person since {since}: {}{begun}; `ansai retry {key}` lets ansai try again", escalation.reason)
}

/// `came back 2 times after it was healed`.
pub(crate) fn flaps(times: u32) -> String {
    format!("came back {} after it was healed", count(times, "time"))
}
