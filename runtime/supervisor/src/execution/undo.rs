//! Undoing steps: by the host when a later step failed, or by a person.

use ansai_core::event::UndoIntent;
use ansai_core::{Event, InstanceName, Mode, Outcome, Refusal};
use ansai_kit::action::{Action, Applied, Proposed};

use super::executor::{Executor, unavailable};
use super::guards::with_note;
use super::outcome::BY_HOST;
use super::permitted::permitted_to_undo;
use super::plans::{PlanFile, PlanFileError};
use super::step::{InForce, Step};
use super::undo_records::UndoRecords;
use super::undoable::{applied_plan, check_step, items_to_undo, not_applied, undo_request};
use crate::clock;
use crate::permits::InUse;
use crate::report::StepReport;
use crate::state::StateError;

/// Why nothing was undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The plan is not known, or its files cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanFileError),
    /// The plan has no such step.
    #[error("plan {plan} has no step {step}; it has {steps}, counted from 0")]
    NoStep {
        /// The plan.
        plan: String,
        /// How many it has.
        steps: usize,
        /// What was asked for.
        step: u32,
    },
    /// The audit log has no such plan.
    #[error("the audit log has no plan {0}")]
    Unknown(String),
    /// The step did not begin, or it only looked.
    #[error("step {0} changed nothing")]
    NothingDone(u32),
    /// ansai stops: what begins now might not end.
    #[error("ansai is stopping")]
    Stopping,
    /// Undoing it twice would undo what came after.
    #[error("step {0} is already undone")]
    AlreadyUndone(u32),
    /// The record of the step is not the one in the audit log: undoing could do harm.
    #[error("the record of step {0} does not match the audit log")]
    Altered(u32),
    /// The file of the plan is not the one that the audit log has the hash of.
    #[error(transparent)]
    AlteredPlan(Refusal),
    /// The grants of now do not permit the step, or it touched what no step may touch now.
    #[error(transparent)]
    NotPermitted(Refusal),
    /// Another plan or step uses what the plan touches. A step that was interrupted has it until ansai knows its outcome.
    #[error("plan {plan} cannot be undone now: {why}")]
    InUse {
        /// The plan.
        plan: String,
        /// What is in use, and by whom.
        why: String,
    },
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The audit log cannot be read.
    #[error("audit log: {0}")]
    Audit(String),
    /// The undoing did not begin: there is no such action, or the audit log does not take its intent.
    #[error(transparent)]
    NotBegun(Refusal),
    /// The action refused, which is recorded.
    #[error(transparent)]
    Refused(Refusal),
}

impl Executor {
    /// Undoes a plan, newest step first, or one step of it. Then all its steps that ran act on what was restored, oldest
    /// first. `by` is a person, for the record; what is refused is recorded as well.
    pub(crate) fn undo(&self, plan: &str, step: Option<u32>, by: &str) -> Result<Vec<StepReport>, UndoError> {
        let Some((file, sha256)) = applied_plan(&self.plans, &self.state, plan)? else {
            let (why, steps) = not_applied(&self.audit_dir, plan, step)?;
            let report = |(_, planned)| StepReport { detail: why.clone(), ..StepReport::new(planned) };
            return Ok(steps.into_iter().map(report).collect());
        };
        check_step(plan, file.steps.len(), step)?;
        let undoes = |number: u32| step.is_none_or(|step| step == number);
        let refused = |error: &UndoError| {
            for (number, _) in file.numbered().rev().filter(|(number, _)| undoes(*number)) {
                self.record_not_undone(file.step_id(number), error, by);
            }
        };
        // Without waiting: a person asks, and can ask again.
        let in_use = |why: InUse| UndoError::InUse { plan: plan.to_owned(), why: why.to_string() };
        self.find_lasting().inspect_err(refused)?;
        let lasts = |number: u32| self.guarded.lasts(plan, number);
        // Before the records are read: what ends later is not in them.
        let lasted: Vec<u32> = file.numbered().map(|(number, _)| number).filter(|number| lasts(*number)).collect();
        let request = undo_request(&*self.host, &file, step, lasts);
        let _lease = self.leases.try_take(request).map_err(in_use).inspect_err(refused)?;
        // Only now: until here, a step may have ended, or another undo of the same plan.
        let mut records = self.undo_records(plan)?;
        records.vouch_for(&file, &sha256).inspect_err(refused)?;
        let mut reports: Vec<(u32, StepReport)> = Vec::new();
        // Whether the log has more than `records`.
        let mut is_stale = false;
        for (number, proposed) in file.numbered().rev() {
            if !undoes(number) {
                continue;
            }
            let mut report = StepReport::new(self.planned(proposed, file.at));
            // Nobody else ends it meanwhile. Only for this step: the steps of other plans end in their time, however long this
            // undo takes. Its guard does too.
            let one = lasted.contains(&number).then(|| self.guarded.ending());
            is_stale |= one.is_some() && !lasts(number);
            let known = self.read_again(plan, &mut records, &mut is_stale);
            match known.and_then(|()| self.undo_step(&file, number, by, &mut records)) {
                Ok(applied) => {
                    let is_reverted = applied.outcome == Outcome::Done;
                    report.outcome = Some(if is_reverted { Outcome::Reverted } else { applied.outcome });
                    report.detail = applied.detail;
                    if is_reverted && one.is_some() && lasts(number) {
                        // If this step had failed, its end undoes the plan.
                        is_stale = true;
                        report.detail = with_note(report.detail, self.unguard(file.step_id(number)));
                        self.end_guarded(file.step_id(number));
                    }
                    report.measures = applied.measures;
                }
                // No obstacle for the other steps of a plan.
                Err(error @ (UndoError::NothingDone(_) | UndoError::AlreadyUndone(_))) if step.is_none() => {
                    report.detail = error.to_string();
                }
                Err(error) => {
                    self.record_not_undone(file.step_id(number), &error, by);
                    report.outcome = Some(Outcome::Refused);
                    report.detail = error.to_string();
                }
            }
            reports.push((number, report));
        }
        self.read_again(plan, &mut records, &mut is_stale)?;
        self.after_undo(&file, by, &mut records, |number, outcome, detail| {
            if reports.iter().all(|(known, _)| *known != number) {
                let planned = file.steps.get(number as usize).map(|proposed| self.planned(proposed, file.at));
                reports.extend(planned.map(|planned| (number, StepReport::new(planned))));
            }
            if let Some((_, report)) = reports.iter_mut().find(|(known, _)| *known == number) {
                // A step that has nothing to undo has this outcome.
                report.outcome.get_or_insert(outcome);
                report.acted_after_undo(outcome, detail);
            }
        });
        Ok(reports.into_iter().map(|(_, report)| report).collect())
    }

