//! Restores attempts that a crash interrupted: the audit log has the outcomes of their steps, and the policy has to see
//! them.

use std::collections::BTreeMap;

use ansai_audit::{ReadError, Reader};
use ansai_core::event::{PlannedStep, Record};
use ansai_core::{Attempt, Event, Incident, Outcome, Status, StepResult, Timestamp};

use super::Incidents;

/// A plan in the audit log.
struct RecordedPlan {
    incident: String,
    at: Timestamp,
    planned: Vec<PlannedStep>,
    steps: BTreeMap<u32, StepResult>,
    verified: Status,
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
            changed |= plan.incident == incident.id && add(incident, plan);
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
                    let recorded = RecordedPlan { incident, at, planned: steps, steps: BTreeMap::new(), verified };
                    plans.insert(plan, recorded);
                }
                Event::Outcome { plan, step, outcome, detail, measures, .. } => {
                    let Some(recorded) = plans.get_mut(&plan) else { continue };
                    let Some(planned) = recorded.planned.get(step as usize) else { continue };
                    let (action, about) = (planned.action.clone(), planned.preview.about.clone());
                    recorded.steps.insert(step, StepResult { action, about, outcome, detail, measures });
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

/// Adds the attempt; returns whether it was missing, or lacked the end of its last step.
fn add(incident: &mut Incident, recorded: &RecordedPlan) -> bool {
    let steps: Vec<StepResult> = recorded.steps.values().cloned().collect();
    if steps.is_empty() {
        return false;
    }
    match incident.attempts.iter_mut().find(|attempt| attempt.at == recorded.at) {
        None => {
            let verified = recorded.verified.clone();
            incident.attempts.push(Attempt { at: recorded.at, stage: String::new(), verified, steps });
            incident.attempts.sort_by_key(|attempt| attempt.at);
            true
        }
        Some(attempt) => {
            let was_open = attempt.steps.iter().any(|step| step.outcome == Outcome::Unknown);
            let differs = was_open && attempt.steps != steps;
            if differs {
                attempt.steps = steps;
            }
            differs
        }
    }
}
