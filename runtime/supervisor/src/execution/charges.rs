//! What the steps of a plan use of the bounds of their grants: before they begin, and after they have ended.

use ansai_core::{InstanceName, Millis, Mode, Outcome, Refusal};
use ansai_kit::action::{Action, Amount, Applied, Proposed};

use super::executor::{Executor, unavailable};
use crate::authority::EffectiveGrants;
use crate::ids::StepId;
use crate::permits::interruption;
use crate::state::Charge;

impl Executor {
    /// What the steps are about to use, by the grants of the pass. A step that these do not permit uses nothing: it is refused
    /// when its turn comes, also if it is permitted then, because it is not counted.
    pub(crate) fn charges(&self, grants: &EffectiveGrants, instance: &InstanceName, steps: &[Proposed]) -> Vec<Charge> {
        let numbered = (0_u32..).zip(steps);
        numbered
            .filter_map(|(number, proposed)| self.charge(grants, instance, number, proposed).ok().flatten())
            .collect()
    }

    /// Whether the mode or the grants of the pass want a person to approve one of the steps. A step that they do not permit
    /// needs no approval: it is refused.
    pub(crate) fn needs_approval(&self, grants: &EffectiveGrants, instance: &InstanceName, steps: &[Proposed]) -> bool {
        let marked =
            |step: &Proposed| self.authorized_by(grants, instance, step).is_ok_and(|(_, found)| found.needs_approval);
        grants.mode == Mode::Approve || steps.iter().any(marked)
    }

    fn charge(
        &self,
        grants: &EffectiveGrants,
        instance: &InstanceName,
        step: u32,
        proposed: &Proposed,
    ) -> Result<Option<Charge>, Refusal> {
        let (action, in_force) = self.authorized_by(grants, instance, proposed)?;
        let bounded = |amount: Amount| (amount, in_force.scope.bound(&amount.bound));
        let amounts = action.amounts(&proposed.targets, None)?;
        // What has no targets does nothing.
        let interrupts = interruption(&proposed.preview);
        if proposed.preview.items == 0 || (amounts.is_empty() && interrupts == Millis::ZERO) {
            return Ok(None);
        }
        Ok(Some(Charge {
            step,
            instance: instance.clone(),
            action: proposed.action.clone(),
            about: proposed.preview.about.clone(),
            table: u32::try_from(in_force.table).unwrap_or(u32::MAX),
            noun: action.noun(),
            window: in_force.scope.window(),
            amounts: amounts.into_iter().map(bounded).collect(),
            interrupts,
        }))
    }

    /// Refuses a step that is not counted.
    pub(super) fn check_counted(
        &self,
        step: StepId<'_>,
        action: &dyn Action,
        proposed: &Proposed,
    ) -> Result<(), Refusal> {
        let amounts = action.amounts(&proposed.targets, None)?;
        let uses_something = amounts.iter().any(|amount| amount.number > 0);
        let interrupts = match proposed.preview.items {
            0 => Millis::ZERO,
            _ => interruption(&proposed.preview),
        };
        let uses_nothing = !uses_something && interrupts == Millis::ZERO;
        match uses_nothing || self.budgets.is_counted(step, &amounts, interrupts).map_err(unavailable)? {
            true => Ok(()),
            false => Err(Refusal::OverBudget("what it uses was not counted before the plan began".into())),
        }
    }

    /// Settles what was counted for a step with what it did. What nobody knows counts as planned.
    pub(super) fn settle(&self, step: StepId<'_>, proposed: &Proposed, applied: &Applied) {
        if matches!(applied.outcome, Outcome::Unknown | Outcome::Running) {
            return;
        }
        let used = self
            .action(&proposed.action)
            .and_then(|(_, _, action)| action.amounts(&proposed.targets, Some(applied.items.as_slice())));
        match used {
            Ok(used) => self.budgets.settle(step, &used),
            Err(why) => tracing::warn!(plan = step.plan, step = step.step, "the step counts as planned: {why}"),
        }
    }

    /// A step that interrupts something has ended: what was measured counts, not what its preview said. What nobody knows
    /// counts as planned.
    pub(super) fn settle_interruption(&self, step: StepId<'_>, proposed: &Proposed, applied: &Applied, took: Millis) {
        let is_known = !matches!(applied.outcome, Outcome::Unknown | Outcome::Running);
        if is_known && proposed.preview.items > 0 && interruption(&proposed.preview) > Millis::ZERO {
            self.budgets.settle_interruption(step, took);
        }
    }
}