    /// Reads what the log has of a plan, if something was added to it.
    fn read_again(&self, plan: &str, records: &mut UndoRecords, is_stale: &mut bool) -> Result<(), UndoError> {
        if *is_stale {
            *records = self.undo_records(plan)?;
            *is_stale = false;
        }
        Ok(())
    }

    /// Undoing changes the host like any step, so the grants of now must permit the step.
    pub(super) fn undoing_permitted(
        &self,
        instance: &InstanceName,
        proposed: &Proposed,
        by: &str,
    ) -> Result<(&'static dyn Action, InForce), UndoError> {
        if by == BY_HOST {
            return self.authorized(instance, proposed, Mode::Approve).map_err(UndoError::NotPermitted);
        }
        permitted_to_undo(&*self.host, &*self.authority, instance, proposed)
    }

    /// Undoes one step and records it.
    pub(super) fn undo_step(
        &self,
        file: &PlanFile,
        number: u32,
        by: &str,
        records: &mut UndoRecords,
    ) -> Result<Applied, UndoError> {
        let proposed = file.steps.get(number as usize).ok_or_else(|| UndoError::NoStep {
            plan: file.plan.clone(),
            steps: file.steps.len(),
            step: number,
        })?;
        let record = records.of(number);
        let (items, items_sha256) = items_to_undo(&self.plans, &file.plan, number, &record)?;
        let (action, in_force) = self.undoing_permitted(&file.instance, proposed, by)?;
        let step = Step::new(self, file.step_id(number), proposed, action, in_force);
        let intent = UndoIntent {
            plan: file.plan.clone(),
            step: number,
            instance: file.instance.clone(),
            by: by.to_owned(),
            items_sha256,
        };
        let durable = self.journal.undo_intent(clock::now(), intent);
        let durable = durable.map_err(|error| UndoError::NotBegun(unavailable(error)))?;
        let undone = match step.acting(durable).map_err(UndoError::NotBegun)?.undo(&items) {
            Err(refusal) if record.is_interrupted => Ok(Applied::unknown(format!(
                "an earlier undo of the step was interrupted, and undoing it again was refused: {refusal}"
            ))),
            undone => undone,
        };
        let (outcome, detail) = match &undone {
            Ok(applied) => (applied.outcome, applied.detail.clone()),
            Err(refusal) => (Outcome::Refused, refusal.to_string()),
        };
        let event = Event::Undone {
            plan: file.plan.clone(),
            step: number,
            instance: file.instance.clone(),
            outcome,
            detail,
            by: by.to_owned(),
        };
        records.add(&file.plan, &event);
        self.journal.durable(clock::now(), event).map_err(|error| UndoError::Refused(unavailable(error)))?;
        undone.map_err(UndoError::Refused)
    }
}
