//! What instances used of their shares.

use ansai_core::{Millis, Share};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::budgets::integer;
use super::{State, StateError};
use crate::shares::{Bucket, Standing};

/// What a run that was killed may have used of each share without a trace.
const OF_A_KILLED_RUN: f64 = 1.0 / 64.0;
/// The time in which a whole share drains: the longest of all.
const WINDOW: Millis = Millis::from_hours(1);

/// A row may be a bound; and the state knows whether the last run has ended in order.
pub(super) const TABLES: &str = "
    ALTER TABLE share ADD COLUMN is_bound INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE share_run (one INTEGER PRIMARY KEY CHECK (one = 1), has_ended INTEGER NOT NULL, owed REAL NOT NULL,
        boot TEXT NOT NULL, up INTEGER NOT NULL);";

/// One share of one instance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ShareRow {
    pub(crate) instance: String,
    pub(crate) share: Share,
    pub(crate) bucket: Bucket,
    /// What was told of the instance.
    pub(crate) told: Standing,
    /// Id of the boot, and how long the host had run then.
    pub(crate) boot: String,
    pub(crate) up: Millis,
    /// The level is the most that was used since then; else, what was used at that time.
    pub(crate) is_bound: bool,
}

impl State {
    /// Everything that is known.
    pub(crate) fn shares(&self) -> Result<Vec<ShareRow>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare("SELECT instance, share, level, standing, told, boot, up, is_bound FROM share")?;
            let rows = statement.query_map([], |row| {
                let (share, level, up): (String, f64, i64) = (row.get(1)?, row.get(2)?, row.get(6)?);
                let bucket = Bucket { level: level.max(0.0), standing: standing(row.get(3)?) };
                let share = Share::ALL.into_iter().find(|known| known.key() == share);
                Ok(share.map(|share| -> rusqlite::Result<ShareRow> {
                    let (told, up) = (standing(row.get(4)?), Millis::new(up.unsigned_abs()));
                    let (instance, boot, is_bound) = (row.get(0)?, row.get(5)?, row.get(7)?);
                    Ok(ShareRow { instance, share, bucket, told, boot, up, is_bound })
                }))
            })?;
            let mut all = Vec::new();
            for row in rows {
                all.extend(row?.transpose()?);
            }
            Ok(all)
        })
    }

    /// A run begins, durably. Answers which part of each share earlier runs, which were killed, may have used without a trace.
    pub(crate) fn begin_shares(&self, boot: &str, up: Millis) -> Result<f64, StateError> {
        let known = self.0.read(|connection| {
            let mut statement = connection.prepare("SELECT has_ended, owed, boot, up FROM share_run")?;
            let row = statement.query_row([], |row| {
                Ok((row.get::<_, bool>(0)?, row.get::<_, f64>(1)?, row.get::<_, String>(2)?, row.get::<_, i64>(3)?))
            });
            Ok(row.optional()?)
        })?;
        let owed = match known {
            None | Some((true, ..)) => 0.0,
            Some((false, owed, at_boot, at)) => {
                let since = if at_boot == boot { at.unsigned_abs() } else { 0 };
                let passed = up.get().saturating_sub(since) as f64 / WINDOW.get() as f64;
                (owed - passed).max(0.0) + OF_A_KILLED_RUN
            }
        };
        self.0.write(|connection| put_run(connection, false, owed, (boot, up)))?;
        Ok(owed)
    }

    /// Writes what was used, durable with the next durable write. With `pays`, nothing is owed for killed runs any more.
    pub(crate) fn put_shares(&self, rows: &[ShareRow], pays: bool) -> Result<(), StateError> {
        if rows.is_empty() && !pays {
            return Ok(());
        }
        self.0.write_soon(|connection| {
            if pays {
                connection.execute("UPDATE share_run SET owed = 0", [])?;
            }
            put(connection, rows)
        })
    }

    /// The same, durably.
    pub(crate) fn put_shares_durably(&self, rows: &[ShareRow]) -> Result<(), StateError> {
        if rows.is_empty() { Ok(()) } else { self.0.write(|connection| put(connection, rows)) }
    }

    /// A run has ended and used this, durably.
    pub(crate) fn end_shares(&self, rows: &[ShareRow]) -> Result<(), StateError> {
        let is_known = self.0.read(|connection| {
            Ok(connection.prepare_cached("SELECT 1 FROM share_run WHERE has_ended = 1")?.exists([])?)
        })?;
        if rows.is_empty() && is_known {
            return Ok(());
        }
        self.0.write(|connection| {
            put(connection, rows)?;
            connection.execute("UPDATE share_run SET has_ended = 1, owed = 0", [])?;
            Ok(())
        })
    }
}

fn put_run(connection: &Connection, has_ended: bool, owed: f64, (boot, up): (&str, Millis)) -> Result<(), StateError> {
    connection.execute(
        "INSERT OR REPLACE INTO share_run VALUES (1, ?1, ?2, ?3, ?4)",
        params![has_ended, owed, boot, integer(up.get())],
    )?;
    Ok(())
}

fn put(connection: &Connection, rows: &[ShareRow]) -> Result<(), StateError> {
    for ShareRow { instance, share, bucket, told, boot, up, is_bound } in rows {
        connection.prepare_cached("INSERT OR REPLACE INTO share VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?.execute(
            params![
                instance,
                share.key(),
                bucket.level,
                bucket.standing as i64,
                *told as i64,
                boot,
                integer(up.get()),
                is_bound
            ],
        )?;
    }
    Ok(())
}

fn standing(number: i64) -> Standing {
    match number {
        0 => Standing::Free,
        1 => Standing::Slow,
        _ => Standing::Suspended,
    }
}
