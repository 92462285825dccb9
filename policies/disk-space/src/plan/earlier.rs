//! What was tried before for the same finding.

use serde_json::{Value, json};

use crate::port::{Attempt, Host, Measure, Outcome, StepResult};
use crate::words;

/// Steps that are told of.
const MOST_TOLD: usize = 6;

/// An action, and which of several targets it was for; empty where it has but one.
type Step = (String, String);

/// Steps of earlier plans for one finding. What became of a step does not say which directory it was for, so that is
/// remembered here; where it is forgotten, a step is tried again at worst.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    failed: Vec<Step>,
    proposed: Vec<Step>,
}

impl Earlier {
    pub(crate) fn recall(host: &dyn Host, finding: &str, attempts: &[Attempt]) -> Earlier {
        let Some(last) = attempts.last() else { return Earlier::default() };
        let known = host.remembered(&key(finding)).and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let list = |name: &str| known.as_ref().and_then(|known| steps(known.get(name)?)).unwrap_or_default();
        let (mut failed, proposed) = (list("failed"), list("proposed"));
        let same = last.steps.iter().map(|step| &step.action).eq(proposed.iter().map(|(action, _)| action));
        if same {
            let came_to_nothing = last.steps.iter().zip(proposed).filter(|(step, _)| is_failure(step));
            failed.extend(came_to_nothing.map(|(_, proposed)| proposed));
        }
        // Actions with one target say all in their result.
        let told = attempts.iter().flat_map(|attempt| &attempt.steps).filter(|step| is_failure(step));
        failed.extend(told.map(|step| (step.action.clone(), step.about.name.clone())));
        Earlier { failed, proposed: Vec::new() }
    }

    pub(crate) fn has_failed(&self, action: &str, target: &str) -> bool {
        self.failed.iter().any(|(failed, of)| failed == action && of == target)
    }

    pub(crate) fn propose(&mut self, action: &str, target: &str) {
        self.proposed.push((action.to_owned(), target.to_owned()));
    }

    pub(crate) fn remember(&self, host: &dyn Host, finding: &str) {
        let list = |steps: &[Step]| steps.iter().map(|(action, target)| json!([action, target])).collect::<Value>();
        let known = json!({"failed": list(&self.failed), "proposed": list(&self.proposed)});
        host.remember(&key(finding), &known.to_string());
    }
}

fn key(finding: &str) -> String {
    format!("proposed:{finding}")
}

fn steps(list: &Value) -> Option<Vec<Step>> {
    list.as_array()?.iter().map(|step| Some((step.get(0)?.as_str()?.into(), step.get(1)?.as_str()?.into()))).collect()
}

/// It failed, and not only for some of its files.
fn is_failure(step: &StepResult) -> bool {
    let came_back = |measure: &Measure| {
        matches!(measure.name.as_str(), "freed-bytes" | "held-bytes")
            && !matches!(measure.value, crate::port::Value::Count(0))
    };
    matches!(step.outcome, Outcome::Failed | Outcome::Refused) && !step.measures.iter().any(came_back)
}

/// The latest steps, in words; empty when there were none.
pub(crate) fn told(attempts: &[Attempt]) -> String {
    let steps: Vec<String> = attempts
        .iter()
        .rev()
        .flat_map(|attempt| &attempt.steps)
        .take(MOST_TOLD)
        .map(|step| {
            let verb = step.action.rsplit('.').next().unwrap_or(&step.action);
            let outcome = match step.outcome {
                Outcome::Done => "done",
                Outcome::Reverted => "reverted",
                Outcome::Failed => "failed",
                Outcome::Refused => "refused",
                Outcome::Simulated => "simulated",
                Outcome::Unknown => "unknown",
                Outcome::Other => "other",
            };
            let detail = words::cut(&step.detail, 120);
            let between = if detail.is_empty() { "" } else { ", " };
            format!("{verb} {} ({outcome}{between}{detail})", step.about.name)
        })
        .collect();
    steps.join(", ")
}
