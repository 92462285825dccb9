//! What actions achieved, by instance, action and day, and what people said about incidents.
//!
//! It is counted from the audit log, and `counted` has the last record that is in it: what a crash cuts off is counted at
//! the next start.

use ansai_core::promotion::{Achieved, ActionRecord, COUNTED, Effectiveness, Feedback, FeedbackCounts};
use ansai_core::{Bytes, InstanceName, Millis, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::budgets::integer;
use super::{State, StateError};
use crate::track_record::{Added, CountedPlan, Fact, Noted};

const DAY_MS: u64 = 86_400_000;
/// Maximum number of incidents that can be judged and of plans that are still counted: the latest ones.
const MOST_KEPT: i64 = 20_000;
/// Feedback is kept for so long, for reports.
const FEEDBACK_KEPT: Millis = Millis::from_hours(400 * 24);

/// The tables, one statement list of the schema.
pub(super) const TABLES: &str = "
    CREATE TABLE tally (instance TEXT NOT NULL, action TEXT NOT NULL, day INTEGER NOT NULL, proposed INTEGER NOT NULL,
        approved INTEGER NOT NULL, rejected INTEGER NOT NULL, applied INTEGER NOT NULL, verified INTEGER NOT NULL,
        healed INTEGER NOT NULL, undone INTEGER NOT NULL, freed_bytes INTEGER NOT NULL, interrupted_ms INTEGER NOT NULL,
        PRIMARY KEY (instance, action, day)) WITHOUT ROWID;
    CREATE TABLE counted_plan (plan TEXT PRIMARY KEY, at INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX counted_plan_at ON counted_plan (at);
    CREATE TABLE known_incident (incident TEXT PRIMARY KEY, instance TEXT NOT NULL, key TEXT NOT NULL,
        opened INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX known_incident_opened ON known_incident (opened);
    CREATE TABLE proposal (incident TEXT NOT NULL, action TEXT NOT NULL, instance TEXT NOT NULL,
        PRIMARY KEY (incident, action)) WITHOUT ROWID;
    CREATE TABLE feedback (incident TEXT PRIMARY KEY, at INTEGER NOT NULL, judgement TEXT NOT NULL, value TEXT NOT NULL)
        WITHOUT ROWID;
    CREATE INDEX feedback_at ON feedback (at);
    CREATE TABLE counted (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL);";

/// An incident that can be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownIncident {
    pub(crate) incident: String,
    pub(crate) instance: InstanceName,
    pub(crate) key: String,
}

impl State {
    /// The last record of the audit log that is counted.
    pub(crate) fn counted(&self) -> Result<u64, StateError> {
        self.0.read(|connection| {
            let found = connection
                .query_row("SELECT sequence FROM counted", [], |row| row.get::<_, i64>(0))
                .optional()?
                .unwrap_or_default();
            Ok(found.unsigned_abs())
        })
    }

    /// Counts facts in the order of the log; with them, everything up to this record is counted. Durable with the next
    /// durable write: what is lost is counted again.
    pub(crate) fn count(&self, facts: &[Noted], up_to: u64) -> Result<(), StateError> {
        self.0.write_soon(|connection| {
            for Noted { at, fact, .. } in facts {
                count(connection, *at, fact)?;
            }
            connection.prepare_cached("INSERT OR REPLACE INTO counted VALUES (1, ?1)")?.execute([integer(up_to)])?;
            Ok(())
        })
    }

    /// Drops what is too old or too much. Not while the time of day is in doubt.
    pub(crate) fn prune_track_record(&self, now: Timestamp) -> Result<(), StateError> {
        let (oldest, feedback) = (integer((now - COUNTED).as_millis()), integer((now - FEEDBACK_KEPT).as_millis()));
        self.0.write_soon(|connection| {
            connection.execute("DELETE FROM tally WHERE day < ?1", [day(now - COUNTED)])?;
            connection.execute("DELETE FROM counted_plan WHERE at < ?1", [oldest])?;
            connection.execute("DELETE FROM known_incident WHERE opened < ?1", [oldest])?;
            for (table, time) in [("counted_plan", "at"), ("known_incident", "opened"), ("feedback", "at")] {
                let beyond = format!(
                    "DELETE FROM {table} WHERE {time} <= (SELECT {time} FROM {table} ORDER BY {time} DESC LIMIT 1 OFFSET ?1)"
                );
                connection.execute(&beyond, [MOST_KEPT])?;
            }
            connection.execute("DELETE FROM feedback WHERE at < ?1", [feedback])?;
            connection
                .execute("DELETE FROM proposal WHERE incident NOT IN (SELECT incident FROM known_incident)", [])?;
            Ok(())
        })
    }

    /// What each action achieved until now, by instance and action.
    pub(crate) fn action_records(&self, now: Timestamp) -> Result<Vec<ActionRecord>, StateError> {
        self.0.read(|connection| action_records(connection, now))
    }

    /// How often an action helped.
    pub(crate) fn effectiveness(
        &self,
        instance: &InstanceName,
        action: &str,
        now: Timestamp,
    ) -> Result<Effectiveness, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT ifnull(sum(healed), 0), ifnull(sum(verified), 0) FROM tally
                    WHERE instance = ?1 AND action = ?2 AND day >= ?3",
            )?;
            let found = params![instance.as_str(), action, day(now - COUNTED)];
            Ok(statement.query_row(found, |row| {
                Ok(Effectiveness { healed: unsigned(row.get(0)?), verified: unsigned(row.get(1)?) })
            })?)
        })
    }

    /// An incident that is open or was, by its id.
    pub(crate) fn known_incident(&self, incident: &str) -> Result<Option<KnownIncident>, StateError> {
        self.0.read(|connection| {
            const ONE: &str = "SELECT instance, key FROM known_incident WHERE incident = ?1";
            // Those that opened before ansai kept a track record.
            const OPEN: &str = "SELECT instance, key FROM incident WHERE json_extract(value, '$.id') = ?1";
            for statement in [ONE, OPEN] {
                let both = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
                let found = connection.prepare_cached(statement)?.query_row([incident], both).optional()?;
                if let Some((instance, key)) = found
                    && let Ok(instance) = instance.parse()
                {
                    return Ok(Some(KnownIncident { incident: incident.to_owned(), instance, key }));
                }
            }
            Ok(None)
        })
    }

    /// The ids of the latest incidents, the newest first.
    pub(crate) fn latest_incidents(&self, most: usize) -> Result<Vec<String>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT incident FROM known_incident ORDER BY opened DESC LIMIT ?1")?;
            let rows = statement.query_map([i64::try_from(most).unwrap_or(i64::MAX)], |row| row.get(0))?;
            rows.map(|row| Ok(row?)).collect()
        })
    }

    /// Stores what a person said durably, over what was said about the same incident before.
    pub(crate) fn put_feedback(&self, feedback: &Feedback) -> Result<(), StateError> {
        let value = serde_json::to_string(feedback)?;
        self.0.write(|connection| {
            connection.prepare_cached("INSERT OR REPLACE INTO feedback VALUES (?1, ?2, ?3, ?4)")?.execute(params![
                feedback.incident,
                integer(feedback.judged.as_millis()),
                feedback.judgement.word(),
                value
            ])?;
            Ok(())
        })
    }

    /// What was said about an incident last.
    pub(crate) fn feedback(&self, incident: &str) -> Result<Option<Feedback>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM feedback WHERE incident = ?1")?;
            let value = statement.query_row([incident], |row| row.get::<_, String>(0)).optional()?;
            Ok(value.map(|value| serde_json::from_str(&value)).transpose()?)
        })
    }

    /// How many incidents people judged since an instant, of one instance or of all.
    pub(crate) fn feedback_counts(
        &self,
        instance: Option<&InstanceName>,
        since: Timestamp,
    ) -> Result<FeedbackCounts, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT ifnull(sum(judgement = 'false-alarm'), 0), ifnull(sum(judgement = 'helpful'), 0) FROM feedback
                    WHERE at >= ?1 AND (?2 IS NULL OR json_extract(value, '$.instance') = ?2)",
            )?;
            let found = params![integer(since.as_millis()), instance.map(InstanceName::as_str)];
            Ok(statement.query_row(found, |row| {
                Ok(FeedbackCounts { false_alarms: unsigned(row.get(0)?), helpful: unsigned(row.get(1)?) })
            })?)
        })
    }
}

