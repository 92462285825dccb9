//! Incidents that are over: a few facts about each, for lists and reports. The audit log has their whole history.

use ansai_core::control::ClosedIncident;
use ansai_core::{Attempt, InstanceName, Subject, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::memory::{signed, unsigned};
use super::{State, StateError};

/// Maximum number of closed incidents that are kept: the latest ones. No number depends on the time of day, which may jump.
const MOST: i64 = 50_000;
/// The same for one instance, so that a noisy one leaves room for the others.
const MOST_OF_INSTANCE: i64 = 5_000;
/// Attempts of one report: the latest ones.
const MOST_ATTEMPTS: usize = 100_000;
/// Rows that are read at once. In between, and while they are parsed, others get the state.
const PAGE: usize = 1_000;

/// Which closed incidents are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WantedClosed<'a> {
    pub(crate) instance: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) since: Timestamp,
}

impl State {
    /// Removes an open incident, and keeps what is known of it as a closed one: both, or nothing.
    pub(crate) fn close_incident(&self, closed: &ClosedIncident) -> Result<(), StateError> {
        let value = serde_json::to_string(closed)?;
        let (instance, key) = (closed.instance.as_str(), &closed.key);
        self.0.write(|connection| {
            let removed = connection
                .prepare_cached("DELETE FROM incident WHERE instance = ?1 AND key = ?2")?
                .execute(params![instance, key])?;
            // A pass that tries again counts nothing twice.
            if removed > 0 {
                connection
                    .prepare_cached(
                        "INSERT INTO closed_incident (id, instance, key, opened, closed, value)
                            VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute(params![
                        closed.incident,
                        instance,
                        key,
                        signed(closed.opened),
                        signed(closed.closed),
                        value
                    ])?;
                drop_oldest(connection, instance)?;
            }
            Ok(())
        })
    }

    /// The latest closed incidents that are wanted, the newest first, and how many more there are.
    pub(crate) fn closed_incidents(
        &self,
        wanted: WantedClosed<'_>,
        most: usize,
    ) -> Result<(Vec<ClosedIncident>, usize), StateError> {
        let (mut first, mut count) = (Vec::new(), 0_usize);
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT value FROM closed_incident WHERE closed >= ?1 AND (?2 IS NULL OR instance = ?2)
                    AND (?3 IS NULL OR key = ?3) ORDER BY closed DESC, number DESC",
            )?;
            let mut rows = statement.query(params![signed(wanted.since), wanted.instance, wanted.key])?;
            while let Some(row) = rows.next()? {
                count += 1;
                if first.len() < most {
                    first.push(serde_json::from_str(&row.get::<_, String>(0)?)?);
                }
            }
            Ok(())
        })?;
        let more = count - first.len();
        Ok((first, more))
    }

    /// Each closed incident that opened or closed since a time.
    pub(crate) fn each_closed(&self, since: Timestamp, mut each: impl FnMut(ClosedIncident)) -> Result<(), StateError> {
        let mut last = 0_i64;
        loop {
            let page: Vec<(i64, String)> = self.0.read(|connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT number, value FROM closed_incident WHERE number > ?2 AND (closed >= ?1 OR opened >= ?1)
                        ORDER BY number LIMIT ?3",
                )?;
                let rows = statement
                    .query_map(params![signed(since), last, limit(PAGE)], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })?;
            let is_last = page.len() < PAGE;
            for (number, value) in page {
                last = number;
                each(serde_json::from_str(&value)?);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// The closed incident with this id.
    pub(crate) fn closed_incident(&self, id: &str) -> Result<Option<ClosedIncident>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT value FROM closed_incident WHERE id = ?1 ORDER BY number DESC LIMIT 1")?;
            let value = statement.query_row([id], |row| row.get::<_, String>(0)).optional()?;
            Ok(value.map(|value| serde_json::from_str(&value)).transpose()?)
        })
    }

    /// All incidents that closed since then are kept.
    pub(crate) fn closed_known_since(&self) -> Result<Timestamp, StateError> {
        self.0.read(|connection| {
            let since = connection.query_row("SELECT since FROM closed_known", [], |row| row.get(0))?;
            Ok(unsigned(since))
        })
    }

    /// Attempts of all instances since a time, the newest first, with their plans. At most 100,000.
    pub(crate) fn each_attempt(&self, since: Timestamp, mut each: impl FnMut(&str, Attempt)) -> Result<(), StateError> {
        let (mut last, mut left) = (AttemptPlace::after_all(), MOST_ATTEMPTS);
        while left > 0 {
            let most = left.min(PAGE);
            let page: Vec<(AttemptPlace, String)> = self.0.read(|connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT at, instance, kind, name, plan, value FROM attempt
                        WHERE at >= ?1 AND (at, instance, kind, name, plan) < (?2, ?3, ?4, ?5, ?6)
                        ORDER BY at DESC, instance DESC, kind DESC, name DESC, plan DESC LIMIT ?7",
                )?;
                let AttemptPlace { at, instance, kind, name, plan } = &last;
                let rows = statement
                    .query_map(params![signed(since), at, instance, kind, name, plan, limit(most)], |row| {
                        Ok((AttemptPlace::of(row)?, row.get(5)?))
                    })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })?;
            left = if page.len() < most { 0 } else { left - most };
            for (place, value) in page {
                each(&place.instance, serde_json::from_str(&value)?);
                last = place;
            }
        }
        Ok(())
    }

    /// The kept attempts of an instance at a finding about a thing, with their plans, oldest first.
    pub(crate) fn attempts_with_plans(
        &self,
        instance: &InstanceName,
        about: &Subject,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(String, Attempt)>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT plan, value FROM attempt WHERE instance = ?1 AND kind = ?2 AND name = ?3 AND at BETWEEN ?4 AND ?5
                    ORDER BY at, plan",
            )?;
            let found = params![instance.as_str(), about.kind, about.name, signed(from), signed(until)];
            let rows = statement.query_map(found, |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
            rows.map(|row| {
                let (plan, value) = row?;
                Ok((plan, serde_json::from_str(&value)?))
            })
            .collect()
        })
    }
}

