//! One pass over one instance: detect, incidents, plan, decide, apply, verify.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::event::{PlannedStep, Verdict};
use ansai_core::incident::Change;
use ansai_core::{Attempt, Decision, ErrorKind, Event, Incident, Mode, Observation, OnFailure, Status};
use ansai_engine::{Answer, EvaluationError};
use ansai_kit::action::Proposed;
use ansai_kit::evaluation_state::Trigger;

use crate::authority::EffectiveGrants;
use crate::clock;
use crate::evaluate::{Evaluated, EvaluationRequest};
use crate::executor::Approved;
use crate::incident_quota::IncidentQuota;
use crate::instance::Instance;
use crate::plans::PlanFile;
use crate::report::{FindingReport, InstanceReport, Notice, PlanReport, StepReport};
use crate::supervisor::Inner;

/// Plans of one attempt: a policy that always wants another stage is stopped here.
const MOST_STAGES: usize = 8;

/// An observation, its incident where one is open, and what changed.
type Observed = (Observation, Option<Incident>, Option<Change>);

impl Inner {
    /// The report of an instance that has no answer, for no fault of its policy.
    pub(crate) fn failed(instance: &Instance, mode: Mode, error: String) -> InstanceReport {
        InstanceReport {
            instance: instance.name.to_string(),
            version: instance.version.clone(),
            mode,
            findings: Vec::new(),
            error: Some(error),
            error_kind: None,
            log: Vec::new(),
        }
    }

    /// Detects and heals. `show` plans whatever is unhealthy, so that a person sees what would be done; a daemon
    /// in observe mode plans only what has changed.
    pub(crate) async fn pass(self: &Arc<Self>, instance: &Instance, late_ms: u64, show: bool) -> InstanceReport {
        let force = match self.authority.effective_grants(&instance.name) {
            Ok(force) => force,
            Err(error) => return self.report_failure(instance, Mode::Observe, error),
        };
        let asked = EvaluationRequest { trigger: Trigger::Schedule, scopes: &force.scopes, late_ms, finding: None };
        let told = match self.ask(instance, asked).await {
            Ok(told) => told,
            Err(error) => return self.report_failure(instance, force.mode, error),
        };
        let observations = match &told.answer {
            Ok(Answer::Observed(observations)) => observations.clone(),
            Ok(Answer::Decided(_)) => return self.report_failure(instance, force.mode, "answered a plan".into()),
            Err(error) => {
                let (kind, error) = (error.kind(), error.to_string());
                self.observe_all(instance, &[], &error, told.at);
                let report = self.report_failure(instance, force.mode, error);
                return InstanceReport { error_kind: Some(kind), ..report };
            }
        };
        let (mut error, mut error_kind) = (None, None);
        if let Err(why) = self.state.commit(&instance.name, told.at, &told.writes) {
            tracing::error!(instance = %instance.name, "{why}");
            error = Some(why.to_string());
        }
        let (incidents, without) = self.observe_all(instance, &observations, "not mentioned in the answer", told.at);
        if without > 0 {
            let why = format!("{without} findings have no incident: too many of this policy's are open");
            (self.notice)(Notice::Failed { instance: instance.name.to_string(), error: why.clone() });
            (error, error_kind) = (Some(why), Some(ErrorKind::Incidents));
        }
        let mut findings = Vec::with_capacity(observations.len());
        for (observation, incident, change) in incidents {
            let mut finding = finding_report(&observation, incident.as_ref());
            if change.is_some_and(|change| change != Change::Unchanged) {
                self.tell_incident(instance, change, &finding);
            }
            if let (Some(incident), Status::Unhealthy(_)) = (incident, &observation.status) {
                let news = !matches!(change, Some(Change::Unchanged));
                if show || news || force.mode == Mode::Enforce {
                    self.heal(instance, &force, incident, &mut finding).await;
                }
            }
            findings.push(finding);
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(rank(&finding.status)));
        InstanceReport {
            instance: instance.name.to_string(),
            version: instance.version.clone(),
            mode: force.mode,
            findings,
            error,
            error_kind,
            log: told.log.into_iter().map(|line| (line.level, line.message)).collect(),
        }
    }

    fn report_failure(&self, instance: &Instance, mode: Mode, error: String) -> InstanceReport {
        (self.notice)(Notice::Failed { instance: instance.name.to_string(), error: error.clone() });
        Inner::failed(instance, mode, error)
    }

    fn tell_incident(&self, instance: &Instance, change: Option<Change>, finding: &FindingReport) {
        if let Some(change) = change {
            let finding = Box::new(finding.clone());
            (self.notice)(Notice::Incident { instance: instance.name.to_string(), change, finding });
        }
    }