fn count(connection: &Connection, at: Timestamp, fact: &Fact) -> Result<(), StateError> {
    match fact {
        Fact::Opened { incident, instance, key } => {
            know(connection, incident, instance, key, at)?;
        }
        Fact::Planned { plan, incident, instance, steps } => {
            let counted = CountedPlan::new(instance, steps);
            for action in counted.actions() {
                let is_new = connection
                    .prepare_cached("INSERT OR IGNORE INTO proposal VALUES (?1, ?2, ?3)")?
                    .execute(params![incident, action, instance.as_str()])?;
                if is_new == 1 {
                    add(connection, instance, at, &(action, Achieved { proposed: 1, ..Achieved::default() }))?;
                }
            }
            // A plan that was approved and waits for something else is recorded again: what is counted of it stays.
            put_plan(connection, "INSERT OR IGNORE", (plan, at), &counted)?;
        }
        Fact::NotApplied { plan } => {
            // An approved one is applied later, once its window is open or its budget has room.
            connection
                .prepare_cached(
                    "DELETE FROM counted_plan WHERE plan = ?1 AND json_extract(value, '$.is_approved') IS NOT 1",
                )?
                .execute([plan])?;
        }
        Fact::Asked { .. }
        | Fact::Released { .. }
        | Fact::Applied { .. }
        | Fact::Verified { .. }
        | Fact::Undone { .. } => {
            let Some(plan) = fact.plan() else { return Ok(()) };
            let value = connection
                .prepare_cached("SELECT at, value FROM counted_plan WHERE plan = ?1")?
                .query_row([plan], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
                .optional()?;
            let Some((planned, value)) = value else { return Ok(()) };
            let mut counted: CountedPlan = serde_json::from_str(&value)?;
            for added in counted.take(fact) {
                add(connection, &counted.instance, at, &added)?;
            }
            let planned = Timestamp::from_millis(unsigned(planned));
            put_plan(connection, "INSERT OR REPLACE", (plan, planned), &counted)?;
        }
    }
    Ok(())
}

fn know(
    connection: &Connection,
    incident: &str,
    instance: &InstanceName,
    key: &str,
    opened: Timestamp,
) -> Result<(), StateError> {
    connection.prepare_cached("INSERT OR IGNORE INTO known_incident VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        incident,
        instance.as_str(),
        key,
        integer(opened.as_millis())
    ])?;
    Ok(())
}

