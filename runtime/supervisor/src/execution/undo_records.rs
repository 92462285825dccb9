//! What the audit log has of the steps of one plan, as far as undo needs it.

use std::collections::BTreeMap;

use ansai_audit::Reader;
use ansai_core::event::{Intent, Record, UndoIntent};
use ansai_core::{Event, Outcome};
use ansai_storage::Directory;

use super::executor::Executor;
use super::plans::PlanFile;
use super::undo::UndoError;
use crate::recording::BY_GUARD;

/// By step.
#[derive(Default)]
pub(super) struct UndoRecords(BTreeMap<u32, UndoRecord>);

/// What is recorded of one step.
#[derive(Default, Clone)]
pub(super) struct UndoRecord {
    /// What it was about to do, if it began.
    pub(super) intent: Option<Intent>,
    /// How it ended; `None` while that is not recorded.
    pub(super) outcome: Option<Outcome>,
    /// SHA-256 of what the step did, from the last outcome that has one.
    pub(super) items_sha256: Option<String>,
    /// Undone completely. A step whose undo was interrupted or failed may be undone again.
    pub(super) is_undone: bool,
    /// It is undone, or its guard ended it.
    pub(super) is_over: bool,
    /// Its undo began, and how it ended is not recorded.
    pub(super) is_interrupted: bool,
    /// Something was restored since the step last acted on that.
    pub(super) acts_after_undo: bool,
}

impl UndoRecords {
    /// Of one step.
    pub(super) fn of(&self, step: u32) -> UndoRecord {
        self.0.get(&step).cloned().unwrap_or_default()
    }

    /// Whether the file of the plan, with this SHA-256, is the one that the intents in the log are about.
    ///
    /// # Errors
    /// It is another one.
    pub(super) fn vouch_for(&self, file: &PlanFile, sha256: &str) -> Result<(), UndoError> {
        let intents = self.0.values().filter_map(|record| record.intent.as_ref());
        for intent in intents {
            file.unaltered(sha256, intent).map_err(UndoError::AlteredPlan)?;
        }
        Ok(())
    }

    /// Adds an event, in the order of the log.
    pub(super) fn add(&mut self, plan: &str, event: &Event) {
        if event.plan() != Some(plan) {
            return;
        }
        match event {
            Event::Intent(intent) => self.0.entry(intent.step).or_default().intent = Some(intent.clone()),
            Event::Outcome { step, outcome, items_sha256, .. } => {
                let record = self.0.entry(*step).or_default();
                record.outcome = Some(*outcome);
                if items_sha256.is_some() {
                    record.items_sha256.clone_from(items_sha256);
                }
            }
            Event::Confirmed { step, .. } => self.0.entry(*step).or_default().outcome = Some(Outcome::Done),
            Event::Undoing(UndoIntent { step, .. }) => self.0.entry(*step).or_default().is_interrupted = true,
            Event::Undone { step, outcome, by, .. } => {
                let record = self.0.entry(*step).or_default();
                record.is_interrupted = false;
                record.is_undone |= *outcome == Outcome::Done;
                record.is_over |= *outcome == Outcome::Done || by == BY_GUARD;
                if *outcome != Outcome::Refused {
                    self.0.values_mut().for_each(|record| record.acts_after_undo = record.has_run());
                }
            }
            Event::AfterUndo { step, outcome: Outcome::Done, .. } => {
                self.0.entry(*step).or_default().acts_after_undo = false;
            }
            _ => {}
        }
    }
}

impl UndoRecord {
    /// Whether the step began, and neither its outcome is recorded nor its end by its guard.
    pub(super) fn is_open(&self) -> bool {
        self.intent.is_some() && self.outcome.is_none() && !self.is_over
    }

    /// Whether the step may have changed something.
    pub(super) fn has_run(&self) -> bool {
        self.outcome.is_some_and(|outcome| !matches!(outcome, Outcome::Refused | Outcome::Skipped))
    }
}

impl Executor {
    /// Reads the audit log once for all steps of a plan.
    pub(super) fn undo_records(&self, plan: &str) -> Result<UndoRecords, UndoError> {
        undo_records_of(&self.audit_dir, plan)
    }

