//! One scenario against one component.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_config::{Manifest, Schema};
use ansai_core::event::Phase;
use ansai_core::{Interface, Limits, Observation, Scope, Status};
use ansai_engine::{Answer, Evaluation, EvaluationError, Policy};
use ansai_host_functions::base::{Base, Context, Sample, Trigger, WallClock};
use ansai_host_functions::live::Scopes;
use ansai_host_functions::registry::Registry;
use serde_json::{Value, json};

use super::backend::{Replies, ScenarioBackend, Seeded};
use super::expect::{contains, decides, difference};
use super::file::{ExpectedPlan, Scenario};

/// Where a scenario says nothing.
const NOW: u64 = 1_790_000_000_000;

/// What is put to the test.
pub struct Subject {
    /// The component.
    pub policy: Policy,
    /// From it.
    pub manifest: Manifest,
    /// From it; `None` for a policy without settings.
    pub schema: Option<Schema>,
    /// What a host offers.
    pub registry: Registry,
}

/// What came of one scenario.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Ran {
    /// What was not as expected; empty when it passed.
    pub problems: Vec<String>,
    /// Of `detect` and of each `plan`.
    pub fuel: Vec<u64>,
    /// What the policy logged.
    pub log: Vec<String>,
}

/// Evaluates `detect`, then `plan` for each expected plan.
pub async fn run(subject: &Subject, scenario: &Scenario) -> Ran {
    let mut ran = Ran::default();
    let prepared = match Prepared::new(subject, scenario) {
        Ok(prepared) => prepared,
        Err(problem) => {
            ran.problems.push(problem);
            return ran;
        }
    };
    let evaluation = prepared.evaluate(None).await;
    prepared.take(&mut ran, &evaluation);
    let observations = match &evaluation.answer {
        Ok(Answer::Observed(observations)) => observations.clone(),
        Ok(Answer::Decided(_)) => Vec::new(),
        Err(error) => {
            failed(&mut ran, scenario, error);
            return ran;
        }
    };
    observed(&mut ran, scenario, &observations);
    for expected in &scenario.expect.plan {
        let finding = observations.iter().find(|observation| observation.key == expected.finding);
        match finding.filter(|finding| matches!(finding.status, Status::Unhealthy(_))) {
            Some(finding) => {
                let evaluation = prepared.evaluate(Some(finding)).await;
                prepared.take(&mut ran, &evaluation);
                planned(&mut ran, expected, &evaluation);
            }
            None => ran.problems.push(format!("plan: there is no unhealthy observation `{}`", expected.finding)),
        }
    }
    ran
}

/// Everything that is the same for all evaluations of a scenario.
struct Prepared<'a> {
    subject: &'a Subject,
    scenario: &'a Scenario,
    settings: Arc<Value>,
    scopes: Scopes,
    replies: Arc<Replies>,
    limits: Limits,
    now: u64,
}

impl<'a> Prepared<'a> {
    fn new(subject: &'a Subject, scenario: &'a Scenario) -> Result<Self, String> {
        let settings = Value::Object(scenario.settings.clone());
        let settings = match &subject.schema {
            Some(schema) => schema.resolve(&settings).map_err(|problems| {
                let lines: Vec<String> =
                    problems.iter().map(|problem| format!("{}: {}", problem.path.join("."), problem.message)).collect();
                format!("settings: {}", lines.join("; "))
            })?,
            None => settings,
        };
        let interfaces = subject.registry.interfaces();
        let scopes = match &scenario.scopes {
            None => ansai_config::unconfigured(&subject.manifest, &interfaces),
            Some(written) => granted(subject, &interfaces, written)?,
        };
        Ok(Prepared {
            subject,
            scenario,
            settings: Arc::new(settings),
            scopes: Arc::new(scopes.into_iter().map(|(name, scope)| (name, Arc::new(scope))).collect()),
            replies: Replies::new(&scenario.reply),
            limits: subject.manifest.limits.over(Limits::default()),
            now: scenario.context.now.unwrap_or(NOW),
        })
    }

    async fn evaluate(&self, finding: Option<&Observation>) -> Evaluation {
        let backend = ScenarioBackend {
            registry: self.subject.registry.clone(),
            phase: if finding.is_some() { Phase::Plan } else { Phase::Detect },
            scopes: self.scopes.clone(),
            base: self.base(finding),
            replies: self.replies.clone(),
            steps: Vec::new(),
        };
        match finding {
            Some(finding) => self.subject.policy.plan(Box::new(backend), &self.limits, finding).await,
            None => self.subject.policy.detect(Box::new(backend), &self.limits).await,
        }
    }

