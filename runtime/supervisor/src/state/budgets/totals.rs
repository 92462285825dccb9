//! Budgets of the host and of instances, for all actions and subjects together. They count the same uses as the budgets of
//! grants, and in addition how long something is interrupted.

use std::collections::BTreeMap;

use ansai_core::control::TotalUse;
use ansai_core::{BudgetOf, InstanceName, Millis, OverBudget, Timestamp, TotalBound, TotalBudget};
use rusqlite::{Connection, params};

use super::{Charge, State, StateError, Used, integer, next, read_used};

/// What bounds instances altogether.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Totals {
    /// All of them together.
    pub(crate) host: TotalBudget,
    /// Each for itself; one that is missing has no such bound.
    pub(crate) instances: BTreeMap<InstanceName, TotalBudget>,
}

/// The bound that an interruption is counted under, if there is one.
pub(super) fn interruption(interrupts: Millis) -> Option<(&'static str, u64)> {
    (interrupts > Millis::ZERO).then_some((TotalBound::Interruption.key(), interrupts.get()))
}

impl State {
    /// Replaces what was planned as the interruption of a step by what was measured, durably. It may become more.
    pub(crate) fn settle_interruption(&self, plan: &str, step: u32, measured: Millis) -> Result<(), StateError> {
        self.0.write(|connection| {
            connection
                .prepare_cached("UPDATE budget SET amount = ?4 WHERE plan = ?1 AND step = ?2 AND bound = ?3")?
                .execute(params![plan, step, TotalBound::Interruption.key(), integer(measured.get())])?;
            Ok(())
        })
    }

    /// What is used of each bound, as of when the uptime was last noted.
    pub(crate) fn totals_used(&self, totals: &Totals) -> Result<Vec<TotalUse>, StateError> {
        self.0.read(|connection| {
            let mut clock = connection.prepare_cached("SELECT coalesce(max(elapsed), 0) FROM budget_clock")?;
            let elapsed: i64 = clock.query_row([], |row| row.get(0))?;
            let host = std::iter::once((None, &totals.host));
            let all = host.chain(totals.instances.iter().map(|(name, budget)| (Some(name), budget)));
            let mut uses = Vec::new();
            for (instance, budget) in all {
                for (bound, limit) in &budget.limits {
                    let since = elapsed.saturating_sub(integer(budget.window.get()));
                    let used = used(connection, instance, *bound, since)?;
                    uses.push(TotalUse {
                        instance: instance.cloned(),
                        bound: bound.key().to_owned(),
                        unit: bound.unit(),
                        used: sum(&used),
                        limit: *limit,
                        window: budget.window,
                    });
                }
            }
            Ok(uses)
        })
    }
}

/// The first total budget that the charges together exceed: that of the instance, then that of the host.
pub(super) fn exceeded(
    connection: &Connection,
    charges: &[Charge],
    totals: &Totals,
    elapsed: i64,
    wall: Timestamp,
) -> Result<Option<OverBudget>, StateError> {
    // All charges are those of one plan.
    let Some(instance) = charges.first().map(|charge| &charge.instance) else { return Ok(None) };
    let own = totals.instances.get(instance).map(|budget| (BudgetOf::Instance, Some(instance), budget));
    for (of, whose, budget) in own.into_iter().chain([(BudgetOf::Host, None, &totals.host)]) {
        let window = integer(budget.window.get());
        for (bound, limit) in &budget.limits {
            let mut needing = charges.iter().filter_map(|charge| Some((charge, needed(charge, *bound)?))).peekable();
            let Some((charge, _)) = needing.peek().copied() else { continue };
            let needed = needing.fold(0_u64, |sum, (_, number)| sum.saturating_add(number));
            let used = used(connection, whose, *bound, elapsed.saturating_sub(window))?;
            // A bound of 0 permits nothing, not even what has no size.
            if *limit > 0 && sum(&used).saturating_add(needed) <= *limit {
                continue;
            }
            return Ok(Some(OverBudget {
                bound: bound.key().to_owned(),
                action: charge.action.clone(),
                about: charge.about.clone(),
                unit: bound.unit(),
                noun: bound.noun().to_owned(),
                limit: *limit,
                window: budget.window,
                used: sum(&used),
                used_at: used.last().map(|one| one.wall),
                needed,
                next: next(&used, *limit, needed, window, elapsed, wall),
                of,
            }));
        }
    }
    Ok(None)
}

/// What a charge uses of a bound; `None` if it has nothing to do with it.
fn needed(charge: &Charge, bound: TotalBound) -> Option<u64> {
    if bound == TotalBound::Interruption {
        return (charge.interrupts > Millis::ZERO).then_some(charge.interrupts.get());
    }
    let amount = charge.amounts.iter().find(|(amount, _)| amount.bound.name == bound.key());
    amount.map(|(amount, _)| amount.number)
}

fn sum(used: &[Used]) -> u64 {
    used.iter().fold(0_u64, |sum, one| sum.saturating_add(one.amount))
}

/// What was used of a bound since a time, of one instance or of all, oldest first.
fn used(
    connection: &Connection,
    instance: Option<&InstanceName>,
    bound: TotalBound,
    since: i64,
) -> Result<Vec<Used>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT at, wall, amount FROM budget
            WHERE bound = ?1 AND at > ?2 AND (?3 IS NULL OR instance = ?3) AND amount > 0 ORDER BY at",
    )?;
    let key = params![bound.key(), since, instance.map(InstanceName::as_str)];
    let rows = statement.query_map(key, read_used)?;
    rows.map(|row| Ok(row?)).collect()
}

#[cfg(test)]
#[path = "totals_tests.rs"]
mod tests;
