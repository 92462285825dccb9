//! Restores attempts that a crash interrupted: the audit log has the outcomes of their steps, and the policy has to see
//! them.

use std::collections::BTreeMap;

use ansai_audit::{ReadError, Reader};
use ansai_core::event::{PlannedStep, Record};
use ansai_core::{Attempt, Event, Incident, Measure, Outcome, Status, StepResult, Timestamp};

use super::Incidents;

/// A plan in the audit log.
struct RecordedPlan {
    incident: String,
    at: Timestamp,
    planned: Vec<PlannedStep>,
    /// As JSON, by step.
    arguments: BTreeMap<u32, String>,
    steps: BTreeMap<u32, StepResult>,
    verified: Status,
}

impl RecordedPlan {
    fn ended(&mut self, step: u32, outcome: Outcome, detail: String, measures: Vec<Measure>) {
        let Some(planned) = self.planned.get(step as usize) else { return };
        let (action, about) = (planned.action.clone(), planned.preview.about.clone());
        let arguments = self.arguments.get(&step).cloned().unwrap_or_default();
        self.steps.insert(step, StepResult { step, action, arguments, about, outcome, detail, measures });
    }
}

impl Incidents {
    /// Adds attempts to the open incidents that are only in the audit log, because a crash came before they were
    /// stored.
    pub(crate) fn restore_attempts(&self) {
        let restored = self.state.begun_incidents().map_err(|error| error.to_string()).and_then(|mut open| {
            if open.is_empty() {
                return Ok(());
            }
            let plans = self.recorded_plans(&open).map_err(|error| error.to_string())?;
            for incident in &mut open {
                self.restore(incident, &plans);
            }
            Ok(())
        });
        if let Err(error) = restored {
            tracing::error!("attempts before the last restart are not restored, ansai goes on without them: {error}");
        }
    }

    fn restore(&self, incident: &mut Incident, plans: &BTreeMap<String, RecordedPlan>) {
        let mut changed = false;
        for plan in plans.values() {
            let added = if plan.incident == incident.id { add(incident, plan) } else { None };
            let Some(attempt) = added else { continue };
            changed = true;
            let (instance, about) = (&incident.instance, &incident.finding.about);
            if let Err(error) = self.state.put_attempt(instance, about, &attempt) {
                tracing::error!(%instance, incident = %incident.id, "the attempt is missing in the history of {about}: {error}");
            }
        }
        if changed && let Err(error) = self.state.put_incident(incident) {
            let (instance, id) = (&incident.instance, &incident.id);
            tracing::error!(%instance, incident = %id, "restored attempts are not stored, the next start tries again: {error}");
        }
    }

    /// The plans of these incidents.
    fn recorded_plans(&self, open: &[Incident]) -> Result<BTreeMap<String, RecordedPlan>, ReadError> {
        let mut plans = BTreeMap::new();
        for entry in Reader::open(&self.audit_dir)? {
            let Ok(Record { at, event }) = serde_json::from_slice::<Record>(&entry?.payload) else { continue };
            match event {
                Event::Planned { plan, incident: Some(incident), steps, .. }
                    if open.iter().any(|known| known.id == incident) =>
                {
                    let verified = Status::Unknown("interrupted before it was verified".into());
                    let (planned, arguments, steps) = (steps, BTreeMap::new(), BTreeMap::new());
                    let recorded = RecordedPlan { incident, at, planned, arguments, steps, verified };
                    plans.insert(plan, recorded);
                }
                Event::Intent(intent) => {
                    if let Some(recorded) = plans.get_mut(&intent.plan) {
                        let arguments = StepResult::bounded_arguments(&intent.arguments.to_string());
                        recorded.arguments.insert(intent.step, arguments);
                    }
                }
                Event::Outcome { plan, step, outcome, detail, measures, .. } => {
                    if let Some(recorded) = plans.get_mut(&plan) {
                        recorded.ended(step, outcome, detail, measures);
                    }
                }
                Event::Skipped { plan, step, reason, .. } => {
                    if let Some(recorded) = plans.get_mut(&plan) {
                        recorded.ended(step, Outcome::Skipped, reason.to_string(), Vec::new());
                    }
                }
                Event::Undone { plan, step, outcome: Outcome::Done, .. } => {
                    if let Some(undone) = plans.get_mut(&plan).and_then(|recorded| recorded.steps.get_mut(&step)) {
                        undone.outcome = Outcome::Reverted;
                    }
                }
                Event::Verified { plan, status, .. } => {
                    if let Some(recorded) = plans.get_mut(&plan) {
                        recorded.verified = status;
                    }
                }
                _ => {}
            }
        }
        Ok(plans)
    }
}

/// Adds the attempt; returns it if it was missing, or lacked the end of its last step.
fn add(incident: &mut Incident, recorded: &RecordedPlan) -> Option<Attempt> {
    let steps: Vec<StepResult> = recorded.steps.values().cloned().collect();
    if steps.is_empty() {
        return None;
    }
    match incident.attempts.iter_mut().find(|attempt| attempt.at == recorded.at) {
        None => {
            let (key, verified) = (incident.finding.key.clone(), recorded.verified.clone());
            let attempt = Attempt { key, at: recorded.at, stage: String::new(), verified, steps };
            incident.attempts.push(attempt.clone());
            incident.attempts.sort_by_key(|attempt| attempt.at);
            Some(attempt)
        }
        Some(attempt) => {
            let is_open = |step: &StepResult| matches!(step.outcome, Outcome::Unknown | Outcome::Running);
            let was_open = attempt.steps.iter().any(is_open);
            (was_open && attempt.steps != steps).then(|| {
                attempt.steps = steps;
                attempt.clone()
            })
        }
    }
}
