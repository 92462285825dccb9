//! What steps used of the bounds of their grants, within a window of time.

mod totals;

use std::cell::RefCell;

use ansai_core::control::BudgetUse;
use ansai_core::{BudgetOf, InstanceName, Millis, OverBudget, Subject, Timestamp, Unit};
use ansai_kit::action::Amount;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(crate) use self::totals::Totals;
use super::{State, StateError};

/// How long a use is kept, if its window is not longer: the operator may choose a longer one later.
const KEPT: Millis = Millis::from_hours(31 * 24);

/// What a step is about to use, and how much of it is permitted.
#[derive(Debug, Clone)]
pub(crate) struct Charge {
    /// Number of the step in its plan.
    pub(crate) step: u32,
    pub(crate) instance: InstanceName,
    pub(crate) action: String,
    /// What the host found the step to be about, not what the policy says.
    pub(crate) about: Subject,
    /// The granted table that bounds the step, counted from 1: each table has budgets of its own.
    pub(crate) table: u32,
    /// One of the things that the action treats.
    pub(crate) noun: &'static str,
    pub(crate) window: Millis,
    /// What it uses of each bound, and the bound.
    pub(crate) amounts: Vec<(Amount, u64)>,
    /// How long it interrupts something.
    pub(crate) interrupts: Millis,
}

/// Two readings of the same clocks: how long the host has run, and the time of day.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// Id of the boot.
    pub(crate) boot: String,
    /// Since the boot, including the time in which the host was suspended.
    pub(crate) up: Millis,
    /// For people only.
    pub(crate) wall: Timestamp,
}

impl State {
    /// Counts what a plan is about to use, durably: all of it, or nothing if it exceeds a budget.
    pub(crate) fn reserve_within(
        &self,
        plan: &str,
        charges: &[Charge],
        totals: &Totals,
        now: &Reading,
    ) -> Result<Option<OverBudget>, StateError> {
        let over = RefCell::new(None);
        self.0.write(|connection| {
            let elapsed = elapsed(connection, now)?;
            let found = match exceeded(connection, charges, elapsed, now.wall)? {
                None => totals::exceeded(connection, charges, totals, elapsed, now.wall)?,
                found => found,
            };
            if found.is_none() {
                for charge in charges {
                    reserve(connection, plan, charge, elapsed, now.wall)?;
                }
            }
            over.replace(found);
            Ok(())
        })?;
        Ok(over.into_inner())
    }

