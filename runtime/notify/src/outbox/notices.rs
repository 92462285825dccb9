//! Notices that wait for others of their group, and what was told of incidents that are open.

use ansai_core::{Millis, Timestamp};
use rusqlite::OptionalExtension as _;

use super::{OutboxError, Transaction, number, unsigned};
use crate::message::{Kind, Notice};

#[cfg(test)]
mod tests;

/// The most times that what is told is remembered by its id, in milliseconds: 30 days.
const REMEMBERED: u64 = 30 * 86_400_000;
/// So many are remembered however old they are: a clock that jumps ahead must not have everything told again.
const LEAST_REMEMBERED: u64 = 10_000;
/// What was healed silently and waits for the digest, at most. The oldest is left out.
const MOST_SILENT: i64 = 1_000;

/// Thousands of groups may wait after a storm, and each of these runs for each group: so each has an index.
const FORGET_GROUPS: &str = "DELETE FROM grouping WHERE sent < ?1 OR sent > ?2";
const OF_GROUP: &str = "SELECT value FROM unresolved WHERE channel = ?1 AND grouped = ?2 AND repeat IS NOT NULL
    ORDER BY incident";
const REMINDED: &str =
    "UPDATE unresolved SET repeat_at = ?3 + repeat WHERE channel = ?1 AND grouped = ?2 AND repeat IS NOT NULL";

/// A notice on its way to a channel.
pub(crate) struct Filed<'a> {
    pub(crate) channel: &'a str,
    /// What notices of a message have in common.
    pub(crate) grouped: String,
    pub(crate) notice: &'a Notice,
    /// How long the first notice of a group waits.
    pub(crate) wait: Millis,
    /// Least time between two messages of a group.
    pub(crate) interval: Millis,
    /// When it is told again while it is not over.
    pub(crate) repeat: Option<Millis>,
}

/// Notices of one channel that have something in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    pub(crate) channel: String,
    pub(crate) grouped: String,
}

