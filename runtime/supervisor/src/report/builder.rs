//! Builds the report of a pass from events.

use std::collections::HashMap;

use ansai_core::event::{Finding, Verdict};
use ansai_core::{Event, InstanceName, Mode, Outcome, Status};
use ansai_events::Item;

use super::{FindingReport, InstanceReport, PlanReport, Repeated, StepReport, undo_text};

/// Builds the reports of one pass over several instances from the events of the pass.
///
/// ```
/// use ansai_core::{Event, InstanceName, Mode, Observation, Status, Subject, event::Finding};
/// use ansai_supervisor::report::ReportBuilder;
///
/// let mut builder = ReportBuilder::new([(InstanceName::from_static("disk-space"), "0.1.0".to_owned())]);
/// let observation = Observation {
///     key: "full-/var".into(),
///     about: Subject::new("filesystem", "/var"),
///     status: Status::Healthy,
///     summary: "12 % used".into(),
///     evidence: vec![],
///     related: vec![],
///     distance: None,
/// };
/// builder.add(&Event::Observed {
///     instance: InstanceName::from_static("disk-space"),
///     mode: Mode::Observe,
///     findings: vec![Finding { observation, incident: None, change: None, healing: false, held_under: None, not_held: None, silenced: false }],
///     without_incident: 0,
/// });
/// assert_eq!(builder.finish()[0].findings[0].summary, "12 % used");
/// ```
pub struct ReportBuilder {
    reports: Vec<InstanceReport>,
    /// Index of each instance.
    instances: HashMap<InstanceName, usize>,
    /// Instance and finding of each incident.
    incidents: HashMap<String, (usize, usize)>,
    /// Instance, finding and plan of each plan.
    plans: HashMap<String, (usize, usize, usize)>,
    missed: u64,
}

impl ReportBuilder {
    /// A builder for these instances: name, and version of the policy. Ignores events of other instances.
    pub fn new(instances: impl IntoIterator<Item = (InstanceName, String)>) -> ReportBuilder {
        let reports: Vec<InstanceReport> = instances
            .into_iter()
            .map(|(instance, version)| InstanceReport {
                instance,
                version,
                mode: Mode::Observe,
                findings: Vec::new(),
                error: None,
                error_kind: None,
                repeated: None,
                log: Vec::new(),
            })
            .collect();
        let instances = reports.iter().enumerate().map(|(index, report)| (report.instance.clone(), index)).collect();
        ReportBuilder { reports, instances, incidents: HashMap::new(), plans: HashMap::new(), missed: 0 }
    }

    /// Adds an item that a subscriber received.
    pub fn take(&mut self, item: &Item) {
        match item {
            Item::Event(published) => self.add(&published.event),
            Item::Missed { count } => self.missed += count,
        }
    }

