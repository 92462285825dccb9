//! Earlier attempts at the same finding.

use crate::{Attempt, Json, Measure, Outcome, Refusal, StepResult, Value, text};

/// Maximum number of steps in the explanation.
const MOST_TOLD: usize = 6;
const MOST_DETAIL: usize = 120;

/// Whether an earlier plan had this action for this target and it failed.
pub(super) fn has_failed(attempts: &[Attempt], action: &str, target: &str) -> bool {
    steps_for(attempts, action, target).any(is_failure)
}

/// Whether an earlier plan had this action for this target, and it began or cannot begin.
pub(super) fn was_tried(attempts: &[Attempt], action: &str, target: &str) -> bool {
    steps_for(attempts, action, target).any(|step| match step.outcome {
        Outcome::Skipped => false,
        Outcome::Refused => !may_go_away(step),
        _ => true,
    })
}

/// Whether the reason why the step was refused or failed may go away by itself.
fn may_go_away(step: &StepResult) -> bool {
    step.reason.as_ref().is_some_and(Refusal::may_go_away)
}

fn steps_for<'a>(attempts: &'a [Attempt], action: &str, target: &str) -> impl Iterator<Item = &'a StepResult> {
    let steps = attempts.iter().flat_map(|attempt| &attempt.steps);
    steps.filter(move |step| step.action == action && is_for(step, target))
}

/// Whether a step was about this target, or one of its arguments names it, apart from the reason.
fn is_for(step: &StepResult, target: &str) -> bool {
    step.about.name == target
        || Json::parse(&step.arguments).is_some_and(|arguments| match &arguments {
            Json::Object(fields) => fields.iter().any(|(name, value)| name != "reason" && names(value, target)),
            _ => false,
        })
}

fn names(value: &Json, target: &str) -> bool {
    match value {
        Json::Text(text) => text == target,
        Json::List(list) => list.iter().any(|value| names(value, target)),
        Json::Object(fields) => fields.iter().any(|(_, value)| names(value, target)),
        _ => false,
    }
}

/// Whether the step failed without freeing anything, for a reason that stays.
fn is_failure(step: &StepResult) -> bool {
    let has_freed = |measure: &Measure| {
        matches!(measure.name.as_str(), "freed-bytes" | "held-bytes") && !matches!(measure.value, Value::Count(0))
    };
    let failed = matches!(step.outcome, Outcome::Failed | Outcome::Refused);
    failed && !may_go_away(step) && !step.measures.iter().any(has_freed)
}

/// Describes the latest steps; `None` if there are none.
pub(super) fn told(attempts: &[Attempt]) -> Option<String> {
    let steps = attempts.iter().rev().flat_map(|attempt| &attempt.steps).take(MOST_TOLD);
    let words = steps.map(|step| {
        let outcome = match step.outcome {
            Outcome::Done => "done",
            Outcome::Running => "running",
            Outcome::Provisional => "provisional",
            Outcome::Reverted => "reverted",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
            Outcome::Skipped => "skipped",
            Outcome::Simulated => "simulated",
            Outcome::Unknown => "unknown",
            Outcome::Other => "other",
        };
        let detail = text::cut(&step.detail, MOST_DETAIL);
        let between = if detail.is_empty() { "" } else { ": " };
        format!("{} {} ({outcome}{between}{detail})", verb(&step.action), step.about.name)
    });
    text::list("tried", words)
}

/// Returns `remove` for `ansai:files/files-actions.remove`.
pub(crate) fn verb(action: &str) -> &str {
    action.rsplit('.').next().unwrap_or(action)
}
