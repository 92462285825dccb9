//! What steps do after the undo of their plan: a reload makes a unit read the file that was restored.

use ansai_core::{Event, Outcome};
use ansai_kit::action::{Applied, Proposed};

use super::executor::{Executor, unavailable};
use super::plans::PlanFile;
use super::step::Step;
use super::undo::UndoError;
use super::undo_records::UndoRecords;
use crate::clock;

impl Executor {
    /// Whether a step does something after undo.
    pub(super) fn acts_after_undo(&self, proposed: &Proposed) -> bool {
        self.action(&proposed.action).is_ok_and(|(_, _, action)| action.acts_after_undo())
    }

    /// Lets every step that ran act on what was restored, oldest first. `told` gets how each ended.
    pub(super) fn after_undo(
        &self,
        file: &PlanFile,
        by: &str,
        records: &mut UndoRecords,
        mut told: impl FnMut(u32, Outcome, &str),
    ) {
        for (number, proposed) in file.numbered() {
            if !records.of(number).acts_after_undo || !self.acts_after_undo(proposed) {
                continue;
            }
            let (outcome, detail) = match self.act_after_undo(file, number, proposed, by) {
                Ok(applied) => (applied.outcome, applied.detail),
                Err(error) => (Outcome::Refused, error.to_string()),
            };
            let event = Event::AfterUndo {
                plan: file.plan.clone(),
                step: number,
                instance: file.instance.clone(),
                outcome,
                detail: detail.clone(),
                by: by.to_owned(),
            };
            records.add(&file.plan, &event);
            match self.journal.durable(clock::now(), event) {
                Ok(()) => told(number, outcome, &detail),
                Err(error) => told(number, Outcome::Unknown, &format!("{detail}; this is not recorded: {error}")),
            }
        }
    }

    /// As undo, within the grants of now: it makes what was restored take effect. `Err` means that nothing was changed.
    fn act_after_undo(
        &self,
        file: &PlanFile,
        number: u32,
        proposed: &Proposed,
        by: &str,
    ) -> Result<Applied, UndoError> {
        let (action, in_force) = self.undoing_permitted(&file.instance, proposed, by)?;
        let id = file.step_id(number);
        let step = Step::new(self, id, proposed, action, in_force);
        let durable = self.journal.after_undo_intent(clock::now(), id, by);
        let durable = durable.map_err(|error| UndoError::NotBegun(unavailable(error)))?;
        step.acting(durable).map_err(UndoError::NotBegun)?.after_undo().map_err(UndoError::Refused)
    }
}
