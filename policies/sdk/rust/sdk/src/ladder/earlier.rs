//! Earlier attempts at the same finding.

use crate::{Attempt, Host, Json, Measure, Outcome, StepResult, Value, text};

/// Maximum number of steps in the explanation.
const MOST_TOLD: usize = 6;
const MOST_DETAIL: usize = 120;

/// An action and its target.
type Step = (String, String);

/// Steps of earlier plans for one finding. A step's result does not name its target if the action has several, so the
/// plan stores that here. If the store loses it, a step is tried again at worst.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    failed: Vec<Step>,
    proposed: Vec<Step>,
}

impl Earlier {
    pub(super) fn recall(host: &Host, finding: &str, attempts: &[Attempt]) -> Earlier {
        let Some(last) = attempts.last() else { return Earlier::default() };
        let known = host.recall(&key(finding)).and_then(|text| Json::parse(&text));
        let list = |name: &str| known.as_ref().and_then(|known| known.get(name)).map(steps).unwrap_or_default();
        let (mut failed, proposed) = (list("failed"), list("proposed"));
        let is_same = last.steps.iter().map(|step| &step.action).eq(proposed.iter().map(|(action, _)| action));
        if is_same {
            let came_to_nothing = last.steps.iter().zip(proposed).filter(|(step, _)| is_failure(step));
            failed.extend(came_to_nothing.map(|(_, proposed)| proposed));
        }
        // The result of an action with one target names it.
        let told = attempts.iter().flat_map(|attempt| &attempt.steps).filter(|step| is_failure(step));
        failed.extend(told.map(|step| (step.action.clone(), step.about.name.clone())));
        Earlier { failed, proposed: Vec::new() }
    }

    pub(super) fn has_failed(&self, action: &str, target: &str) -> bool {
        self.failed.iter().any(|(failed, of)| failed == action && of == target)
    }

    pub(super) fn propose(&mut self, action: &str, target: &str) {
        self.proposed.push((action.to_owned(), target.to_owned()));
    }

    pub(super) fn remember(&self, host: &Host, finding: &str) {
        let pair = |(action, target): &Step| Json::List(vec![Json::Text(action.clone()), Json::Text(target.clone())]);
        let list = |steps: &[Step]| Json::List(steps.iter().map(pair).collect());
        let known =
            Json::Object(vec![("failed".into(), list(&self.failed)), ("proposed".into(), list(&self.proposed))]);
        host.remember(&key(finding), &known.to_string());
    }
}

fn key(finding: &str) -> String {
    format!("proposed:{finding}")
}

fn steps(list: &Json) -> Vec<Step> {
    let pair = |step: &Json| match step.list() {
        [action, target] => Some((action.text()?.to_owned(), target.text()?.to_owned())),
        _ => None,
    };
    list.list().iter().filter_map(pair).collect()
}

/// Whether the step failed without freeing anything.
fn is_failure(step: &StepResult) -> bool {
    let has_freed = |measure: &Measure| {
        matches!(measure.name.as_str(), "freed-bytes" | "held-bytes") && !matches!(measure.value, Value::Count(0))
    };
    matches!(step.outcome, Outcome::Failed | Outcome::Refused) && !step.measures.iter().any(has_freed)
}

/// Describes the latest steps; `None` if there are none.
pub(super) fn told(attempts: &[Attempt]) -> Option<String> {
    let steps = attempts.iter().rev().flat_map(|attempt| &attempt.steps).take(MOST_TOLD);
    let words = steps.map(|step| {
        let outcome = match step.outcome {
            Outcome::Done => "done",
            Outcome::Reverted => "reverted",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
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
pub(super) fn verb(action: &str) -> &str {
    action.rsplit('.').next().unwrap_or(action)
}
