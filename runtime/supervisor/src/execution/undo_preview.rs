//! What an undo would do, found out without doing it.

use ansai_core::control::{ActsAfterUndo, ShownStep, UndoOutlook, UndoPreview, UndoTarget, UndoableStep};
use ansai_core::{Outcome, Reversibility, Timestamp};
use ansai_kit::action::{Fate, Proposed};
use ansai_kit::host_access::HostAccess;
use ansai_storage::Directory;

use super::guarded_steps::GuardedSteps;
use super::permitted::{action_of, permitted_to_undo};
use super::plans::{PlanFile, Plans};
use super::undo::UndoError;
use super::undo_records::{UndoRecord, UndoRecords, undo_records_of};
use super::undoable::{applied_plan, check_step, items_to_undo, not_applied, undo_request};
use crate::authority::Authority;
use crate::permits::Leases;
use crate::state::State;

/// What is looked at. Nothing is changed, and no lock is needed.
pub(crate) struct UndoLook<'a> {
    pub(crate) host: &'a dyn HostAccess,
    pub(crate) authority: &'a dyn Authority,
    pub(crate) state: &'a State,
    pub(crate) plans: &'a Plans,
    pub(crate) audit_dir: &'a Directory,
    /// What is in use, and the steps that go back by themselves; `None` while nothing runs.
    pub(crate) running: Option<(&'a Leases, &'a GuardedSteps)>,
    pub(crate) now: Timestamp,
}

impl UndoLook<'_> {
    /// As an undo would find it now.
    pub(crate) fn preview(&self, target: &UndoTarget) -> Result<UndoPreview, UndoError> {
        let UndoTarget { plan, step } = target;
        let Some((file, sha256)) = applied_plan(self.plans, self.state, plan)? else { return self.unapplied(target) };
        check_step(plan, file.steps.len(), *step)?;
        let records = undo_records_of(self.audit_dir, plan)?;
        records.vouch_for(&file, &sha256)?;
        let wanted = file.numbered().rev().filter(|(number, _)| step.is_none_or(|step| step == *number));
        let steps: Vec<UndoableStep> =
            wanted.map(|(number, proposed)| self.step(&file, number, proposed, &records.of(number))).collect();
        let restores = steps.iter().any(|step| step.outlook.may_restore());
        let after = self.after(&file, &records, restores);
        let in_use = match self.running {
            Some((leases, guarded)) => {
                let request = undo_request(self.host, &file, *step, |number| guarded.lasts(plan, number));
                leases.in_use(&request).map(|why| why.to_string())
            }
            None => file.numbered().map(|(number, _)| number).find(|number| runs(&records.of(*number))).map(not_ended),
        };
        Ok(UndoPreview { plan: plan.clone(), instance: Some(file.instance.clone()), steps, after, in_use })
    }

    /// Of a plan that was not applied.
    fn unapplied(&self, UndoTarget { plan, step }: &UndoTarget) -> Result<UndoPreview, UndoError> {
        let (why, steps) = not_applied(self.audit_dir, plan, *step)?;
        let steps = steps.into_iter().map(|(number, planned)| UndoableStep {
            number,
            step: ShownStep::bounded(planned),
            items: 0,
            outlook: UndoOutlook::Nothing { why: why.clone() },
        });
        let steps = steps.collect();
        Ok(UndoPreview { plan: plan.clone(), instance: None, steps, after: Vec::new(), in_use: None })
    }

    fn step(&self, file: &PlanFile, number: u32, proposed: &Proposed, record: &UndoRecord) -> UndoableStep {
        let (items, outlook) = match self.restorable(file, number, proposed, record) {
            Ok((items, outlook)) => (items, outlook),
            Err(error @ (UndoError::NothingDone(_) | UndoError::AlreadyUndone(_))) => {
                (0, UndoOutlook::Nothing { why: error.to_string() })
            }
            Err(error) => (0, UndoOutlook::Refused { why: error.to_string() }),
        };
        UndoableStep { number, step: self.shown(file, proposed), items, outlook }
    }

    /// How many targets the undo is about, and what it would do.
    fn restorable(
        &self,
        file: &PlanFile,
        number: u32,
        proposed: &Proposed,
        record: &UndoRecord,
    ) -> Result<(u64, UndoOutlook), UndoError> {
        if runs(record) {
            return Ok((0, UndoOutlook::Refused { why: not_ended(number) }));
        }
        let (items, _) = items_to_undo(self.plans, &file.plan, number, record)?;
        let items = items.iter().filter(|item| item.fate == Fate::Done).count();
        let items = u64::try_from(items).unwrap_or(u64::MAX);
        let (action, _) = permitted_to_undo(self.host, self.authority, &file.instance, proposed)?;
        let until = proposed.planned(Some(action), file.at).undo_until;
        let outlook = match (proposed.preview.reversible, until) {
            (Reversibility::None, _) => UndoOutlook::Permanent,
            (_, Some(since)) if since <= self.now => UndoOutlook::Expired { since },
            (Reversibility::Partly, _) => UndoOutlook::RestoresPartly,
            (Reversibility::Fully, _) => UndoOutlook::Restores,
        };
        Ok((items, outlook))
    }

    /// The steps that would act, also because of an earlier undo after which they did not.
    fn after(&self, file: &PlanFile, records: &UndoRecords, restores: bool) -> Vec<ActsAfterUndo> {
        let acts = |(number, proposed): &(u32, &Proposed)| {
            let record = records.of(*number);
            let is_due = record.acts_after_undo || (restores && record.has_run());
            is_due && action_of(self.host, &proposed.action).is_ok_and(|(_, _, action)| action.acts_after_undo())
        };
        let after = file.numbered().filter(acts).map(|(number, proposed)| {
            let permitted = permitted_to_undo(self.host, self.authority, &file.instance, proposed);
            let refused = permitted.err().map(|error| error.to_string());
            ActsAfterUndo { number, step: self.shown(file, proposed), refused }
        });
        after.collect()
    }

    fn shown(&self, file: &PlanFile, proposed: &Proposed) -> ShownStep {
        let action = action_of(self.host, &proposed.action).ok().map(|(_, _, action)| action);
        ShownStep::bounded(proposed.planned(action, file.at))
    }
}

/// Whether a step has begun, and its end is not recorded.
fn runs(record: &UndoRecord) -> bool {
    let holds = matches!(record.outcome, Some(Outcome::Running | Outcome::Provisional));
    record.is_open() || (holds && !record.is_over)
}

fn not_ended(number: u32) -> String {
    format!("step {number} has begun, and how it ended is not recorded")
}
