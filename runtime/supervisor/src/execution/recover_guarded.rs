//! After a restart, ends or goes on with steps that have a guard. What was not confirmed goes back; what is for a time stays
//! until its time is over, if its guard still waits.

use ansai_core::{Mode, Outcome, Refusal};
use ansai_kit::action::Applied;
use ansai_kit::guard::GuardState;

use super::conclude::Conclusion;
use super::executor::Executor;
use super::guarded_steps::{EndedBy, Ending, Held};
use super::guards::with_note;
use super::plans::PlanFile;
use crate::guarded::Guarded;
use crate::ids::StepId;
use crate::recording::OpenIntent;

/// What is known of a step that was interrupted while it acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// It is over.
    Over,
    /// Its outcome is recorded, and it must be ended.
    Acted,
    /// It waits until ansai may act, or for its guard.
    Waits,
}

impl Found {
    fn over(is_over: bool) -> Found {
        if is_over { Found::Over } else { Found::Waits }
    }
}

impl Executor {
    /// A step that the audit log vouches for. True if it is over.
    pub(super) fn recover_guarded(&self, file: &PlanFile, open: OpenIntent) -> bool {
        let _one = self.guarded.ending();
        let number = open.intent.step;
        let id = file.step_id(number);
        let Some(guarded) = open.guard else {
            // The guard is armed, at most. It changes nothing, because the step did not act.
            let note = self.unguard(id);
            let detail = "interrupted before its guard was recorded, so it did not begin".to_owned();
            let detail = with_note(detail, note);
            let undo_follows = file.is_undone_after(number, Outcome::Failed);
            self.budgets.release(id.plan, Some(number));
            self.record_outcome(
                id,
                Applied { outcome: Outcome::Failed, ..Applied::unknown(detail) },
                true,
                undo_follows,
            );
            if undo_follows {
                self.finish_step(id.plan, number, Some(id.instance), Ending::Held);
            }
            return true;
        };
        if open.outcome.is_none() {
            match self.find_guarded(file, number, &guarded) {
                Ok(Found::Acted) => {}
                Ok(found) => return found == Found::Over,
                Err(refusal) => {
                    self.cannot_end(file, number, &guarded, refusal);
                    return false;
                }
            }
        }
        if open.outcome == Some(Outcome::Reverted) {
            return self.end_late(file, number);
        }
        let is_waiting = self.is_waiting(file, number, &guarded);
        // A step of another plan that was left running may use what this one has changed: then it ends afterwards.
        let lease = if guarded.confirmable { None } else { self.lease_of_end(file, number) };
        let conclusion = match open.is_confirming {
            true => self.finish_confirmation(file, number, &guarded, open.durable),
            false if !guarded.confirmable && (is_waiting || lease.is_none()) => {
                self.pending.remove(id.plan, number);
                if let Some(proposed) = file.steps.get(number as usize) {
                    self.background.keep_lasting(id.plan, number, proposed, &guarded);
                }
                self.guarded.insert(id.plan, number, Held { guarded, by: EndedBy::Time });
                return false;
            }
            false => self.put_back(file, number, &guarded),
        };
        match conclusion {
            Conclusion::Waits(_) if self.pending.has(id.plan, number) => false,
            Conclusion::Waits(_) => self.look_at_guard_if_over(file, number, &guarded),
            _ => true,
        }
    }

    /// Whether the time of a step goes on.
    pub(super) fn is_waiting(&self, file: &PlanFile, number: u32, guarded: &Guarded) -> bool {
        matches!(self.state_of_guard(file, number), Ok(GuardState::Waiting))
            && !guarded.left(&self.host.clock()).is_zero()
    }

    fn look_at_guard_if_over(&self, file: &PlanFile, number: u32, guarded: &Guarded) -> bool {
        guarded.left(&self.host.clock()).is_zero() && self.look_at_guard(file, number, guarded).is_some()
    }

    /// Finds out what a step did that was interrupted while it acted, and records it.
    fn find_guarded(&self, file: &PlanFile, number: u32, guarded: &Guarded) -> Result<Found, Refusal> {
        let id = file.step_id(number);
        if matches!(self.state_of_guard(file, number), Ok(GuardState::PutBack)) {
            return Ok(self.find_fired(file, number));
        }
        // To determine what was done can change files, so it needs the grants.
        let found = self.guarded_step(file, number, Mode::Approve)?.resolve();
        let found = found.unwrap_or_else(|why| {
            Applied::unknown(format!("interrupted, and what was done is unknown: {why}; its guard puts it back"))
        });
        let Some(proposed) = file.steps.get(number as usize) else { return Ok(Found::Over) };
        self.settle(id, proposed, &found);
        let undo_follows = file.is_undone_after(number, found.outcome);
        let is_unknown = found.outcome == Outcome::Unknown;
        self.record_guarded(id, proposed, guarded.clone(), found, None, undo_follows);
        let is_over = self.guarded.get(id.plan, id.step).is_none();
        if is_over && undo_follows {
            self.finish_step(id.plan, id.step, Some(id.instance), Ending::Held);
        }
        if is_unknown {
            // A first look, for a run that ends soon.
            return Ok(Found::over(self.look_at_guard_if_over(file, number, guarded)));
        }
        Ok(if is_over { Found::Over } else { Found::Acted })
    }

    /// As [`Executor::find_guarded`], of a step whose guard fired: before it acted, after that, or in between.
    fn find_fired(&self, file: &PlanFile, number: u32) -> Found {
        let id = file.step_id(number);
        let applied = match self.found_late(file, number) {
            Ok(Some(late)) => {
                // To put it back needs the grants; until then, it is not said to be reverted.
                if let Err(refusal) = self.guarded_step(file, number, Mode::Approve) {
                    self.wait(id, refusal);
                    return Found::Waits;
                }
                self.record_outcome(id, late, true, true);
                return Found::over(self.end_late(file, number));
            }
            Ok(None) => {
                Applied { outcome: Outcome::Reverted, ..Applied::unknown("interrupted, and put back by its guard") }
            }
            Err(why) => Applied::unknown(format!("interrupted; its guard fired, and what was done is unknown: {why}")),
        };
        self.record_outcome(id, applied, true, true);
        self.end_guarded(id);
        Found::Over
    }

    /// Ends a step whose guard fired while it acted. True if it is over.
    fn end_late(&self, file: &PlanFile, number: u32) -> bool {
        let id = file.step_id(number);
        let is_over = matches!(self.put_back_late(file, number), Conclusion::PutBack(_));
        if is_over {
            self.unguard(id);
            self.end_guarded(id);
        }
        is_over
    }

    /// A step whose end is recorded leaves no unit, and no timer that would put back a later change.
    pub(super) fn forget_guard(&self, id: StepId<'_>) {
        // A failure is in the log of the daemon.
        let _ = self.unguard(id);
    }
}