    /// What was used of each bound within its window, as of when the uptime was last noted.
    pub(crate) fn budgets_used(&self) -> Result<Vec<BudgetUse>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT instance, action, kind, name, bound, sum(amount), grant_table FROM budget
                    WHERE until > coalesce((SELECT elapsed FROM budget_clock), 0) AND bound <> 'max_interruption'
                    GROUP BY instance, action, kind, name, bound, grant_table HAVING sum(amount) > 0
                    ORDER BY instance, action, kind, name, bound, grant_table LIMIT 200",
            )?;
            let mut rows = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let Ok(instance) = row.get::<_, String>(0)?.parse() else { continue };
                let about = Subject::new(row.get::<_, String>(2)?, row.get::<_, String>(3)?).to_string();
                let used = row.get::<_, i64>(5)?.unsigned_abs();
                let (action, bound, table) = (row.get(1)?, row.get(4)?, row.get(6)?);
                all.push(BudgetUse { instance, action, about, bound, used, limit: None, window: None, table });
            }
            Ok(all)
        })
    }

    /// Whether what a step is about to use is counted.
    pub(crate) fn is_all_reserved(
        &self,
        plan: &str,
        step: u32,
        amounts: &[Amount],
        interrupts: Millis,
    ) -> Result<bool, StateError> {
        let amounts = amounts.iter().map(|amount| (amount.bound.name, amount.number));
        let all: Vec<(&str, u64)> = amounts.chain(totals::interruption(interrupts)).collect();
        self.0.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT 1 FROM budget WHERE plan = ?1 AND step = ?2 AND bound = ?3 AND amount >= ?4")?;
            for (bound, number) in &all {
                if !statement.exists(params![plan, step, bound, integer(*number)])? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Replaces what was counted for a step by what it really used, durably. It never becomes more.
    pub(crate) fn settle(&self, plan: &str, step: u32, used: &[Amount]) -> Result<(), StateError> {
        self.0.write(|connection| {
            for Amount { bound, number } in used {
                connection
                    .prepare_cached(
                        "UPDATE budget SET amount = min(amount, ?4), open = 0
                            WHERE plan = ?1 AND step = ?2 AND bound = ?3",
                    )?
                    .execute(params![plan, step, bound.name, integer(*number)])?;
            }
            Ok(())
        })
    }

    /// Counts nothing any more for a step, or for all steps of a plan: nothing was done.
    pub(crate) fn unreserve(&self, plan: &str, step: Option<u32>) -> Result<(), StateError> {
        self.0.write(|connection| {
            connection
                .prepare_cached("DELETE FROM budget WHERE plan = ?1 AND (?2 IS NULL OR step = ?2)")?
                .execute(params![plan, step])?;
            Ok(())
        })
    }

    /// Counts nothing any more for steps that never began: a crash came before their turn.
    pub(crate) fn unreserve_not_begun(&self) -> Result<(), StateError> {
        self.0.write(|connection| {
            connection.execute(
                "DELETE FROM budget WHERE open = 1 AND NOT EXISTS (
                    SELECT 1 FROM step WHERE step.plan = budget.plan AND step.step = budget.step)",
                [],
            )?;
            Ok(())
        })
    }

    /// Remembers how long the host has run, with the next durable write: what passes between the last time and a reboot
    /// counts as no time.
    pub(crate) fn note_uptime(&self, now: &Reading) -> Result<(), StateError> {
        self.0.write_soon(|connection| {
            if connection.prepare_cached("SELECT 1 FROM budget LIMIT 1")?.exists([])? {
                elapsed(connection, now)?;
            }
            Ok(())
        })
    }
}

