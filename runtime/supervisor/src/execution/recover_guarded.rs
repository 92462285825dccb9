//! After a restart, ends or goes on with steps that have a guard. What was not confirmed goes back; what is for a time stays
//! until its time is over, if its guard still waits.

use ansai_core::{Mode, Outcome, Refusal};
use ansai_kit::action::Applied;
use ansai_kit::guard::GuardState;

use super::conclude::Conclusion;
use super::executor::Executor;
use super::guards::{EndedBy, Held};
use super::plans::PlanFile;
use crate::guarded::Guarded;
use crate::ids::StepId;
use crate::recording::OpenIntent;

impl Executor {
    /// A step that the audit log vouches for. True if it is over.
    pub(super) fn recover_guarded(&self, file: &PlanFile, open: OpenIntent) -> bool {
        let number = open.intent.step;
        let id = file.step_id(number);
        let Some(guarded) = open.guard else {
            // The guard is armed, at most. It changes nothing, because the step did not act.
            self.unguard(id);
            let detail = "interrupted before its guard was recorded, so it did not begin";
            let undo_follows = file.is_undone_after(number, Outcome::Failed);
            self.record_outcome(
                id,
                Applied { outcome: Outcome::Failed, ..Applied::unknown(detail) },
                true,
                undo_follows,
            );
            if undo_follows {
                self.finish_step(id.plan, number, Some(id.instance));
            }
            return true;
        };
        if open.outcome.is_none() {
            match self.find_guarded(file, number, &guarded) {
                Ok(true) => return true,
                Ok(false) => {}
                Err(refusal) => {
                    self.leave_to_guard(id.plan, number, &guarded, refusal.to_string());
                    return false;
                }
            }
        }
        let conclusion = match (open.is_confirming, self.is_waiting(file, number, &guarded)) {
            (true, _) => self.finish_confirmation(file, number, &guarded, open.durable),
            (false, true) if !guarded.confirmable => {
                self.guarded.insert(id.plan, number, Held { guarded, by: EndedBy::Time });
                return false;
            }
            _ => self.put_back(file, number, &guarded),
        };
        match conclusion {
            Conclusion::Waits(_) => self.look_at_guard_if_over(file, number, &guarded),
            _ => {
                // If it failed, its plan is undone.
                self.finish_step(id.plan, number, Some(id.instance));
                true
            }
        }
    }

    /// Whether the time of a step goes on.
    fn is_waiting(&self, file: &PlanFile, number: u32, guarded: &Guarded) -> bool {
        let state = self.guarded_step(file, number, Mode::Observe).and_then(|step| self.guard_state(&step));
        matches!(state, Ok(GuardState::Waiting)) && !guarded.left(&self.host.clock()).is_zero()
    }

    fn look_at_guard_if_over(&self, file: &PlanFile, number: u32, guarded: &Guarded) -> bool {
        guarded.left(&self.host.clock()).is_zero() && self.look_at_guard(file, number).is_some()
    }

    /// Finds out what a step did that was interrupted while it acted, and records it. True if the step is over.
    fn find_guarded(&self, file: &PlanFile, number: u32, guarded: &Guarded) -> Result<bool, Refusal> {
        let id = file.step_id(number);
        let looked = self.guarded_step(file, number, Mode::Observe).and_then(|step| self.guard_state(&step));
        if matches!(looked, Ok(GuardState::PutBack)) {
            let detail = "interrupted, and put back by its guard";
            self.record_outcome(id, Applied { outcome: Outcome::Reverted, ..Applied::unknown(detail) }, true, false);
            self.end_guarded(id);
            return Ok(true);
        }
        // To determine what was done can change files, so it needs the grants.
        let found = self.guarded_step(file, number, Mode::Approve)?.resolve();
        let found = found.unwrap_or_else(|why| {
            Applied::unknown(format!("interrupted, and what was done is unknown: {why}; its guard puts it back"))
        });
        let Some(proposed) = file.steps.get(number as usize) else { return Ok(true) };
        self.settle(id, proposed, &found);
        let undo_follows = file.is_undone_after(number, found.outcome);
        let is_unknown = found.outcome == Outcome::Unknown;
        self.record_guarded(id, proposed, guarded.clone(), found, true, undo_follows);
        let is_over = self.guarded.get(id.plan, id.step).is_none();
        if is_over && undo_follows {
            self.finish_step(id.plan, id.step, Some(id.instance));
        }
        if is_unknown {
            // A first look, for a run that ends soon.
            return Ok(self.look_at_guard_if_over(file, number, guarded));
        }
        Ok(is_over)
    }

    /// A step whose end is recorded leaves no unit.
    pub(super) fn forget_guard(&self, id: StepId<'_>) {
        self.host.guards().forget(self.host.host(), &id.to_string());
    }
}