/// Whether a notice with this id is new. It is not from now on.
pub(crate) fn is_new(transaction: &Transaction<'_>, id: &str, now: Timestamp) -> Result<bool, OutboxError> {
    let old = now.as_millis().saturating_sub(REMEMBERED);
    // `+`: the index finds the old ones, and those that stay are counted only if there are any.
    transaction
        .prepare_cached(
            "DELETE FROM told WHERE at < ?1 AND +at < (SELECT at FROM told ORDER BY at DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute((number(old), number(LEAST_REMEMBERED - 1)))?;
    let mut statement = transaction.prepare_cached("INSERT OR IGNORE INTO told VALUES (?1, ?2)")?;
    Ok(statement.execute((id, number(now.as_millis())))? == 1)
}

/// Files a notice. It becomes part of a message when its group is ready.
pub(crate) fn file(transaction: &Transaction<'_>, filed: &Filed<'_>, now: Timestamp) -> Result<(), OutboxError> {
    let Filed { channel, grouped, notice, wait, interval, repeat } = filed;
    let place = (channel, grouped);
    let waits: Option<i64> = transaction
        .prepare_cached("SELECT min(ready) FROM notice WHERE channel = ?1 AND grouped = ?2")?
        .query_row(place, |row| row.get(0))?;
    let sent: Option<i64> = transaction
        .prepare_cached("SELECT sent FROM grouping WHERE channel = ?1 AND grouped = ?2")?
        .query_row(place, |row| row.get(0))
        .optional()?;
    // A time in the future was written before the clock was set back: it says nothing.
    let sent = sent.map(|at| Timestamp::from_millis(unsigned(at))).filter(|at| *at <= now);
    let after_last = sent.map_or(Timestamp::EPOCH, |sent| sent + *interval);
    let ready = waits.unwrap_or_else(|| number((now + *wait).max(after_last).as_millis()));
    let value = serde_json::to_string(notice)?;
    transaction
        .prepare_cached("INSERT INTO notice (channel, grouped, at, ready, value) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((channel, grouped, number(now.as_millis()), ready, &value))?;
    let Some(incident) = &notice.incident else { return Ok(()) };
    if notice.kind.is_resolving() {
        transaction
            .prepare_cached("DELETE FROM unresolved WHERE channel = ?1 AND incident = ?2")?
            .execute((channel, &incident.id))?;
        return Ok(());
    }
    let again = repeat.map(|repeat| number((now + repeat).as_millis()));
    transaction.prepare_cached("INSERT OR REPLACE INTO unresolved VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute((
        channel,
        &incident.id,
        grouped,
        repeat.map(|repeat| number(repeat.get())),
        again,
        &value,
    ))?;
    Ok(())
}

/// The channels that were told of an incident that they do not know to be over, each with the group of it.
pub(crate) fn unresolved(transaction: &Transaction<'_>, incident: &str) -> Result<Vec<Group>, OutboxError> {
    let mut statement = transaction.prepare_cached("SELECT channel, grouped FROM unresolved WHERE incident = ?1")?;
    let found = statement.query_map([incident], |row| Ok(Group { channel: row.get(0)?, grouped: row.get(1)? }))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Nothing more is told of an incident: it is not over, and another one took its place.
pub(crate) fn forget(transaction: &Transaction<'_>, incident: &str) -> Result<(), OutboxError> {
    transaction.execute("DELETE FROM unresolved WHERE incident = ?1", [incident])?;
    Ok(())
}

/// The channels that something waits for, or that were told of incidents that are open.
pub(crate) fn channels(transaction: &Transaction<'_>) -> Result<Vec<String>, OutboxError> {
    let sql = "SELECT channel FROM notice UNION SELECT channel FROM unresolved
        UNION SELECT channel FROM message WHERE state = 0";
    let mut statement = transaction.prepare_cached(sql)?;
    let found = statement.query_map([], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Nothing more is told through a channel.
pub(crate) fn forget_channel(transaction: &Transaction<'_>, channel: &str) -> Result<(), OutboxError> {
    transaction.execute("DELETE FROM notice WHERE channel = ?1", [channel])?;
    transaction.execute("DELETE FROM unresolved WHERE channel = ?1", [channel])?;
    Ok(())
}

/// What is told to nobody now, and with the next digest.
pub(crate) fn keep_silent(transaction: &Transaction<'_>, notice: &Notice) -> Result<(), OutboxError> {
    transaction.prepare_cached("INSERT INTO silent (value) VALUES (?1)")?.execute([serde_json::to_string(notice)?])?;
    transaction
        .prepare_cached("DELETE FROM silent WHERE number <= (SELECT max(number) FROM silent) - ?1")?
        .execute([MOST_SILENT])?;
    Ok(())
}

/// What the digest tells, oldest first.
pub(crate) fn silent(transaction: &Transaction<'_>) -> Result<Vec<Notice>, OutboxError> {
    notices(transaction, "SELECT value FROM silent ORDER BY number", [])
}

/// Takes what the digest tells, oldest first.
pub(crate) fn take_silent(transaction: &Transaction<'_>) -> Result<Vec<Notice>, OutboxError> {
    let found = silent(transaction)?;
    transaction.execute("DELETE FROM silent", [])?;
    Ok(found)
}

/// Groups that are ready. In quiet times, only those with an emergency. `most_wait`: no group waits longer, so a later time
/// was written before the clock was set back.
pub(crate) fn ready(
    transaction: &Transaction<'_>,
    now: Timestamp,
    is_quiet: bool,
    most_wait: Millis,
) -> Result<Vec<Group>, OutboxError> {
    let mut statement = transaction.prepare_cached(
        "SELECT channel, grouped FROM notice WHERE (ready <= ?1 OR ready > ?2)
            AND (NOT ?3 OR json_extract(value, '$.severity') = 'emergency') GROUP BY channel, grouped ORDER BY min(number)",
    )?;
    let (at, beyond) = (number(now.as_millis()), number((now + most_wait).as_millis()));
    let found =
        statement.query_map((at, beyond, is_quiet), |row| Ok(Group { channel: row.get(0)?, grouped: row.get(1)? }))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// All notices of a group, oldest first.
pub(crate) fn waiting(transaction: &Transaction<'_>, group: &Group) -> Result<Vec<Notice>, OutboxError> {
    let sql = "SELECT value FROM notice WHERE channel = ?1 AND grouped = ?2 ORDER BY number";
    notices(transaction, sql, (&group.channel, &group.grouped))
}

/// Takes all notices of a group, oldest first: a message with them is put in the same transaction.
pub(crate) fn take(transaction: &Transaction<'_>, group: &Group, now: Timestamp) -> Result<Vec<Notice>, OutboxError> {
    let place = (&group.channel, &group.grouped);
    let found = waiting(transaction, group)?;
    transaction.prepare_cached("DELETE FROM notice WHERE channel = ?1 AND grouped = ?2")?.execute(place)?;
    transaction.prepare_cached("INSERT OR REPLACE INTO grouping VALUES (?1, ?2, ?3)")?.execute((
        &group.channel,
        &group.grouped,
        number(now.as_millis()),
    ))?;
    // A group that waited a day sends without an interval.
    let old = now.as_millis().saturating_sub(86_400_000);
    transaction.prepare_cached(FORGET_GROUPS)?.execute((number(old), number(now.as_millis())))?;
    Ok(found)
}

/// What is told again now, by channel and group.
pub(crate) fn reminders(
    transaction: &Transaction<'_>,
    now: Timestamp,
) -> Result<Vec<(Group, Vec<Notice>)>, OutboxError> {
    let at = number(now.as_millis());
    let mut statement = transaction.prepare_cached(
        "SELECT DISTINCT channel, grouped FROM unresolved WHERE repeat_at <= ?1 OR repeat_at > ?1 + repeat",
    )?;
    let groups = statement.query_map([at], |row| Ok(Group { channel: row.get(0)?, grouped: row.get(1)? }))?;
    let groups: Vec<Group> = groups.collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for group in groups {
        let place = (&group.channel, &group.grouped);
        let again = notices(transaction, OF_GROUP, place)?;
        found.push((group, again));
    }
    Ok(found)
}

/// A group is told again now.
pub(crate) fn reminded(transaction: &Transaction<'_>, group: &Group, now: Timestamp) -> Result<(), OutboxError> {
    transaction.prepare_cached(REMINDED)?.execute((&group.channel, &group.grouped, number(now.as_millis())))?;
    Ok(())
}

/// Nobody is asked about a plan any more: its notices are not told again. The end of its incident is.
pub(crate) fn answered(transaction: &Transaction<'_>, plan: &str) -> Result<(), OutboxError> {
    let ids = [Kind::Held, Kind::Announced].map(|kind| format!("{}-{plan}", kind.name()));
    transaction
        .prepare_cached(
            "UPDATE unresolved SET repeat = NULL, repeat_at = NULL
                WHERE repeat IS NOT NULL AND json_extract(value, '$.id') IN (?1, ?2)",
        )?
        .execute(ids)?;
    Ok(())
}

/// When the next group or reminder is ready. In quiet times, only emergencies are.
pub(crate) fn next_ready(transaction: &Transaction<'_>, is_quiet: bool) -> Result<Option<Timestamp>, OutboxError> {
    let sql = if is_quiet {
        "SELECT min(ready) FROM notice WHERE json_extract(value, '$.severity') = 'emergency'"
    } else {
        "SELECT min(at) FROM (SELECT min(ready) AS at FROM notice UNION ALL
            SELECT min(repeat_at) FROM unresolved WHERE repeat_at IS NOT NULL)"
    };
    let first: Option<i64> = transaction.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(first.map(|at| Timestamp::from_millis(unsigned(at))))
}

/// Leaves out the oldest notices beyond this number that are not loud for anybody else: the ends of incidents first.
pub(crate) fn bound(transaction: &Transaction<'_>, most: u64) -> Result<u64, OutboxError> {
    let waiting: i64 = transaction.query_row("SELECT count(*) FROM notice", [], |row| row.get(0))?;
    let beyond = waiting.saturating_sub(number(most));
    if beyond <= 0 {
        return Ok(0);
    }
    let resolving = [Kind::Healed, Kind::Recovered, Kind::Gone].map(|kind| format!("'{}'", kind.name())).join(", ");
    let dropped = transaction.execute(
        &format!(
            "DELETE FROM notice WHERE number IN (SELECT number FROM notice
                ORDER BY json_extract(value, '$.kind') IN ({resolving}) DESC, number LIMIT ?1)"
        ),
        [beyond],
    )?;
    Ok(dropped as u64)
}

pub(super) fn notices(
    transaction: &Transaction<'_>,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Notice>, OutboxError> {
    let mut statement = transaction.prepare_cached(sql)?;
    let found = statement.query_map(parameters, |row| row.get::<_, String>(0))?;
    found.map(|value| Ok(serde_json::from_str(&value?)?)).collect()
}
