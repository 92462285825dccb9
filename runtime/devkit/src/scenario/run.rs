//! Runs one scenario against one component.

use std::time::Instant;

use ansai_config::Diagnostics;
use ansai_core::{Observation, Status, codes};
use ansai_engine::{Answer, Evaluation, EvaluationError};
use serde_json::{Value, json};

use super::backend::ScenarioBackend;
use super::expect::{contains, decides, narrowed};
use super::file::{ExpectedPlan, Scenario};
use super::prepared::Prepared;
use super::problem::Problem;
use super::subject::Subject;

/// The result of one scenario.
#[derive(Debug, Clone, Default)]
pub struct Ran {
    /// Differences from the expectation; empty if the scenario passed.
    pub problems: Vec<Problem>,
    /// Fuel used by `detect` and by each `plan`.
    pub fuel: Vec<u64>,
    /// Log lines of the policy.
    pub log: Vec<String>,
    /// Duration in microseconds.
    pub wall_us: u64,
    /// Result of `detect`, if it was evaluated.
    pub(super) detected: Option<Came>,
    /// Result of each expected plan; `None` if the finding did not occur.
    pub(super) planned: Vec<Option<Came>>,
}

/// A result that a scenario can expect.
#[derive(Debug, Clone)]
pub(super) enum Came {
    Observations { observations: Value, advice: Value },
    Plan { decision: Value, steps: Value, advice: Value },
    Failure { failure: Value, message: String },
}

/// Evaluates `detect`, if observations or a failure are expected, then `plan` for each expected plan.
///
/// # Errors
/// The problems of the scenario itself.
pub async fn run(subject: &Subject, scenario: &Scenario) -> Result<Ran, Diagnostics> {
    let began = Instant::now();
    let prepared = Prepared::new(subject, scenario)?;
    let mut ran = Ran::default();
    let mut observations = Vec::new();
    let expect = &scenario.expect;
    if expect.observations.is_some() || expect.failure.is_some() {
        let evaluation = prepared.evaluate(None).await;
        ran.take(&evaluation);
        if let Ok(Answer::Observed(observed)) = &evaluation.answer {
            observations.clone_from(observed);
        }
        let came = Came::of(&evaluation);
        detected(&mut ran, scenario, &came);
        ran.detected = Some(came);
    }
    for expected in &expect.plan {
        let came = match finding(expected, &observations) {
            Some(finding) => {
                let evaluation = prepared.evaluate(Some(&finding)).await;
                ran.take(&evaluation);
                let came = Came::of(&evaluation);
                planned(&mut ran, expected, &came);
                Some(came)
            }
            None => {
                let key = expected.key();
                let message = format!("plan: there is no unhealthy observation `{key}`");
                ran.problems.push(Problem::told(codes::NO_FINDING, message));
                None
            }
        };
        ran.planned.push(came);
    }
    ran.wall_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    Ok(ran)
}

/// The finding for which `plan` is evaluated.
fn finding(expected: &ExpectedPlan, observations: &[Observation]) -> Option<Observation> {
    if expected.finding.is_object() {
        return serde_json::from_value(expected.finding.clone()).ok();
    }
    let unhealthy = |found: &&Observation| matches!(found.status, Status::Unhealthy(_));
    observations.iter().filter(unhealthy).find(|found| found.key == expected.key()).cloned()
}

impl Ran {
    fn take(&mut self, evaluation: &Evaluation<ScenarioBackend>) {
        self.fuel.push(evaluation.usage.fuel);
        if let Some(backend) = &evaluation.backend {
            self.log.extend(backend.base.log.iter().map(|line| format!("{}: {}", line.level, line.message)));
        }
    }
}

