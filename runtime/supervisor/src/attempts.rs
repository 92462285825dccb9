//! Attempts that a crash cut short: what their steps came to is in the audit log, and the policy is told of it.

use std::collections::BTreeMap;

use ansai_audit::{ReadError, Reader};
use ansai_core::event::{PlannedStep, Record};
use ansai_core::{Attempt, Event, Incident, Instant, Outcome, Status, StepResult};

use crate::supervisor::Inner;

/// A plan as the log tells of it.
struct Evaluated {
    incident: String,
    at: Instant,
    planned: Vec<PlannedStep>,
    steps: BTreeMap<u32, StepResult>,
    verified: Status,
}

impl Inner {
    /// Adds to the open incidents what the log holds and they do not: a crash came before they were written.
    pub(crate) fn restore_attempts(&self) {
        let mut open = match self.state.begun_incidents() {
            Ok(open) => open,
            Err(error) => {
                tracing::error!("{error}");
                return;
            }
        };
        if open.is_empty() {
            return;
        }
        let told = match self.told(&open) {
            Ok(told) => told,
            Err(error) => {
                tracing::error!("{error}");
                return;
            }
        };
        for incident in &mut open {
            let mut changed = false;
            for plan in told.values() {
                changed |= plan.incident == incident.id && add(incident, plan);
            }
            if changed && let Err(error) = self.state.put_incident(incident) {
                tracing::error!("{error}");
            }
        }
    }

    /// The plans of these incidents.
    fn told(&self, open: &[Incident]) -> Result<BTreeMap<String, Evaluated>, ReadError> {
        let mut plans = BTreeMap::new();
        for entry in Reader::open(&self.audit_dir)? {
            let Ok(Record { at, event }) = serde_json::from_slice::<Record>(&entry?.payload) else { continue };
            match event {
                Event::Planned { plan, incident, steps, .. } if open.iter().any(|known| known.id == incident) => {
                    let verified = Status::Unknown("interrupted before it was verified".into());
                    plans.insert(plan, Evaluated { incident, at, planned: steps, steps: BTreeMap::new(), verified });
                }
                Event::Outcome { plan, step, outcome, detail, measures, .. } => {
                    let Some(told) = plans.get_mut(&plan) else { continue };
                    let Some(planned) = told.planned.get(step as usize) else { continue };
                    let (action, about) = (planned.action.clone(), planned.preview.about.clone());
                    told.steps.insert(step, StepResult { action, about, outcome, detail, measures });
                }
                Event::Undone { plan, step, outcome: Outcome::Done, .. } => {
                    if let Some(undone) = plans.get_mut(&plan).and_then(|told| told.steps.get_mut(&step)) {
                        undone.outcome = Outcome::Reverted;
                    }
                }
                Event::Verified { plan, status, .. } => {
                    if let Some(told) = plans.get_mut(&plan) {
                        told.verified = status;
                    }
                }
                _ => {}
            }
        }
        Ok(plans)
    }
}

/// Whether the incident did not know this plan, or not how its last step ended.
fn add(incident: &mut Incident, told: &Evaluated) -> bool {
    let steps: Vec<StepResult> = told.steps.values().cloned().collect();
    if steps.is_empty() {
        return false;
    }
    match incident.attempts.iter_mut().find(|attempt| attempt.at == told.at) {
        None => {
            let attempt = Attempt { at: told.at, stage: String::new(), verified: told.verified.clone(), steps };
            incident.attempts.push(attempt);
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
