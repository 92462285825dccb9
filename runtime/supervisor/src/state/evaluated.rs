//! When each instance was last evaluated. It changes with every evaluation, and with thousands of instances nothing else
//! does: so the times are in memory, and written now and then, with what a policy stores, and at the end.
//!
//! After a crash, a policy may be told an earlier time, by a few minutes at most. It looks at these minutes once more. So a time
//! is in memory only while the state has one of a few minutes before: that of a daily policy is written at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_core::{InstanceName, Millis, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::time::Instant;

use super::memory::{signed, unsigned};
use super::{State, StateError};

/// The state has a time of at most so long before the last evaluation.
const KEEP: Millis = Millis::new(300_000);
/// How often all times are written. More often than they have to be, so that instances with a short schedule write none by
/// themselves: together they change fewer pages.
const TOGETHER: Duration = Duration::from_secs(150);

/// The times that are known in memory.
#[derive(Default)]
pub(super) struct Evaluated(Mutex<Times>);

#[derive(Default)]
struct Times {
    of: HashMap<InstanceName, Time>,
    written: Option<Instant>,
}

struct Time {
    at: Timestamp,
    /// The last one that was written.
    written: Option<Timestamp>,
    /// Whether the state knows this one.
    is_written: bool,
}

impl Times {
    /// What was written may not be on the disk: the next time, all of it is written again.
    fn are_lost(&mut self) {
        self.of.values_mut().for_each(|time| time.is_written = false);
        self.written = None;
    }
}

impl Evaluated {
    fn lock(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Time of the last successful evaluation of an instance.
    pub(crate) fn last_evaluated(&self, instance: &InstanceName) -> Result<Option<Timestamp>, StateError> {
        if let Some(time) = self.1.lock().of.get(instance) {
            return Ok(Some(time.at));
        }
        self.stored_evaluated(instance)
    }

    fn stored_evaluated(&self, instance: &InstanceName) -> Result<Option<Timestamp>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT at FROM evaluated WHERE instance = ?1")?;
            Ok(statement.query_row([instance.as_str()], |row| row.get::<_, i64>(0)).optional()?.map(unsigned))
        })
    }

    /// When each instance was last evaluated, by name.
    pub(crate) fn all_evaluated(&self) -> Result<BTreeMap<String, Timestamp>, StateError> {
        let mut all: BTreeMap<String, Timestamp> = self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT instance, at FROM evaluated")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        all.extend(self.1.lock().of.iter().map(|(instance, time)| (instance.to_string(), time.at)));
        Ok(all)
    }

    /// Remembers the time of an evaluation if that is enough. False if it must be written: the state has none that is at most
    /// [`KEEP`] before it.
    pub(super) fn note_evaluated(&self, instance: &InstanceName, at: Timestamp) -> Result<bool, StateError> {
        let mut times = self.1.lock();
        let written = match times.of.get(instance) {
            Some(time) => time.written,
            None => self.stored_evaluated(instance)?,
        };
        let passed = written.and_then(|written| at.checked_since(written));
        let is_near = passed.is_some_and(|passed| passed <= KEEP);
        if is_near {
            times.of.insert(instance.clone(), Time { at, written, is_written: false });
        }
        Ok(is_near)
    }

    /// Writes the time of an evaluation, with what else `body` writes; durable with the next flush.
    pub(super) fn write_evaluated(
        &self,
        instance: &InstanceName,
        at: Timestamp,
        body: impl Fn(&Connection) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        // Held until it is written, so that no older time takes its place.
        let mut times = self.1.lock();
        let written = self.0.write_soon(|connection| {
            put(connection, instance, at)?;
            body(connection)
        });
        match &written {
            Ok(()) => {
                times.of.insert(instance.clone(), Time { at, written: Some(at), is_written: true });
            }
            Err(_) => times.are_lost(),
        }
        written
    }

    /// Writes the times that the state does not know, durable with the next flush: now and then, or `now`.
    pub(crate) fn put_evaluated(&self, now: bool) -> Result<(), StateError> {
        let mut times = self.1.lock();
        if !now && times.written.is_some_and(|at| at.elapsed() < TOGETHER) {
            return Ok(());
        }
        times.written = Some(Instant::now());
        let news: Vec<(InstanceName, Timestamp)> = times
            .of
            .iter_mut()
            .filter(|(_, time)| !time.is_written)
            .map(|(instance, time)| {
                (time.written, time.is_written) = (Some(time.at), true);
                (instance.clone(), time.at)
            })
            .collect();
        if news.is_empty() {
            return Ok(());
        }
        let written =
            self.0.write_soon(|connection| news.iter().try_for_each(|(instance, at)| put(connection, instance, *at)));
        if written.is_err() {
            times.are_lost();
        }
        written
    }

    /// What was written may not be on the disk.
    pub(super) fn evaluated_are_lost(&self) {
        self.1.lock().are_lost();
    }
}

