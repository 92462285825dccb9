//! When each instance was last evaluated. It changes with every evaluation, and with thousands of instances nothing else
//! does: so the times are in memory, and written now and then, with what a policy stores, and at the end.
//!
//! After a crash, a policy may be told an earlier time, by a few minutes at most. It looks at these minutes once more.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_core::{InstanceName, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::time::Instant;

use super::memory::{signed, unsigned};
use super::{State, StateError};

/// The state knows the times of this long ago, or later ones.
const KEEP: Duration = Duration::from_secs(300);

/// The times that are known in memory.
#[derive(Default)]
pub(super) struct Evaluated(Mutex<Times>);

#[derive(Default)]
struct Times {
    /// With whether the state knows it.
    of: HashMap<InstanceName, (Timestamp, bool)>,
    written: Option<Instant>,
}

impl Evaluated {
    fn lock(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Time of the last successful evaluation of an instance.
    pub(crate) fn last_evaluated(&self, instance: &InstanceName) -> Result<Option<Timestamp>, StateError> {
        if let Some((at, _)) = self.1.lock().of.get(instance) {
            return Ok(Some(*at));
        }
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
        all.extend(self.1.lock().of.iter().map(|(instance, (at, _))| (instance.to_string(), *at)));
        Ok(all)
    }

    /// Remembers the time of an evaluation; `is_written` if the state has it already.
    pub(super) fn note_evaluated(&self, instance: &InstanceName, at: Timestamp, is_written: bool) {
        self.1.lock().of.insert(instance.clone(), (at, is_written));
    }

    /// Writes the times that the state does not know, durable with the next flush: now and then, or `now`.
    pub(crate) fn put_evaluated(&self, now: bool) -> Result<(), StateError> {
        let news: Vec<(InstanceName, Timestamp)> = {
            let mut times = self.1.lock();
            // The first time soon after the start, so that an instance that was never evaluated is known.
            if !now && times.written.is_some_and(|at| at.elapsed() < KEEP) {
                return Ok(());
            }
            times.written = Some(Instant::now());
            let news = times.of.iter_mut().filter(|(_, (_, is_written))| !is_written);
            news.map(|(instance, (at, is_written))| {
                *is_written = true;
                (instance.clone(), *at)
            })
            .collect()
        };
        if news.is_empty() {
            return Ok(());
        }
        let written =
            self.0.write_soon(|connection| news.iter().try_for_each(|(instance, at)| put(connection, instance, *at)));
        if written.is_err() {
            let mut times = self.1.lock();
            times.of.values_mut().for_each(|(_, is_written)| *is_written = false);
            times.written = None;
        }
        written
    }
}

/// Writes one.
pub(super) fn put(connection: &Connection, instance: &InstanceName, at: Timestamp) -> Result<(), StateError> {
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
}