    /// Brings the incidents of an instance up to date. Answers each observation, and each incident that was not
    /// mentioned (as an unknown one), with its incident where one is open and what changed; and how many findings
    /// have no incident since too many are open.
    fn observe_all(
        &self,
        instance: &Instance,
        observations: &[Observation],
        why_missing: &str,
        now: ansai_core::Instant,
    ) -> (Vec<Observed>, usize) {
        let open = match self.state.incidents(&instance.name) {
            Ok(open) => open,
            Err(error) => {
                tracing::error!("{error}");
                Vec::new()
            }
        };
        let mut out = Vec::new();
        let (mut room, mut without) = (IncidentQuota::beside(&open, instance.limits.observations), 0);
        for observation in observations {
            let known = open.iter().find(|incident| incident.finding.key == observation.key).cloned();
            let (incident, change) = match known {
                Some(mut incident) => {
                    let change = incident.observe(Some(observation), why_missing, now);
                    (Some(incident), Some(change))
                }
                None => {
                    let opened = Incident::open(&instance.name, observation, now);
                    let wanted = opened.is_some();
                    let opened = opened.filter(|_| room.take(observation));
                    without += usize::from(wanted && opened.is_none());
                    let change = opened.as_ref().map(|_| Change::Opened);
                    (opened, change)
                }
            };
            let incident = incident.and_then(|incident| self.keep_incident(incident, change, now));
            out.push((observation.clone(), incident, change));
        }
        for incident in &open {
            if observations.iter().any(|observation| observation.key == incident.finding.key) {
                continue;
            }
            let mut incident = incident.clone();
            let change = incident.observe(None, why_missing, now);
            let unknown = Observation { status: Status::Unknown(why_missing.to_owned()), ..incident.finding.clone() };
            let incident = self.keep_incident(incident, Some(change), now);
            out.push((unknown, incident, Some(change)));
        }
        (out, without)
    }

    /// Writes an incident down; `None` when it is closed.
    fn keep_incident(&self, incident: Incident, change: Option<Change>, now: ansai_core::Instant) -> Option<Incident> {
        let closed = change == Some(Change::Closed);
        if let Some(change) = change.filter(|change| *change != Change::Unchanged) {
            let severity = (!closed).then(|| incident.finding.severity()).flatten();
            let summary = incident.unknown.clone().unwrap_or_else(|| incident.finding.summary.clone());
            let event = Event::Incident {
                incident: incident.id.clone(),
                instance: incident.instance.clone(),
                key: incident.finding.key.clone(),
                change,
                severity,
                summary,
            };
            if let Err(error) = self.journal.note(now, event) {
                tracing::error!("{error}");
            }
        }
        let written = match closed {
            true => self.state.close_incident(&incident.instance, &incident.finding.key),
            // Only that it was seen again: no step depends on it.
            false if change == Some(Change::Unchanged) => self.state.put_incident_soon(&incident),
            false => self.state.put_incident(&incident),
        };
        if let Err(error) = written {
            tracing::error!("{error}");
        }
        (!closed).then_some(incident)
    }

    /// Plans, decides, applies and verifies, in stages where the policy wants that.
    async fn heal(
        self: &Arc<Self>,
        instance: &Instance,
        force: &EffectiveGrants,
        mut incident: Incident,
        finding: &mut FindingReport,
    ) {
        for stage in 0..MOST_STAGES {
            if self.is_stopping() {
                return;
            }
            let (mut plan, proposed) = self.plan(instance, force, &incident).await;
            let Some(decision) = plan.decision.clone() else {
                self.tell_plan(instance, finding, plan);
                return;
            };
            let now = clock::now();
            let verdict = crate::decide::verdict(
                &decision,
                proposed.len(),
                force.mode,
                &incident,
                &instance.ladder,
                now,
                stage == 0,
            );
            plan.verdict = Some(verdict.clone());
            let on_failure = match decision {
                Decision::Apply(on_failure) | Decision::ApplyThenReplan(on_failure) => on_failure,
                _ => OnFailure::Stop,
            };
            let approved = verdict == Verdict::Approved;
            if let Err(error) = self.note_plan(&incident, &plan, verdict, approved, now) {
                plan.error = Some(error);
                self.tell_plan(instance, finding, plan);
                return;
            }
            if !approved {
                self.tell_plan(instance, finding, plan);
                return;
            }
            if stage == 0 {
                // Counted before acting, so that a crash does not forget it.
                incident.begin(now);
                if let Err(error) = self.state.put_incident(&incident) {
                    plan.error = Some(format!("nothing was done: {error}"));
                    self.tell_plan(instance, finding, plan);
                    return;
                }
            }
            let file = PlanFile {
                plan: plan.plan.clone(),
                instance: instance.name.to_string(),
                incident: incident.id.clone(),
                at: now,
                steps: proposed.iter().map(|step| Proposed::clone(step)).collect(),
            };
            self.clone().execute(Approved { file, on_failure }, &mut plan).await;
            let verified = self.verify(instance, force, &incident, &plan.plan).await;
            incident.attempts.push(Attempt {
                at: now,
                stage: String::new(),
                verified: verified.status.clone(),
                steps: plan.steps.iter().filter_map(crate::executor::step_result).collect(),
            });
            let again = matches!(decision, Decision::ApplyThenReplan(_)) && verified.status != Status::Healthy;
            finding.verified = Some(verified.status.clone());
            self.tell_plan(instance, finding, plan);
            let change = incident.observe(Some(&verified), "", clock::now());
            let Some(open) = self.keep_incident(incident, Some(change), clock::now()) else {
                finding.incident = None;
                break;
            };
            incident = open;
            if !again {
                break;
            }
        }
        let state = finding.state();
        (self.notice)(Notice::Verified { instance: instance.name.to_string(), key: finding.key.clone(), state });
    }

