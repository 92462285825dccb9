//! Time series: the newest samples one by one, older ones as one row for each hour.
//!
//! The clock may be wrong by years, and only a later evaluation can tell. So nothing here deletes all rows of an age at
//! once. What is farthest from the time of an evaluation, before or after it, is folded first. An hour is deleted only
//! when a sample of another hour arrives, two hours for one at most. Readers ignore what is older than [`Keep::age`] or
//! later than now.

use std::ops::Range;

use ansai_core::{Millis, Timestamp};
use ansai_kit::evaluation_state::{Sample, SeriesWrite};
use ansai_kit::policy::aggregate::Aggregate;
use ansai_kit::policy::series::KEPT;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use super::StateError;
use super::memory::{signed, unsigned};

const HOUR_MS: u64 = 3_600_000;
/// How many samples one commit folds at most, and how many hours it deletes. More than one, so that both catch up.
const PACE: usize = 2;

/// How much of each series is kept.
pub(super) struct Keep {
    /// So many samples are kept one by one, whatever their age.
    pub(super) fewest_samples: i64,
    /// Samples of this age are kept one by one, ...
    pub(super) recent: Millis,
    /// ... but no more than so many.
    pub(super) most_samples: i64,
    /// Age at which hours and samples may be deleted.
    pub(super) age: Millis,
    /// Number of hours above which the farthest may be deleted. Only a clock that was wrong leads to so many.
    pub(super) most_hours: i64,
}

/// What is kept of each series of a policy.
pub(super) const KEEP: Keep =
    Keep { fewest_samples: 2_000, recent: Millis::from_hours(48), most_samples: 6_000, age: KEPT, most_hours: 9_600 };

/// Writes what an evaluation at this time wrote to the series with this instance and name. Part of a transaction.
pub(super) fn write(
    connection: &Connection,
    keep: &Keep,
    name: (&str, &str),
    now: Timestamp,
    write: SeriesWrite,
) -> Result<(), StateError> {
    let mut known = Series::find(connection, name)?;
    if write.reset
        && let Some(series) = known.take()
    {
        series.delete()?;
    }
    let Some(value) = write.value else { return Ok(()) };
    let mut series = match known {
        Some(series) => series,
        None => Series::create(connection, name)?,
    };
    let now = signed(now);
    let is_new_hour = !series.has_hour(hour_of(now))?;
    series.put(now, value)?;
    if is_new_hour {
        series.expire(keep, now)?;
    }
    series.fold(keep, now)?;
    series.save()
}

/// Samples of a series in a range of time, and hours that begin in it, oldest first.
pub(super) fn read(
    connection: &Connection,
    name: (&str, &str),
    range: Range<Timestamp>,
) -> Result<Vec<Aggregate>, StateError> {
    let Some(series) = Series::find(connection, name)? else { return Ok(Vec::new()) };
    let mut hours = connection.prepare_cached(
        "SELECT hour, minimum, maximum, sum, count FROM hour WHERE series = ?1 AND hour >= ?2 AND hour < ?3 ORDER BY hour",
    )?;
    let [from, to] = [range.start, range.end].map(|end| end.as_millis().div_ceil(HOUR_MS));
    let hours = hours.query_map(params![series.id, from.cast_signed(), to.cast_signed()], aggregate)?;
    let mut found: Vec<Aggregate> = hours.collect::<Result<_, _>>()?;
    let mut samples = connection
        .prepare_cached("SELECT at, value FROM sample WHERE series = ?1 AND at >= ?2 AND at < ?3 ORDER BY at")?;
    let samples = samples.query_map(params![series.id, signed(range.start), signed(range.end)], |row| {
        Ok(Aggregate::from(Sample { at: unsigned(row.get(0)?), value: row.get(1)? }))
    })?;
    for sample in samples {
        found.push(sample?);
    }
    // Two runs in order: hours, then samples. Usually the samples are the later ones.
    found.sort_by_key(|one| one.at);
    Ok(found)
}

/// The row of a series, and how many rows it has in the other tables.
struct Series<'a> {
    connection: &'a Connection,
    id: i64,
    samples: i64,
    hours: i64,
}

impl<'a> Series<'a> {
    fn find(connection: &'a Connection, (instance, name): (&str, &str)) -> Result<Option<Self>, StateError> {
        let mut statement =
            connection.prepare_cached("SELECT id, samples, hours FROM series WHERE instance = ?1 AND name = ?2")?;
        let series = statement.query_row([instance, name], |row| {
            Ok(Series { connection, id: row.get(0)?, samples: row.get(1)?, hours: row.get(2)? })
        });
        Ok(series.optional()?)
    }

    fn create(connection: &'a Connection, (instance, name): (&str, &str)) -> Result<Self, StateError> {
        connection
            .prepare_cached("INSERT INTO series (instance, name, samples, hours) VALUES (?1, ?2, 0, 0)")?
            .execute([instance, name])?;
        Ok(Series { connection, id: connection.last_insert_rowid(), samples: 0, hours: 0 })
    }

    fn delete(self) -> Result<(), StateError> {
        self.change("DELETE FROM sample WHERE series = ?1", [self.id])?;
        self.change("DELETE FROM hour WHERE series = ?1", [self.id])?;
        self.change("DELETE FROM series WHERE id = ?1", [self.id])?;
        Ok(())
    }

    fn save(self) -> Result<(), StateError> {
        let counts = params![self.id, self.samples, self.hours];
        self.change("UPDATE series SET samples = ?2, hours = ?3 WHERE id = ?1", counts)?;
        Ok(())
    }