fn put_plan(
    connection: &Connection,
    insert: &'static str,
    (plan, at): (&str, Timestamp),
    counted: &CountedPlan,
) -> Result<(), StateError> {
    let value = serde_json::to_string(counted)?;
    connection.prepare_cached(&format!("{insert} INTO counted_plan VALUES (?1, ?2, ?3)"))?.execute(params![
        plan,
        integer(at.as_millis()),
        value
    ])?;
    Ok(())
}

fn add(
    connection: &Connection,
    instance: &InstanceName,
    at: Timestamp,
    (action, achieved): &Added,
) -> Result<(), StateError> {
    connection
        .prepare_cached(
            "INSERT INTO tally VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                ON CONFLICT (instance, action, day) DO UPDATE SET proposed = proposed + excluded.proposed,
                approved = approved + excluded.approved, rejected = rejected + excluded.rejected,
                applied = applied + excluded.applied, verified = verified + excluded.verified,
                healed = healed + excluded.healed, undone = undone + excluded.undone,
                freed_bytes = freed_bytes + excluded.freed_bytes, interrupted_ms = interrupted_ms + excluded.interrupted_ms",
        )?
        .execute(params![
            instance.as_str(),
            action,
            day(at),
            integer(achieved.proposed),
            integer(achieved.approved),
            integer(achieved.rejected),
            integer(achieved.applied),
            integer(achieved.verified),
            integer(achieved.healed),
            integer(achieved.undone),
            integer(achieved.freed_bytes.get()),
            integer(achieved.interrupted.get()),
        ])?;
    Ok(())
}

pub(super) fn action_records(connection: &Connection, now: Timestamp) -> Result<Vec<ActionRecord>, StateError> {
    // Sums of numbers that a policy chose may be large: they end as a floating number, not as an error.
    let mut statement = connection.prepare_cached(
        "SELECT instance, action, min(day), sum(proposed), sum(approved), sum(rejected), sum(applied), sum(verified),
                sum(healed), sum(undone), total(freed_bytes), total(interrupted_ms),
                (SELECT count(*) FROM feedback JOIN proposal USING (incident) WHERE judgement = 'false-alarm' AND at >= ?2
                    AND proposal.instance = tally.instance AND proposal.action = tally.action),
                (SELECT count(*) FROM feedback JOIN proposal USING (incident) WHERE judgement = 'helpful' AND at >= ?2
                    AND proposal.instance = tally.instance AND proposal.action = tally.action)
            FROM tally WHERE day >= ?1 GROUP BY instance, action ORDER BY instance, action",
    )?;
    let since = now - COUNTED;
    let rows = statement.query_map(params![day(since), integer(since.as_millis())], |row| {
        let number = |index: usize| row.get::<_, i64>(index).map(unsigned);
        let large = |index: usize| row.get::<_, f64>(index).map(|number| number as u64);
        let achieved = Achieved {
            since: Some(Timestamp::from_millis(number(2)?.saturating_mul(DAY_MS))),
            proposed: number(3)?,
            approved: number(4)?,
            rejected: number(5)?,
            applied: number(6)?,
            verified: number(7)?,
            healed: number(8)?,
            undone: number(9)?,
            freed_bytes: Bytes::new(large(10)?),
            interrupted: Millis::new(large(11)?),
            false_alarms: number(12)?,
            helpful: number(13)?,
        };
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, achieved))
    })?;
    let mut records = Vec::new();
    for row in rows {
        let (instance, action, achieved) = row?;
        if let Ok(instance) = instance.parse() {
            records.push(ActionRecord { instance, action, achieved });
        }
    }
    Ok(records)
}

/// The number of the day, UTC.
fn day(at: Timestamp) -> i64 {
    integer(at.as_millis() / DAY_MS)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests;