/// Where an attempt is in the order of time. Two may have the same time.
struct AttemptPlace {
    at: i64,
    instance: String,
    kind: String,
    name: String,
    plan: String,
}

impl AttemptPlace {
    fn after_all() -> AttemptPlace {
        let none = String::new;
        AttemptPlace { at: i64::MAX, instance: none(), kind: none(), name: none(), plan: none() }
    }

    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<AttemptPlace> {
        let (at, instance, kind, name, plan) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        Ok(AttemptPlace { at, instance, kind, name, plan })
    }
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn drop_oldest(connection: &Connection, instance: &str) -> Result<(), StateError> {
    const BEYOND: &str =
        "SELECT number FROM closed_incident WHERE instance = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2";
    let of_instance = connection
        .prepare_cached(BEYOND)?
        .query_row(params![instance, MOST_OF_INSTANCE], |row| row.get(0))
        .optional()?;
    let newest: i64 =
        connection.prepare_cached("SELECT max(number) FROM closed_incident")?.query_row([], |row| row.get(0))?;
    let drops: [(Option<&str>, i64); 2] = [(Some(instance), of_instance.unwrap_or(0)), (None, newest - MOST)];
    for (instance, until) in drops.into_iter().filter(|(_, until)| *until > 0) {
        connection
            .prepare_cached(
                "UPDATE closed_known SET since = max(since, coalesce((SELECT max(closed) + 1 FROM closed_incident
                    WHERE number <= ?1 AND (?2 IS NULL OR instance = ?2)), 0))",
            )?
            .execute(params![until, instance])?;
        connection
            .prepare_cached("DELETE FROM closed_incident WHERE number <= ?1 AND (?2 IS NULL OR instance = ?2)")?
            .execute(params![until, instance])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
