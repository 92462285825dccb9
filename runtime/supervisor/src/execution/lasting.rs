//! Steps for a time, while their time lasts. Others may use what such a step has changed: a service that is held below a limit may
//! be restarted. Only what the step puts back is its own, and a plan that would have to wait for that is refused.

use ansai_core::{Access, Lasting, Outcome, Subject, Touch};
use ansai_kit::action::Proposed;

use super::executor::Executor;
use super::guarded_steps::{EndedBy, Held};
use super::undo::UndoError;
use crate::state::Interrupted;

/// What a step uses while it acts or is undone. Of a step for a time, that is also its effect.
pub(super) fn while_acting(proposed: &Proposed) -> Vec<Touch> {
    let mut touches = proposed.touches().into_owned();
    if let Lasting::ForATime(_) = proposed.preview.lasting {
        touches.extend(effect(proposed));
    }
    touches
}

/// What a step for a time has in use until it goes back: its effect. Of two steps with the same effect, the second one would take
/// what the first one has set for the state before, and put that back.
pub(super) fn effect(proposed: &Proposed) -> Vec<Touch> {
    let changed = proposed.touches().into_owned().into_iter().filter(|touch| touch.access == Access::Exclusive);
    let effect = |Touch { subject, .. }: Touch| {
        Touch::exclusive(Subject::new(format!("{} of {}", proposed.action, subject.kind), subject.name))
    };
    changed.map(effect).collect()
}

impl Executor {
    /// Finds the steps whose time lasts, in a run that has not recovered: it only undoes. Others may use what they have changed.
    /// One whose guard is gone lasts too, until somebody puts it back.
    ///
    /// # Errors
    /// The state or the audit log cannot be read.
    pub(super) fn find_lasting(&self) -> Result<(), UndoError> {
        for Interrupted { plan, step, under_way } in self.state.interrupted_steps()? {
            let guarded = under_way.ok().and_then(|under_way| under_way.guard).filter(|guarded| !guarded.confirmable);
            let is_known = self.guarded.get(&plan, step).is_some() || self.pending.has(&plan, step);
            let (Some(guarded), false) = (guarded, is_known) else { continue };
            // What cannot be read stays in use.
            let Ok((file, sha256)) = self.plans.get(&plan) else { continue };
            let Some(proposed) = file.steps.get(step as usize) else { continue };
            let records = self.undo_records(&plan)?;
            let record = records.of(step);
            if record.outcome == Some(Outcome::Done)
                && !record.is_over
                && records.vouch_for(&file, &sha256).is_ok()
                && (self.is_waiting(&file, step, &guarded) || self.has_no_guard(&file, step, &guarded))
            {
                self.background.keep_lasting(&plan, step, proposed, &guarded);
                self.guarded.insert(&plan, step, Held { guarded, by: EndedBy::Time });
            }
        }
        Ok(())
    }
}