/// The time that has passed on the clock of budgets, in milliseconds: while the host ran, whatever the time of day was
/// set to. While it was off, an unknown time passed, and none is counted.
pub(super) fn elapsed(connection: &Connection, now: &Reading) -> Result<i64, StateError> {
    let up = integer(now.up.get());
    let known = connection
        .prepare_cached("SELECT boot, up, elapsed FROM budget_clock")?
        .query_row([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
        .optional()?;
    let elapsed = match known {
        None => 0,
        Some((boot, earlier, elapsed)) if boot == now.boot => elapsed.saturating_add(up.saturating_sub(earlier).max(0)),
        Some((_, _, elapsed)) => elapsed.saturating_add(up),
    };
    connection
        .prepare_cached("INSERT OR REPLACE INTO budget_clock VALUES (1, ?1, ?2, ?3)")?
        .execute(params![now.boot, up, elapsed])?;
    Ok(elapsed)
}

/// The first budget that the charges together exceed.
fn exceeded(
    connection: &Connection,
    charges: &[Charge],
    elapsed: i64,
    wall: Timestamp,
) -> Result<Option<OverBudget>, StateError> {
    for charge in charges {
        let same = charges.iter().filter(|other| charge.shares_budgets(other));
        let together: Vec<&(Amount, u64)> = same.flat_map(|other| &other.amounts).collect();
        for (Amount { bound, .. }, limit) in &charge.amounts {
            let of_bound = together.iter().filter(|(amount, _)| amount.bound.name == bound.name);
            let needed = of_bound.fold(0_u64, |sum, (amount, _)| sum.saturating_add(amount.number));
            let window = integer(charge.window.get());
            let used = used(connection, charge, bound.name, elapsed.saturating_sub(window))?;
            let sum = used.iter().fold(0_u64, |sum, one| sum.saturating_add(one.amount));
            // A bound of 0 permits nothing, not even what has no size.
            if *limit > 0 && sum.saturating_add(needed) <= *limit {
                continue;
            }
            let next = next(&used, *limit, needed, window, elapsed, wall);
            return Ok(Some(OverBudget {
                bound: bound.name.to_owned(),
                action: charge.action.clone(),
                about: charge.about.clone(),
                unit: if bound.counts_bytes() { Unit::Bytes } else { Unit::None },
                noun: charge.noun.to_owned(),
                limit: *limit,
                window: charge.window,
                used: sum,
                used_at: used.last().map(|one| one.wall),
                needed,
                next,
                of: BudgetOf::Grant,
            }));
        }
    }
    Ok(None)
}

impl Charge {
    fn shares_budgets(&self, other: &Charge) -> bool {
        (&self.instance, &self.action, &self.about, self.table)
            == (&other.instance, &other.action, &other.about, other.table)
    }
}

/// One use of a bound.
struct Used {
    /// On the clock of budgets.
    at: i64,
    wall: Timestamp,
    amount: u64,
}

/// When a window has room for what is needed; never if it is more than is permitted.
fn next(used: &[Used], limit: u64, needed: u64, window: i64, elapsed: i64, wall: Timestamp) -> Option<Timestamp> {
    let at = room_at(used, limit, needed)?;
    let wait = at.saturating_add(window).saturating_sub(elapsed);
    Some(wall + Millis::new(wait.max(0).unsigned_abs()))
}

/// The time of the use after whose end there is room, on the clock of budgets.
fn room_at(used: &[Used], limit: u64, needed: u64) -> Option<i64> {
    let mut left = used.iter().fold(0_u64, |sum, one| sum.saturating_add(one.amount));
    used.iter().find_map(|one| {
        left = left.saturating_sub(one.amount);
        (limit > 0 && left.saturating_add(needed) <= limit).then_some(one.at)
    })
}

/// What was used of a bound since a time, oldest first.
fn used(connection: &Connection, charge: &Charge, bound: &str, since: i64) -> Result<Vec<Used>, StateError> {
    let Charge { instance, action, about, table, .. } = charge;
    let mut statement = connection.prepare_cached(
        "SELECT at, wall, amount FROM budget WHERE instance = ?1 AND action = ?2 AND kind = ?3 AND name = ?4
            AND grant_table = ?5 AND bound = ?6 AND at > ?7 AND amount > 0 ORDER BY at",
    )?;
    let key = params![instance.as_str(), action, about.kind, about.name, table, bound, since];
    let rows = statement.query_map(key, read_used)?;
    rows.map(|row| Ok(row?)).collect()
}

/// A row of time, time of day and amount.
fn read_used(row: &Row<'_>) -> rusqlite::Result<Used> {
    let (wall, amount): (i64, i64) = (row.get(1)?, row.get(2)?);
    let wall = Timestamp::from_millis(wall.unsigned_abs());
    Ok(Used { at: row.get(0)?, wall, amount: amount.unsigned_abs() })
}

fn reserve(
    connection: &Connection,
    plan: &str,
    charge: &Charge,
    elapsed: i64,
    wall: Timestamp,
) -> Result<(), StateError> {
    let Charge { step, instance, action, about, table, .. } = charge;
    let until = elapsed.saturating_add(integer(charge.window.max(KEPT).get()));
    // Of all budgets: the policy may choose other subjects each time.
    connection.prepare_cached("DELETE FROM budget WHERE until < ?1 AND open = 0")?.execute([elapsed])?;
    let amounts = charge.amounts.iter().map(|(amount, _)| (amount.bound.name, amount.number));
    for (bound, number) in amounts.chain(totals::interruption(charge.interrupts)) {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO budget VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 1)",
            )?
            .execute(params![
                plan,
                step,
                bound,
                instance.as_str(),
                action,
                about.kind,
                about.name,
                table,
                elapsed,
                until,
                integer(wall.as_millis()),
                integer(number)
            ])?;
    }
    Ok(())
}

/// SQLite has no larger integers.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