    /// Adds one event.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Observed { instance, mode, findings, without_incident } => {
                self.observed(instance, *mode, findings, *without_incident);
            }
            Event::Failed { instance, mode, error, kind } => {
                let Some(report) = self.instance(instance) else { return };
                (report.mode, report.error, report.error_kind) = (*mode, Some(error.clone()), *kind);
            }
            Event::Logged { instance, lines, .. } => {
                let Some(report) = self.instance(instance) else { return };
                report.log.extend(lines.iter().map(|line| (line.level.clone(), line.message.clone())));
            }
            Event::Incident { incident, change, .. } if change.is_closing() => {
                if let Some(finding) = self.finding(incident) {
                    finding.incident = None;
                }
            }
            Event::Planned { plan, incident: Some(incident), decision, steps, recommendations, .. } => {
                let (decision, recommendations) = (Some(decision.clone()), recommendations.clone());
                let steps = steps.iter().cloned().map(StepReport::new).collect();
                let report = PlanReport { decision, steps, recommendations, ..no_plan(plan.clone()) };
                self.add_plan(incident, report);
            }
            Event::PlanFailed { plan, incident, error, kind, .. } => {
                if plan.as_ref().and_then(|plan| self.plan(plan)).is_none()
                    && let Some(incident) = incident
                {
                    self.add_plan(incident, no_plan(plan.clone().unwrap_or_default()));
                }
                let last = incident.as_ref().and_then(|incident| self.finding(incident)?.plans.last_mut());
                if let Some(plan) = last {
                    (plan.error, plan.error_kind) = (Some(error.clone()), *kind);
                }
            }
            Event::Decided { plan, verdict, .. } => {
                if let Some(plan) = self.plan(plan) {
                    plan.verdict = Some(verdict.clone());
                }
            }
            Event::Unchanged { instance, incident, times, since } => {
                let repeated = Some(Repeated { times: *times, since: *since });
                match incident {
                    Some(incident) => {
                        if let Some(finding) = self.finding(incident) {
                            finding.repeated = repeated;
                        }
                    }
                    None => {
                        if let Some(report) = self.instance(instance) {
                            report.repeated = repeated;
                        }
                    }
                }
            }
            Event::Verified { incident, status, .. } => {
                if let Some(finding) = self.finding(incident) {
                    finding.verified = Some(status.clone());
                }
            }
            event => self.add_to_step(event),
        }
    }

    /// The reports in the order of the instances; unhealthy findings come first.
    pub fn finish(mut self) -> Vec<InstanceReport> {
        self.name_held();
        for report in &mut self.reports {
            report.findings.sort_by_key(|finding| std::cmp::Reverse(rank(&finding.status)));
            if self.missed > 0 {
                report.error = Some(format!("the report is incomplete: {} events were missed", self.missed));
            }
        }
        self.reports
    }

    /// Names what is held in the findings that it is held under.
    fn name_held(&mut self) {
        let findings = self.reports.iter().flat_map(|report| &report.findings);
        let held: Vec<(String, String)> = findings
            .filter_map(|finding| Some((finding.held_under.as_ref()?.incident.clone(), finding.incident.clone()?)))
            .collect();
        for (parent, child) in held {
            if let Some(parent) = self.finding(&parent) {
                parent.holds.push(child);
            }
        }
    }

    fn observed(&mut self, instance: &InstanceName, mode: Mode, findings: &[Finding], without_incident: u32) {
        let Some(index) = self.instances.get(instance).copied() else { return };
        let Some(report) = self.reports.get_mut(index) else { return };
        report.mode = mode;
        for finding in findings {
            if let Some(incident) = &finding.incident {
                self.incidents.insert(incident.clone(), (index, report.findings.len()));
            }
            report.findings.push(finding_report(finding));
        }
        if without_incident > 0 {
            report.error =
                Some(format!("{without_incident} findings have no incident: too many of this policy are open"));
            report.error_kind = Some(ansai_core::ErrorKind::Incidents);
        }
    }

    fn add_to_step(&mut self, event: &Event) {
        let number = match event {
            Event::Running { step, .. }
            | Event::Outcome { step, .. }
            | Event::Skipped { step, .. }
            | Event::Guarded { step, .. }
            | Event::Confirmed { step, .. }
            | Event::Undone { step, .. }
            | Event::AfterUndo { step, .. } => *step,
            _ => return,
        };
        let plan = event.plan().and_then(|plan| self.plan(plan));
        let Some(step) = plan.and_then(|plan| plan.steps.get_mut(number as usize)) else { return };
        match event {
            Event::Running { .. } => {
                step.outcome = Some(Outcome::Running);
                step.detail = "still running; its outcome follows when ansai runs again".to_owned();
            }
            Event::Outcome { outcome, detail, measures, evidence, .. } => {
                step.evidence.clone_from(evidence);
                if matches!(outcome, Outcome::Refused | Outcome::Reverted) {
                    step.goes_back = None;
                }
                (step.outcome, step.detail, step.measures) = (Some(*outcome), detail.clone(), measures.clone());
            }
            Event::Skipped { reason, .. } => {
                (step.outcome, step.detail) = (Some(Outcome::Skipped), reason.to_string());
            }
            Event::Guarded { armed, limit, .. } => step.goes_back = Some(armed.wall + *limit),
            Event::Confirmed { .. } => (step.outcome, step.goes_back) = (Some(Outcome::Done), None),
            Event::Undone { outcome, detail, .. } => {
                if *outcome == Outcome::Done {
                    step.goes_back = None;
                }
                let ended = step.outcome.get_or_insert(Outcome::Unknown);
                undo_text::undone(ended, &mut step.detail, *outcome, detail);
            }
            Event::AfterUndo { outcome, detail, .. } => step.acted_after_undo(*outcome, detail),
            _ => {}
        }
    }

    fn add_plan(&mut self, incident: &str, report: PlanReport) {
        let Some((instance, finding)) = self.incidents.get(incident).copied() else { return };
        let plan = report.plan.clone();
        let Some(found) = self.finding(incident) else { return };
        found.plans.push(report);
        let index = found.plans.len() - 1;
        if !plan.is_empty() {
            self.plans.insert(plan, (instance, finding, index));
        }
    }

    fn instance(&mut self, name: &InstanceName) -> Option<&mut InstanceReport> {
        self.reports.get_mut(*self.instances.get(name)?)
    }

    fn finding(&mut self, incident: &str) -> Option<&mut FindingReport> {
        let (instance, finding) = *self.incidents.get(incident)?;
        self.reports.get_mut(instance)?.findings.get_mut(finding)
    }

    fn plan(&mut self, plan: &str) -> Option<&mut PlanReport> {
        let (instance, finding, plan) = *self.plans.get(plan)?;
        self.reports.get_mut(instance)?.findings.get_mut(finding)?.plans.get_mut(plan)
    }
}

fn no_plan(plan: String) -> PlanReport {
    let verdict: Option<Verdict> = None;
    let (steps, recommendations) = (Vec::new(), Vec::new());
    PlanReport { plan, decision: None, verdict, steps, recommendations, error: None, error_kind: None }
}

fn finding_report(finding: &Finding) -> FindingReport {
    let observation = &finding.observation;
    FindingReport {
        key: observation.key.clone(),
        about: observation.about.clone(),
        status: observation.status.clone(),
        summary: observation.summary.clone(),
        evidence: observation.evidence.clone(),
        incident: finding.incident.clone(),
        plans: Vec::new(),
        verified: None,
        repeated: None,
        held_under: finding.held_under.clone(),
        not_held: finding.not_held,
        silenced: finding.silenced,
        holds: Vec::new(),
    }
}

/// Sorts unhealthy findings first, by severity, then unknown ones.
fn rank(status: &Status) -> u8 {
    match status {
        Status::Unhealthy(severity) => 2 + *severity as u8,
        Status::Unknown(_) => 1,
        Status::Healthy | Status::Gone => 0,
    }
}