    /// Whether there are samples of this hour, folded or not.
    fn has_hour(&self, hour: i64) -> Result<bool, StateError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM sample WHERE series = ?1 AND at >= ?2 AND at < ?3)
                OR EXISTS (SELECT 1 FROM hour WHERE series = ?1 AND hour = ?4)",
        )?;
        Ok(statement.query_row(params![self.id, start_of(hour), start_of(hour + 1), hour], |row| row.get(0))?)
    }

    /// Adds a sample. It replaces one of the same time that is not folded yet.
    fn put(&mut self, at: i64, value: f64) -> Result<(), StateError> {
        let sample = params![self.id, at, value];
        if self.change("UPDATE sample SET value = ?3 WHERE series = ?1 AND at = ?2", sample)? == 0 {
            self.change("INSERT INTO sample VALUES (?1, ?2, ?3)", sample)?;
            self.samples += 1;
        }
        Ok(())
    }

    /// Deletes the oldest hours that are too old, or the farthest if there are too many.
    fn expire(&mut self, keep: &Keep, now: i64) -> Result<(), StateError> {
        let oldest = now.saturating_sub(i64::try_from(keep.age.get()).unwrap_or(i64::MAX));
        for _ in 0..PACE {
            let first_hour = self.number("SELECT min(hour) FROM hour WHERE series = ?1")?;
            let first_sample = self.number("SELECT min(at) FROM sample WHERE series = ?1")?;
            let Some(first) = first_hour.into_iter().chain(first_sample.map(hour_of)).min() else { break };
            if start_of(first + 1) <= oldest {
                self.delete_hour(first)?;
            } else if self.hours > keep.most_hours {
                let last_hour = self.number("SELECT max(hour) FROM hour WHERE series = ?1")?;
                let Some(farthest) = farthest(hour_of(now), [first_hour, last_hour]) else { break };
                self.delete_hour(farthest)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    fn delete_hour(&mut self, hour: i64) -> Result<(), StateError> {
        let range = params![self.id, start_of(hour), start_of(hour + 1)];
        self.samples -= self.change("DELETE FROM sample WHERE series = ?1 AND at >= ?2 AND at < ?3", range)?;
        self.hours -= self.change("DELETE FROM hour WHERE series = ?1 AND hour = ?2", params![self.id, hour])?;
        Ok(())
    }

    /// Folds the farthest samples if there are too many.
    fn fold(&mut self, keep: &Keep, now: i64) -> Result<(), StateError> {
        for _ in 0..PACE {
            if self.samples <= keep.fewest_samples {
                break;
            }
            let first = self.number("SELECT min(at) FROM sample WHERE series = ?1")?;
            let last = self.number("SELECT max(at) FROM sample WHERE series = ?1")?;
            let Some(farthest) = farthest(now, [first, last]) else { break };
            if self.samples <= keep.most_samples && now.abs_diff(farthest) <= keep.recent.get() {
                break;
            }
            self.fold_sample(farthest)?;
        }
        Ok(())
    }

    /// Moves a sample to the row of its hour.
    fn fold_sample(&mut self, at: i64) -> Result<(), StateError> {
        let value = self
            .connection
            .prepare_cached("DELETE FROM sample WHERE series = ?1 AND at = ?2 RETURNING value")?
            .query_row([self.id, at], |row| row.get(0))?;
        self.samples -= 1;
        let hour = hour_of(at);
        let sample = Aggregate::from(Sample { at: unsigned(start_of(hour)), value });
        let known = self
            .connection
            .prepare_cached("SELECT hour, minimum, maximum, sum, count FROM hour WHERE series = ?1 AND hour = ?2")?
            .query_row([self.id, hour], aggregate)
            .optional()?;
        self.hours += i64::from(known.is_none());
        let Aggregate { minimum, maximum, sum, count, .. } = known.map_or(sample, |known| known.with(sample));
        self.change(
            "INSERT OR REPLACE INTO hour VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![self.id, hour, minimum, maximum, sum, count.cast_signed()],
        )?;
        Ok(())
    }

    /// Executes a statement. Returns the number of rows that it changed.
    fn change(&self, statement: &str, parameters: impl Params) -> Result<i64, StateError> {
        let changed = self.connection.prepare_cached(statement)?.execute(parameters)?;
        Ok(i64::try_from(changed).unwrap_or(i64::MAX))
    }

    fn number(&self, statement: &str) -> Result<Option<i64>, StateError> {
        Ok(self.connection.prepare_cached(statement)?.query_row([self.id], |row| row.get(0))?)
    }
}

fn aggregate(row: &Row<'_>) -> rusqlite::Result<Aggregate> {
    Ok(Aggregate {
        at: unsigned(start_of(row.get(0)?)),
        minimum: row.get(1)?,
        maximum: row.get(2)?,
        sum: row.get(3)?,
        count: row.get::<_, i64>(4)?.unsigned_abs(),
    })
}

fn hour_of(at: i64) -> i64 {
    at.div_euclid(HOUR_MS.cast_signed())
}

fn start_of(hour: i64) -> i64 {
    hour.saturating_mul(HOUR_MS.cast_signed())
}

fn farthest(from: i64, ends: [Option<i64>; 2]) -> Option<i64> {
    ends.into_iter().flatten().max_by_key(|end| from.abs_diff(*end))
}

#[cfg(test)]
mod tests;