    fn tell_plan(&self, instance: &Instance, finding: &mut FindingReport, plan: PlanReport) {
        let boxed = Box::new(plan.clone());
        let key = finding.key.clone();
        (self.notice)(Notice::Plan { instance: instance.name.to_string(), key, plan: boxed });
        finding.plans.push(plan);
    }

    async fn plan(
        &self,
        instance: &Instance,
        force: &EffectiveGrants,
        incident: &Incident,
    ) -> (PlanReport, Vec<Arc<Proposed>>) {
        let mut report = PlanReport {
            plan: String::new(),
            decision: None,
            verdict: None,
            steps: Vec::new(),
            error: None,
            error_kind: None,
        };
        let finding = Some((&incident.finding, incident.attempts.clone()));
        let asked = EvaluationRequest { trigger: Trigger::Schedule, scopes: &force.scopes, late_ms: 0, finding };
        let told: Evaluated = match self.ask(instance, asked).await {
            Ok(told) => told,
            Err(error) => {
                report.error = Some(error);
                return (report, Vec::new());
            }
        };
        match told.answer {
            Ok(Answer::Decided(decision)) => {
                report.plan = self.fresh_id(told.at);
                report.decision = Some(decision);
                report.steps = told.proposed.iter().map(|step| step_report(step)).collect();
                if let Err(error) = self.state.commit(&instance.name, told.at, &told.writes) {
                    tracing::error!("{error}");
                }
                (report, told.proposed)
            }
            Ok(Answer::Observed(_)) => {
                report.error = Some("answered observations to `plan`".into());
                (report, Vec::new())
            }
            Err(error) => {
                report.error_kind = Some(EvaluationError::kind(&error));
                report.error = Some(error.to_string());
                (report, Vec::new())
            }
        }
    }

    fn note_plan(
        &self,
        incident: &Incident,
        plan: &PlanReport,
        verdict: Verdict,
        durable: bool,
        now: ansai_core::Instant,
    ) -> Result<(), String> {
        let Some(decision) = plan.decision.clone() else { return Ok(()) };
        let steps = plan.steps.iter().map(|step| PlannedStep {
            action: step.action.clone(),
            reason: step.reason.clone(),
            preview: step.preview.clone(),
        });
        let planned = Event::Planned {
            plan: plan.plan.clone(),
            incident: incident.id.clone(),
            instance: incident.instance.clone(),
            decision,
            steps: steps.collect(),
        };
        let decided = Event::Decided { plan: plan.plan.clone(), verdict };
        let note = self.journal.note(now, planned).and_then(|_| match durable {
            true => self.journal.durable(now, decided),
            false => self.journal.note(now, decided),
        });
        note.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Looks again. Whatever keeps the policy from saying so is `unknown`, never healthy.
    async fn verify(
        &self,
        instance: &Instance,
        force: &EffectiveGrants,
        incident: &Incident,
        plan: &str,
    ) -> Observation {
        tokio::time::sleep(Duration::from_millis(instance.ladder.settle)).await;
        let asked =
            EvaluationRequest { trigger: Trigger::Verification, scopes: &force.scopes, late_ms: 0, finding: None };
        let told = self.ask(instance, asked).await;
        let unknown = |why: String| Observation { status: Status::Unknown(why), ..incident.finding.clone() };
        let verified = match told.map(|told| told.answer) {
            Ok(Ok(Answer::Observed(observations))) => observations
                .into_iter()
                .find(|observation| observation.key == incident.finding.key)
                .unwrap_or_else(|| unknown("not mentioned in the answer".into())),
            Ok(Ok(Answer::Decided(_))) => unknown("answered a plan".into()),
            Ok(Err(error)) => unknown(error.to_string()),
            Err(error) => unknown(error),
        };
        let event =
            Event::Verified { plan: plan.to_owned(), incident: incident.id.clone(), status: verified.status.clone() };
        if let Err(error) = self.journal.note(clock::now(), event) {
            tracing::error!("{error}");
        }
        verified
    }
}

fn finding_report(observation: &Observation, incident: Option<&Incident>) -> FindingReport {
    FindingReport {
        key: observation.key.clone(),
        about: observation.about.clone(),
        status: observation.status.clone(),
        summary: observation.summary.clone(),
        evidence: observation.evidence.clone(),
        incident: incident.map(|incident| incident.id.clone()),
        plans: Vec::new(),
        verified: None,
    }
}

fn step_report(step: &Proposed) -> StepReport {
    StepReport {
        action: step.action.clone(),
        reason: step.reason(),
        preview: step.preview.clone(),
        outcome: None,
        detail: String::new(),
        measures: Vec::new(),
    }
}

/// Unhealthy first, worst first, then what cannot be told.
fn rank(status: &Status) -> u8 {
    match status {
        Status::Unhealthy(severity) => 2 + *severity as u8,
        Status::Unknown(_) => 1,
        Status::Healthy => 0,
    }
}
