//! Budgets with their limits: what is used is in the state, what is permitted is in the grants of now.

use ansai_core::InstanceName;
use ansai_core::control::BudgetUse;

use crate::authority::EffectiveGrants;
use crate::state::StateError;
use crate::supervisor::Supervisor;

impl Supervisor {
    /// What was used of each bound, with the limit and its window.
    pub(super) fn budgets(&self) -> Result<Vec<BudgetUse>, StateError> {
        let mut all = self.0.state.budgets_used()?;
        // They are sorted by instance.
        let mut granted: Option<(InstanceName, Option<EffectiveGrants>)> = None;
        for budget in &mut all {
            if granted.as_ref().is_none_or(|(name, _)| *name != budget.instance) {
                let grants = self.0.passes.authority.effective_grants(&budget.instance).ok();
                granted = Some((budget.instance.clone(), grants));
            }
            if let Some((_, Some(grants))) = &granted {
                self.add_limit(budget, grants);
            }
        }
        Ok(all)
    }

    fn add_limit(&self, budget: &mut BudgetUse, grants: &EffectiveGrants) {
        let Some((interface, _, _)) = self.0.executor.host.action(&budget.action) else { return };
        let tables = grants.scopes.get(&interface.interface.name).map(|scope| scope.tables()).unwrap_or_default();
        let number = usize::try_from(budget.table).unwrap_or(usize::MAX);
        let field = interface.interface.fields.iter().find(|field| field.name == budget.bound);
        // Several requested tables share a granted one: the widest is what is left at best.
        let of_table = tables.iter().filter(|table| table.number() == number).map(|table| &table.scope);
        if let Some((field, scope)) =
            field.and_then(|field| Some((field, of_table.max_by_key(|one| one.bound(field))?)))
        {
            (budget.limit, budget.window) = (Some(scope.bound(field)), Some(scope.window()));
        }
    }
}
