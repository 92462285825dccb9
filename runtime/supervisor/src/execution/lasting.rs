//! Steps for a time, while their time lasts. Others may use what such a step has changed: a service that is held below a limit may
//! be restarted. Only what the step puts back is its own, and a plan that would have to wait for that is refused.

use ansai_core::{Access, Lasting, Outcome, Subject, Touch};
use ansai_kit::action::Proposed;

use super::executor::Executor;
use super::guarded_steps::{EndedBy, Held};
use super::plans::PlanFile;
use super::undo::UndoError;

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
    /// Finds the steps of a plan whose time lasts, in a run that has not recovered: it only undoes.
    ///
    /// # Errors
    /// The state or the audit log cannot be read.
    pub(super) fn find_lasting(&self, file: &PlanFile) -> Result<(), UndoError> {
        for interrupted in self.state.interrupted_steps()? {
            let number = interrupted.step;
            let guard = interrupted.under_way.ok().and_then(|under_way| under_way.guard);
            let (Some(guarded), Some(proposed)) = (guard, file.steps.get(number as usize)) else { continue };
            let is_known = self.guarded.get(&file.plan, number).is_some() || self.pending.has(&file.plan, number);
            if interrupted.plan != file.plan || guarded.confirmable || is_known {
                continue;
            }
            let record = self.undo_records(&file.plan)?.of(number);
            if record.outcome == Some(Outcome::Done) && !record.is_undone && self.is_waiting(file, number, &guarded) {
                self.background.keep_lasting(&file.plan, number, proposed, &guarded);
                self.guarded.insert(&file.plan, number, Held { guarded, by: EndedBy::Time });
            }
        }
        Ok(())
    }
}