impl Came {
    fn of(evaluation: &Evaluation<ScenarioBackend>) -> Came {
        let json = |value: serde_json::Result<Value>| value.unwrap_or_default();
        match &evaluation.answer {
            Ok(Answer::Observed(observations)) => Came::Observations {
                observations: json(serde_json::to_value(observations)),
                advice: advice(evaluation),
            },
            Ok(Answer::Decided(decision)) => {
                let steps = evaluation.backend.as_ref().map(|backend| backend.steps.as_slice()).unwrap_or_default();
                let steps = steps.iter().map(|step| json!({"action": step.action, "arguments": step.arguments}));
                let decision = json(serde_json::to_value(decision));
                Came::Plan { decision, steps: steps.collect(), advice: advice(evaluation) }
            }
            Err(error) => Came::Failure {
                failure: match error {
                    EvaluationError::Failure(failure) => json(serde_json::to_value(failure)),
                    other => Value::String(other.to_string()),
                },
                message: error.to_string(),
            },
        }
    }

    /// The result as it is shown when something else was expected.
    fn value(&self) -> Value {
        match self {
            Came::Observations { observations, .. } => observations.clone(),
            Came::Plan { decision, steps, .. } => json!({"decision": decision, "steps": steps}),
            Came::Failure { failure, .. } => json!({"failure": failure}),
        }
    }

    /// Whether it is the expected failure. A text matches if it is a part of the message.
    pub(super) fn fails_as(&self, wanted: &Value) -> bool {
        match (self, wanted) {
            (Came::Failure { message, .. }, Value::String(part)) => message.contains(part.as_str()),
            (Came::Failure { failure, .. }, wanted) => decides(wanted, failure),
            _ => false,
        }
    }
}

/// What the policy advised, without what it did not mention.
fn advice(evaluation: &Evaluation<ScenarioBackend>) -> Value {
    let Some(backend) = &evaluation.backend else { return json!({}) };
    let advice = &backend.base.advice;
    let mut value = json!({"recommendations": advice.recommendations, "may-fail": advice.may_fail});
    if let (Some(after), Some(table)) = (advice.look_again, value.as_object_mut()) {
        table.insert("look-again".into(), json!(after));
    }
    value
}

fn detected(ran: &mut Ran, scenario: &Scenario, came: &Came) {
    let expect = &scenario.expect;
    match (came, &expect.observations, &expect.failure) {
        (came, _, Some(wanted)) if came.fails_as(wanted) => {}
        (came, _, Some(wanted)) => {
            let came = match came {
                Came::Failure { failure, .. } => failure.clone(),
                came => came.value(),
            };
            ran.problems.push(Problem::difference("failure", wanted, &came));
        }
        (Came::Observations { observations, advice }, Some(wanted), None) => {
            compare(ran, "observations", &Value::Array(wanted.clone()), observations, contains);
            if let Some(wanted) = &expect.advice {
                compare(ran, "advice", wanted, advice, decides);
            }
        }
        (Came::Failure { message, .. }, ..) => {
            ran.problems.push(Problem::told(codes::NO_ANSWER, format!("detect: {message}")));
        }
        _ => {}
    }
}

fn planned(ran: &mut Ran, expected: &ExpectedPlan, came: &Came) {
    let what = format!("plan for `{}`", expected.key());
    match (came, &expected.decision, &expected.steps, &expected.failure) {
        (came, _, _, Some(wanted)) if came.fails_as(wanted) => {}
        (came, _, _, Some(wanted)) => {
            ran.problems.push(Problem::difference(&format!("{what}, failure"), wanted, &came.value()));
        }
        (Came::Plan { decision, steps, advice }, Some(wanted), Some(wanted_steps), None) => {
            compare(ran, &format!("{what}, decision"), wanted, decision, decides);
            compare(ran, &format!("{what}, steps"), &Value::Array(wanted_steps.clone()), steps, contains);
            if let Some(wanted) = &expected.advice {
                compare(ran, &format!("{what}, advice"), wanted, advice, decides);
            }
        }
        (Came::Failure { message, .. }, ..) => {
            ran.problems.push(Problem::told(codes::NO_ANSWER, format!("{what}: {message}")));
        }
        _ => {}
    }
}

fn compare(ran: &mut Ran, what: &str, wanted: &Value, actual: &Value, fits: fn(&Value, &Value) -> bool) {
    if !fits(wanted, actual) {
        ran.problems.push(Problem::difference(what, wanted, &narrowed(wanted, actual, fits)));
    }
}