    fn base(&self, finding: Option<&Observation>) -> Base {
        let context = &self.scenario.context;
        let mut open = context.open_incidents.clone();
        // By the time of `plan` the finding is an incident.
        if let Some(finding) = finding
            && !open.iter().any(|incident| incident.key == finding.key)
        {
            open.push(finding.clone());
        }
        let series = self.scenario.series.iter().map(|series| {
            let samples = series
                .samples
                .iter()
                .map(|(at, value)| Sample { at: self.now.saturating_add_signed(*at), value: *value });
            (series.name.clone(), samples.collect())
        });
        Base::new(
            Context {
                now: self.now,
                local_time: WallClock { minute_of_day: 720, weekday: 2, utc_offset_minutes: 0 },
                last_evaluated: None,
                trigger: context.trigger.clone().unwrap_or(Trigger::Schedule),
                settings: self.settings.clone(),
                scopes: serde_json::to_string(&*self.scopes).unwrap_or_default().into(),
                host_facts: Arc::default(),
                open_incidents: open,
                attempts: finding.map(|_| context.attempts.clone()).unwrap_or_default(),
                stage: context.stage.clone(),
            },
            Arc::new(Seeded { store: self.scenario.store.clone(), series: series.collect() }),
        )
    }

    fn take(&self, ran: &mut Ran, evaluation: &Evaluation) {
        ran.fuel.push(evaluation.usage.fuel);
        if let Some(backend) = scenario_backend(evaluation) {
            ran.log.extend(backend.base.log.iter().map(|line| format!("{}: {}", line.level, line.message)));
        }
    }
}

/// Only what the manifest asks for can be granted, as on a real host.
fn granted(
    subject: &Subject,
    interfaces: &[Interface],
    written: &BTreeMap<String, serde_json::Map<String, Value>>,
) -> Result<BTreeMap<String, Scope>, String> {
    let mut grants = BTreeMap::new();
    for (name, table) in written {
        let interface = interfaces
            .iter()
            .find(|interface| interface.name == name)
            .ok_or_else(|| format!("scopes: there is no interface `{name}`"))?;
        let scope = Scope::parse(name, interface.fields, table).map_err(|error| format!("scopes: {error}"))?;
        grants.insert(name.clone(), scope);
    }
    ansai_config::force(&subject.manifest, &grants, interfaces).map_err(|error| format!("scopes: {error}"))
}

fn scenario_backend(evaluation: &Evaluation) -> Option<&ScenarioBackend> {
    let backend = evaluation.backend.as_deref()? as &dyn std::any::Any;
    backend.downcast_ref()
}

fn failed(ran: &mut Ran, scenario: &Scenario, error: &EvaluationError) {
    let actual = match error {
        EvaluationError::Failure(failure) => serde_json::to_value(failure).unwrap_or_default(),
        other => Value::String(other.to_string()),
    };
    match &scenario.expect.failure {
        Some(wanted) if decides(wanted, &actual) => {}
        Some(wanted) => ran.problems.push(difference("failure", wanted, &actual)),
        None => ran.problems.push(format!("detect: {error}")),
    }
}

fn observed(ran: &mut Ran, scenario: &Scenario, observations: &[Observation]) {
    let actual = serde_json::to_value(observations).unwrap_or_default();
    match &scenario.expect.observations {
        Some(wanted) => {
            let wanted = Value::Array(wanted.clone());
            if !contains(&wanted, &actual) {
                ran.problems.push(difference("observations", &wanted, &actual));
            }
        }
        None => {
            let wanted = scenario.expect.failure.clone().unwrap_or_default();
            ran.problems.push(difference("failure", &wanted, &actual));
        }
    }
}

fn planned(ran: &mut Ran, expected: &ExpectedPlan, evaluation: &Evaluation) {
    let what = format!("plan for `{}`", expected.finding);
    let decision = match &evaluation.answer {
        Ok(Answer::Decided(decision)) => serde_json::to_value(decision).unwrap_or_default(),
        Ok(Answer::Observed(_)) => Value::Null,
        Err(error) => {
            ran.problems.push(format!("{what}: {error}"));
            return;
        }
    };
    if !decides(&expected.decision, &decision) {
        ran.problems.push(difference(&format!("{what}, decision"), &expected.decision, &decision));
    }
    let steps = scenario_backend(evaluation).map(|backend| backend.steps.as_slice()).unwrap_or_default();
    let actual: Vec<Value> =
        steps.iter().map(|step| json!({"action": step.action, "arguments": step.arguments})).collect();
    let (wanted, actual) = (Value::Array(expected.steps.clone()), Value::Array(actual));
    if !contains(&wanted, &actual) {
        ran.problems.push(difference(&format!("{what}, steps"), &wanted, &actual));
    }
}
