//! A scenario prepared for its evaluations, after all checks that are possible before one.

use std::sync::Arc;

use ansai_config::{Diagnostics, LimitsChange, Report};
use ansai_core::event::Phase;
use ansai_core::{Limits, Millis, Observation, Timestamp};
use ansai_engine::Evaluation;
use ansai_kit::authorize::Scopes;
use ansai_kit::evaluation_state::{Context, EvaluationState, InstanceTarget, Label, Sample, Trigger, WallClock};
use serde_json::Value;

use super::backend::{ScenarioBackend, Seeded};
use super::canned::Canned;
use super::file::{Scenario, SeededTarget};
use super::subject::Subject;
use super::{check, granted, places};

/// The list as the host has it: in byte order of the names.
fn sorted<T>(list: impl IntoIterator<Item = T>, name: impl Fn(&T) -> &String) -> Vec<T> {
    let mut list: Vec<T> = list.into_iter().collect();
    list.sort_by(|a, b| name(a).cmp(name(b)));
    list
}

/// So many milliseconds later, or earlier.
fn shifted(time: Timestamp, by: i64) -> Timestamp {
    let by_ms = Millis::new(by.unsigned_abs());
    if by < 0 { time - by_ms } else { time + by_ms }
}

/// Defaults of a scenario.
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const NOON: WallClock = WallClock { minute_of_day: 720, weekday: 2, utc_offset_minutes: 0 };

pub(super) struct Prepared<'a> {
    subject: &'a Subject,
    scenario: &'a Scenario,
    settings: Arc<Value>,
    scopes: Scopes,
    scopes_text: Arc<str>,
    canned: Arc<Canned>,
    memory: Arc<Seeded>,
    host_facts: Arc<Vec<ansai_core::Measure>>,
    labels: Arc<Vec<Label>>,
    targets: Arc<Vec<InstanceTarget>>,
    limits: Limits,
    now: Timestamp,
}

impl<'a> Prepared<'a> {
    /// # Errors
    /// All problems of the scenario, each with its place.
    pub(super) fn new(subject: &'a Subject, scenario: &'a Scenario) -> Result<Self, Diagnostics> {
        let mut report = Report::new(&scenario.file, &scenario.text);
        check::scenario(scenario, &subject.registry, &mut report);
        let settings = settings(subject, scenario, &mut report);
        let scopes = match &scenario.scopes {
            None => subject.scopes.clone(),
            Some(written) => granted::read(subject, scenario, written, &mut report),
        };
        let limits = limits(subject, scenario, &mut report);
        report.finish()?;
        let now = scenario.context.now.unwrap_or(NOW);
        let series = scenario.series.iter().map(|series| {
            let sample = |(at, value): &(i64, f64)| Sample { at: shifted(now, *at), value: *value };
            (series.name.clone(), series.samples.iter().map(sample).collect())
        });
        Ok(Prepared {
            subject,
            scenario,
            settings: Arc::new(settings),
            scopes_text: serde_json::to_string(&*scopes).unwrap_or_default().into(),
            scopes,
            canned: Arc::new(Canned::new(&scenario.reply, &scenario.fault)),
            memory: Arc::new(Seeded {
                store: scenario.store.clone(),
                series: series.collect(),
                history: scenario.context.history.clone(),
            }),
            host_facts: Arc::new(scenario.context.host_facts.clone()),
            labels: Arc::new(sorted(scenario.context.labels.clone(), |label| &label.name)),
            targets: Arc::new(sorted(scenario.context.targets.iter().map(SeededTarget::on_host), |known| {
                &known.target.name
            })),
            limits,
            now,
        })
    }

    /// Evaluates `detect`, or `plan` for a finding.
    pub(super) async fn evaluate(&self, finding: Option<&Observation>) -> Evaluation<ScenarioBackend> {
        let phase = if finding.is_some() { Phase::Plan } else { Phase::Detect };
        let backend = ScenarioBackend {
            registry: self.subject.registry.clone(),
            scopes: self.scopes.clone(),
            base: EvaluationState::new(phase, self.context(finding), self.memory.clone()).limited(&self.limits),
            canned: self.canned.clone(),
            reply_bytes: self.limits.reply_bytes,
            steps: Vec::new(),
        };
        match finding {
            Some(finding) => self.subject.policy.plan(backend, &self.limits, finding).await,
            None => self.subject.policy.detect(backend, &self.limits).await,
        }
    }

    fn context(&self, finding: Option<&Observation>) -> Context {
        let context = &self.scenario.context;
        let mut open = context.open_incidents.clone();
        // When the host asks for a plan, the finding is already an open incident.
        if let Some(finding) = finding
            && !open.iter().any(|incident| incident.key == finding.key)
        {
            open.push(finding.clone());
        }
        Context {
            now: self.now,
            local_time: context.local_time.unwrap_or(NOON),
            last_evaluated: context.last_evaluated,
            trigger: context.trigger.clone().unwrap_or(Trigger::Schedule),
            host: context.host.clone().unwrap_or_else(|| Context::host_of(&context.host_facts)),
            settings: self.settings.clone(),
            scopes: self.scopes_text.clone(),
            host_facts: self.host_facts.clone(),
            labels: self.labels.clone(),
            targets: self.targets.clone(),
            open_incidents: open,
            attempts: finding.map(|_| context.attempts.clone()).unwrap_or_default(),
            stage: context.stage.clone(),
        }
    }
}

fn settings(subject: &Subject, scenario: &Scenario, report: &mut Report) -> Value {
    match subject.schema.resolve(&Value::Object(scenario.settings.clone())) {
        Ok(settings) => settings,
        Err(problems) => {
            for problem in problems {
                let path: Vec<&str> =
                    std::iter::once("settings").chain(problem.path.iter().map(String::as_str)).collect();
                let span = places::of(&scenario.text, &path, problem.about_key);
                report.error(problem.code, Some(span), &problem.message, problem.hint);
            }
            Value::Null
        }
    }
}

fn limits(subject: &Subject, scenario: &Scenario, report: &mut Report) -> Limits {
    let Some(written) = &scenario.limits else { return subject.limits.clone() };
    match LimitsChange::from_json(written, "`[limits]`") {
        Ok(change) => change.over(subject.limits.clone()),
        Err(problems) => {
            let span = places::of(&scenario.text, &["limits"], true);
            for (code, message, hint) in problems {
                report.error(code, Some(span.clone()), &message, hint);
            }
            subject.limits.clone()
        }
    }
}