/// Writes one.
fn put(connection: &Connection, instance: &InstanceName, at: Timestamp) -> Result<(), StateError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO evaluated VALUES (?1, ?2)")?
        .execute(params![instance.as_str(), signed(at)])?;
    Ok(())
}

impl Drop for State {
    fn drop(&mut self) {
        if let Err(error) = self.put_evaluated(true) {
            tracing::warn!("when instances were last evaluated is not stored: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_audit::Ballast;
    use ansai_kit::evaluation_state::Writes;

    use super::*;

    const ONE: InstanceName = InstanceName::from_static("one");

    /// Would break: a row for each evaluation, or a time that is lost at an orderly end.
    #[test]
    fn a_time_is_in_memory_then_in_the_state_and_never_lost_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let open = || State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("b"), 4096)).unwrap();
        let at = Timestamp::from_millis;
        let elsewhere = || {
            let other = Connection::open(dir.path().join("state.db")).unwrap();
            other.query_row("SELECT max(at) FROM evaluated", [], |row| row.get::<_, Option<i64>>(0)).unwrap()
        };
        let state = open();
        for time in 1..=100 {
            state.commit(&ONE, at(time), &Writes::default()).unwrap();
            assert_eq!(state.last_evaluated(&ONE).unwrap(), Some(at(time)));
            state.flush().unwrap();
        }
        assert_eq!(elsewhere(), Some(1), "the first time at once, then not before some minutes have passed");
        assert_eq!(state.all_evaluated().unwrap(), BTreeMap::from([("one".to_owned(), at(100))]));
        let mut writes = Writes::default();
        writes.store.insert("a".into(), Some("1".into()));
        state.commit(&ONE, at(101), &writes).unwrap();
        state.flush().unwrap();
        assert_eq!(elsewhere(), Some(101), "with what the policy stored");
        state.commit(&ONE, at(102), &Writes::default()).unwrap();
        drop(state);
        assert_eq!((elsewhere(), open().last_evaluated(&ONE).unwrap()), (Some(102), Some(at(102))));
    }

    /// Would break: a daily policy that is told the day before yesterday, because ansai was killed soon after it was evaluated.
    #[test]
    fn a_time_far_from_what_the_state_knows_is_written_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let open = || State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("b"), 4096)).unwrap();
        let elsewhere = || {
            let other = Connection::open(dir.path().join("state.db")).unwrap();
            other
                .query_row("SELECT max(at) FROM evaluated", [], |row| row.get::<_, Option<i64>>(0))
                .unwrap()
                .map(unsigned)
        };
        let (keep, day) = (KEEP.get(), 86_400_000);
        let state = open();
        // What is given, and what a kill leaves.
        for (at, left) in [
            (day, day),
            (day + keep, day),
            (day + keep + 1, day + keep + 1),
            (2 * day, 2 * day),
            // The clock was set back.
            (2 * day - 1, 2 * day - 1),
        ] {
            state.commit(&ONE, Timestamp::from_millis(at), &Writes::default()).unwrap();
            state.flush().unwrap();
            assert_eq!(elsewhere(), Some(Timestamp::from_millis(left)), "{at}");
        }
        drop(state);
        // The next run knows what the state has.
        let state = open();
        state.commit(&ONE, Timestamp::from_millis(2 * day), &Writes::default()).unwrap();
        state.flush().unwrap();
        state.flush().unwrap();
        assert_eq!(elsewhere(), Some(Timestamp::from_millis(2 * day)), "together with all others soon after the start");
    }

    /// Would break: what policies stored, lost with a time that cannot be written; or such a time that counts as written.
    #[test]
    fn a_time_that_cannot_be_written_takes_nothing_along_and_is_written_later() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state.db");
        let state = State::open(&file, Ballast::new(dir.path().join("b"), 4096)).unwrap();
        let elsewhere = |select: &str| {
            Connection::open(&file).unwrap().query_row(select, [], |row| row.get::<_, Option<i64>>(0)).unwrap()
        };
        let change =
            |statement: &str| state.0.write_soon(|connection| Ok(connection.execute_batch(statement)?)).unwrap();
        let mut writes = Writes::default();
        writes.store.insert("a".into(), Some("1".into()));
        state.commit(&ONE, Timestamp::from_millis(1), &writes).unwrap();
        state.commit(&ONE, Timestamp::from_millis(2), &Writes::default()).unwrap();
        change("ALTER TABLE evaluated RENAME TO moved");
        assert!(state.flush().is_err());
        assert_eq!(elsewhere("SELECT count(*) FROM store"), Some(1));
        change("ALTER TABLE moved RENAME TO evaluated");
        // The time is written with the first, and on the disk with the second.
        state.flush().unwrap();
        state.flush().unwrap();
        assert_eq!(elsewhere("SELECT max(at) FROM evaluated"), Some(2));
    }
}
