//! Steps whose time was over before they had ended: their guard fired while they acted, because they were slow or the
//! machine slept. What they did after that is put back too, and they are reverted.

use ansai_core::{Mode, Outcome, Refusal};
use ansai_kit::action::{Applied, Fate};
use ansai_kit::guard::GuardState;

use super::conclude::Conclusion;
use super::executor::Executor;
use super::guards::with_note;
use super::outcome::BY_HOST;
use super::plans::PlanFile;
use super::step::Step;
use super::undo::UndoError;
use crate::guarded::Guarded;
use crate::ids::StepId;
use crate::report::undo_text;

/// The detail of such a step.
const LATE: &str = "its guard ended its time before it had ended";

impl Executor {
    /// Whether the time of a step was over before it had ended. A guard whose state is unknown is asked again when the step
    /// is put back.
    pub(super) fn is_late(&self, step: &Step<'_>, guarded: &Guarded) -> bool {
        let is_over = guarded.left(&self.host.clock()).is_zero();
        is_over || !matches!(self.guard_state(step), Ok(GuardState::Waiting) | Err(_))
    }

    /// Records such a step as reverted, and puts back what it did after its guard.
    pub(super) fn record_late(
        &self,
        file: &PlanFile,
        id: StepId<'_>,
        step: &Step<'_>,
        mut applied: Applied,
    ) -> Applied {
        // Its plan has failed with it.
        let undo_follows = file.is_undone_after(id.step, Outcome::Reverted);
        // Nothing else may put it back meanwhile.
        let note = self.unguard(id);
        if applied.outcome == Outcome::Unknown {
            match step.resolve() {
                Ok(found) if found.outcome != Outcome::Unknown => applied.items = found.items,
                found => {
                    let why = found.map_or_else(|why| why.to_string(), |found| found.detail);
                    let detail = format!("{}; {LATE}, and what was done is unknown: {why}", applied.detail);
                    let applied = Applied { detail: with_note(detail, note), ..applied };
                    return self.record_outcome(id, applied, false, undo_follows);
                }
            }
        }
        // What ansai may not put back now is not said to be reverted: it waits.
        let may = self.guarded_step(file, id.step, Mode::Approve).is_ok();
        let outcome = if may { Outcome::Reverted } else { Outcome::Failed };
        applied.outcome = outcome;
        applied.detail = with_note(format!("{}; {LATE}", applied.detail), note);
        let mut recorded = self.record_outcome(id, applied, false, true);
        if recorded.outcome != outcome {
            // Not recorded, so it is looked for later.
            self.wait(id, Refusal::Unavailable("its outcome is not recorded".into()));
            return recorded;
        }
        match self.put_back_late(file, id.step) {
            Conclusion::PutBack(how) => {
                undo_text::undone(&mut recorded.outcome, &mut recorded.detail, Outcome::Done, how);
                if !undo_follows {
                    self.end_step(id);
                }
            }
            Conclusion::NotPutBack(_, why) | Conclusion::Waits(why) => {
                recorded.outcome = Outcome::Failed;
                undo_text::undone(&mut recorded.outcome, &mut recorded.detail, Outcome::Refused, why);
            }
            Conclusion::Confirmed => {}
        }
        recorded
    }

    /// Puts back what a step did after its guard. Nothing else does that, so the step waits until ansai can.
    pub(super) fn put_back_late(&self, file: &PlanFile, number: u32) -> Conclusion {
        let id = file.step_id(number);
        if let Err(refusal) = self.guarded_step(file, number, Mode::Approve) {
            let why = refusal.to_string();
            self.wait(id, refusal);
            return Conclusion::Waits(why);
        }
        let undone = self.undo_records(&file.plan).and_then(|mut records| {
            let undone = self.undo_step(file, number, BY_HOST, &mut records);
            if matches!(&undone, Ok(applied) if applied.outcome == Outcome::Done) {
                self.after_undo(file, BY_HOST, &mut records, |_, _, _| {});
            }
            undone
        });
        match undone {
            Ok(applied) if applied.outcome == Outcome::Done => Conclusion::PutBack(applied.detail),
            Err(error @ (UndoError::NothingDone(_) | UndoError::AlreadyUndone(_))) => {
                Conclusion::PutBack(error.to_string())
            }
            Ok(applied) => self.waits(id, applied.detail),
            Err(error) => {
                self.record_not_undone(id, &error, BY_HOST);
                self.waits(id, error.to_string())
            }
        }
    }

    /// Whether a step that was interrupted acted after its guard had put it back; `Err` if that is unknown.
    pub(super) fn found_late(&self, file: &PlanFile, number: u32) -> Result<Option<Applied>, Refusal> {
        let found = self.guarded_step(file, number, Mode::Observe)?.resolve()?;
        let is_in_place = found.items.iter().any(|item| item.fate == Fate::Done);
        Ok(is_in_place.then(|| Applied {
            outcome: Outcome::Reverted,
            detail: format!("interrupted; {LATE}; {}", found.detail),
            ..found
        }))
    }
}
