//! Restores attempts that a crash interrupted: the audit log has the outcomes of their steps, and the policy has to see
//! them.

use std::collections::{BTreeMap, BTreeSet};

use ansai_audit::{ReadError, Reader};
use ansai_core::event::{PlannedStep, Record, Verdict};
use ansai_core::{Attempt, Event, Incident, Measure, Outcome, Refusal, Status, StepResult, Timestamp};

use super::Incidents;
use crate::report::undo_text;

/// A plan in the audit log.
struct RecordedPlan {
    incident: String,
    at: Timestamp,
    planned: Vec<PlannedStep>,
    /// As JSON, by step.
    arguments: BTreeMap<u32, String>,
    steps: BTreeMap<u32, StepResult>,
    /// The number of its attempt.
    number: Option<u32>,
    /// Steps that ran in the background.
    background: BTreeSet<u32>,
    /// When its last step ended, if that is known.
    ended: Option<Timestamp>,
    verified: Status,
    distance_before: Option<f64>,
    distance_after: Option<f64>,
}

/// What the audit log says about the end of a step.
struct End {
    outcome: Outcome,
    reason: Option<Refusal>,
    detail: String,
    measures: Vec<Measure>,
}

impl RecordedPlan {
    fn new(incident: String, at: Timestamp, planned: Vec<PlannedStep>, distance: Option<f64>) -> RecordedPlan {
        RecordedPlan {
            incident,
            at,
            planned,
            arguments: BTreeMap::new(),
            steps: BTreeMap::new(),
            number: None,
            background: BTreeSet::new(),
            ended: None,
            verified: Status::Unknown("interrupted before it was verified".into()),
            distance_before: distance,
            distance_after: None,
        }
    }

    fn step_ended(&mut self, step: u32, End { outcome, reason, detail, measures }: End) {
        let Some(planned) = self.planned.get(step as usize) else { return };
        let (action, about) = (planned.action.clone(), planned.preview.about.clone());
        let arguments = self.arguments.get(&step).cloned().unwrap_or_default();
        let result = StepResult { step, action, arguments, about, outcome, reason, detail, measures };
        self.steps.insert(step, result);
    }

    /// When its last step ended; none while that is open.
    fn ended(&self) -> Option<Timestamp> {
        self.ended.filter(|_| self.steps.values().all(|step| step.outcome.has_ended()))
    }
}

impl Incidents {
    /// Adds attempts that are only in the audit log, because a crash came before they were stored, to the open incidents
    /// with these ids. Nobody else may change these incidents meanwhile.
    pub(crate) fn restore_attempts(&self, is_wanted: impl Fn(&str) -> bool) {
        let restored = self.state.begun_incidents().map_err(|error| error.to_string()).and_then(|mut open| {
            open.retain(|incident| is_wanted(&incident.id));
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
        for (id, plan) in plans {
            let added = if plan.incident == incident.id { add(incident, plan) } else { None };
            let Some(attempt) = added else { continue };
            changed = true;
            let (instance, about) = (&incident.instance, &incident.finding.about);
            if let Err(error) = self.state.put_attempt(instance, about, id, &attempt) {
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
                Event::Planned { plan, incident: Some(incident), steps, distance, .. }
                    if open.iter().any(|known| known.id == incident) =>
                {
                    plans.insert(plan, RecordedPlan::new(incident, at, steps, distance));
                }
                Event::Decided { plan, attempt, verdict, .. } => {
                    if let Some(recorded) = plans.get_mut(&plan) {
                        recorded.number = attempt;
                        // A plan that waited for approval begins later than it was planned.
                        if verdict == Verdict::Approved {
                            recorded.at = at;
                        }
                    }
                }
                Event::Intent(intent) => {
                    if let Some(recorded) = plans.get_mut(&intent.plan) {
                        let arguments = StepResult::bounded_arguments(&intent.arguments.to_string());
                        recorded.arguments.insert(intent.step, arguments);
                    }
                }
                Event::Running { plan, step, .. } => {
                    if let Some(recorded) = plans.get_mut(&plan) {
                        recorded.background.insert(step);
                    }
                }
                Event::Outcome { plan, step, outcome, reason, detail, measures, after_crash, .. } => {
                    if let Some(recorded) = plans.get_mut(&plan) {
                        // What a crash cut short ended at an unknown time. What ran in the background went on, and ansai
                        // learned of its end now.
                        let is_known = !after_crash || recorded.background.contains(&step);
                        recorded.ended = is_known.then_some(at);
                        recorded.step_ended(step, End { outcome, reason, detail, measures });
                    }
                }
                Event::Skipped { plan, step, reason, .. } => {
                    if let Some(recorded) = plans.get_mut(&plan) {
                        recorded.ended.get_or_insert(at);
                        let (outcome, detail) = (Outcome::Skipped, reason.to_string());
                        recorded.step_ended(step, End { outcome, reason: None, detail, measures: Vec::new() });
                    }
                }
                Event::Confirmed { plan, step, .. } => {
                    if let Some(confirmed) = plans.get_mut(&plan).and_then(|recorded| recorded.steps.get_mut(&step)) {
                        confirmed.outcome = Outcome::Done;
                    }
                }
                Event::Undone { plan, step, outcome, detail, .. } => {
                    if let Some(undone) = plans.get_mut(&plan).and_then(|recorded| recorded.steps.get_mut(&step)) {
                        undo_text::undone(&mut undone.outcome, &mut undone.detail, outcome, detail);
                    }
                }
                Event::AfterUndo { plan, step, outcome, detail, .. } => {
                    if let Some(acted) = plans.get_mut(&plan).and_then(|recorded| recorded.steps.get_mut(&step)) {
                        undo_text::after_undo(&mut acted.detail, outcome, detail);
                    }
                }
                Event::Verified { plan, status, distance, .. } => {
                    if let Some(recorded) = plans.get_mut(&plan) {
                        (recorded.verified, recorded.distance_after) = (status, distance);
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
            let number = recorded.number.unwrap_or(incident.begun);
            // The stage is stored with the count of attempts; of earlier attempts nobody knows it.
            let stage = if number == incident.begun { incident.course.stage_name.clone() } else { String::new() };
            let attempt = Attempt {
                key: incident.finding.key.clone(),
                number,
                at: recorded.at,
                ended: recorded.ended(),
                stage,
                verified: recorded.verified.clone(),
                distance_before: recorded.distance_before,
                distance_after: recorded.distance_after,
                steps,
            };
            incident.attempts.push(attempt.clone());
            incident.attempts.sort_by_key(|attempt| attempt.at);
            Some(attempt)
        }
        Some(attempt) => {
            let was_open = attempt.steps.iter().any(|step| !step.outcome.has_ended());
            (was_open && attempt.steps != steps).then(|| {
                (attempt.steps, attempt.ended) = (steps, recorded.ended());
                attempt.clone()
            })
        }
    }
}