    /// The records of the audit log that this version knows.
    pub(crate) fn records(&self) -> Result<impl Iterator<Item = Result<Record, UndoError>> + use<>, UndoError> {
        records_of(&self.audit_dir)
    }
}

/// Of all steps of a plan, from this audit log.
pub(super) fn undo_records_of(audit_dir: &Directory, plan: &str) -> Result<UndoRecords, UndoError> {
    let mut found = UndoRecords::default();
    for record in records_naming(audit_dir, plan)? {
        found.add(plan, &record?.event);
    }
    Ok(found)
}

/// The records of an audit log that this version knows.
fn records_of(audit_dir: &Directory) -> Result<impl Iterator<Item = Result<Record, UndoError>> + use<>, UndoError> {
    records_with(audit_dir, |_| true)
}

/// The records whose text has the id of a plan. The log may have millions of others, which are not parsed.
pub(super) fn records_naming(
    audit_dir: &Directory,
    plan: &str,
) -> Result<impl Iterator<Item = Result<Record, UndoError>> + use<>, UndoError> {
    // JSON has ids of plans as they are: they need no escapes.
    let plan = plan.to_owned();
    records_with(audit_dir, move |payload| std::str::from_utf8(payload).is_ok_and(|text| text.contains(&plan)))
}

fn records_with<F: Fn(&[u8]) -> bool>(
    audit_dir: &Directory,
    is_wanted: F,
) -> Result<impl Iterator<Item = Result<Record, UndoError>> + use<F>, UndoError> {
    let text = |error: &dyn std::fmt::Display| UndoError::Audit(error.to_string());
    let entries = Reader::open(audit_dir).map_err(|error| text(&error))?;
    Ok(entries.filter_map(move |entry| match entry {
        Ok(entry) if !is_wanted(&entry.payload) => None,
        Ok(entry) => serde_json::from_slice(&entry.payload).ok().map(Ok),
        Err(error) => Some(Err(text(&error))),
    }))
}

#[cfg(test)]
mod tests {
    use ansai_core::InstanceName;

    use super::*;

    static ONE: InstanceName = InstanceName::from_static("one");

    fn outcome(step: u32, outcome: Outcome) -> Event {
        let (plan, detail, measures, evidence) = ("p".into(), String::new(), vec![], vec![]);
        let (reason, items_sha256, after_crash) = (None, None, false);
        let instance = ONE.clone();
        Event::Outcome { plan, step, instance, outcome, reason, detail, measures, items_sha256, evidence, after_crash }
    }

    fn undone(step: u32, outcome: Outcome) -> Event {
        Event::Undone {
            plan: "p".into(),
            step,
            instance: ONE.clone(),
            outcome,
            detail: String::new(),
            by: String::new(),
        }
    }

    fn acted(step: u32, outcome: Outcome) -> Event {
        let (plan, instance) = ("p".into(), ONE.clone());
        Event::AfterUndo { plan, step, instance, outcome, detail: String::new(), by: String::new() }
    }

    fn due(records: &UndoRecords) -> Vec<u32> {
        (0..5).filter(|step| records.of(*step).acts_after_undo).collect()
    }

    #[test]
    fn each_step_that_ran_acts_once_after_each_undo() {
        let mut records = UndoRecords::default();
        let outcomes = [Outcome::Done, Outcome::Failed, Outcome::Unknown, Outcome::Refused];
        for (step, ended) in (0..).zip(outcomes) {
            records.add("p", &outcome(step, ended));
        }
        assert_eq!(due(&records), [0; 0], "nothing was undone");
        records.add("p", &undone(1, Outcome::Refused));
        records.add("another", &undone(1, Outcome::Done));
        assert_eq!(due(&records), [0; 0], "still nothing was undone");
        records.add("p", &undone(1, Outcome::Failed));
        assert_eq!(due(&records), [0, 1, 2], "in part");
        records.add("p", &acted(0, Outcome::Done));
        records.add("p", &acted(1, Outcome::Failed));
        assert_eq!(due(&records), [1, 2]);
        records.add("p", &undone(0, Outcome::Done));
        assert_eq!(due(&records), [0, 1, 2]);
        assert_eq!([0, 1, 2].map(|step| records.of(step).is_undone), [true, false, false]);
    }
}
