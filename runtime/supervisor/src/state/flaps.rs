//! How often incidents came back after they were healed. Kept apart from the incidents, because each time is a new one.

use ansai_core::{InstanceName, Timestamp};
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::memory::signed;
use super::{State, StateError};

/// Keys of one instance that are remembered: those that were healed last.
const MOST_OF_INSTANCE: i64 = 2_000;

/// What is remembered about one key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flaps {
    /// When an incident with this key was last healed, if none opened since.
    pub(crate) healed: Option<Timestamp>,
    /// When incidents came back, oldest first.
    pub(crate) times: Vec<Timestamp>,
}

impl State {
    /// What is remembered about incidents with this key.
    pub(crate) fn flaps(&self, instance: &InstanceName, key: &str) -> Result<Flaps, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM flap WHERE instance = ?1 AND key = ?2")?;
            let value =
                statement.query_row(params![instance.as_str(), key], |row| row.get::<_, String>(0)).optional()?;
            Ok(value.map(|value| serde_json::from_str(&value)).transpose()?.unwrap_or_default())
        })
    }

    /// Writes this durably, and drops what is older than the newest keys of the instance.
    pub(crate) fn put_flaps(
        &self,
        instance: &InstanceName,
        key: &str,
        flaps: &Flaps,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let (instance, value) = (instance.as_str(), serde_json::to_string(flaps)?);
        self.0.write(|connection| {
            if *flaps == Flaps::default() {
                connection
                    .prepare_cached("DELETE FROM flap WHERE instance = ?1 AND key = ?2")?
                    .execute(params![instance, key])?;
                return Ok(());
            }
            connection.prepare_cached("INSERT OR REPLACE INTO flap VALUES (?1, ?2, ?3, ?4)")?.execute(params![
                instance,
                key,
                signed(now),
                value
            ])?;
            connection
                .prepare_cached(
                    "DELETE FROM flap WHERE instance = ?1 AND at < (SELECT at FROM flap
                        WHERE instance = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)",
                )?
                .execute(params![instance, MOST_OF_INSTANCE - 1])?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_audit::Ballast;

    use super::*;

    const ONE: InstanceName = InstanceName::from_static("one");
    const TWO: InstanceName = InstanceName::from_static("two");

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_millis(milliseconds)
    }

    #[test]
    fn they_survive_a_restart_and_belong_to_one_instance_and_key() {
        let dir = tempfile::tempdir().unwrap();
        let open = || State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("b"), 4096)).unwrap();
        let flaps = Flaps { healed: Some(at(9)), times: vec![at(3), at(7)] };
        open().put_flaps(&ONE, "k", &flaps, at(9)).unwrap();
        let state = open();
        assert_eq!(state.flaps(&ONE, "k").unwrap(), flaps);
        assert_eq!(state.flaps(&TWO, "k").unwrap(), Flaps::default());
        assert_eq!(state.flaps(&ONE, "other").unwrap(), Flaps::default());
        state.put_flaps(&ONE, "k", &Flaps::default(), at(10)).unwrap();
        assert_eq!(state.flaps(&ONE, "k").unwrap(), Flaps::default());
    }

    #[test]
    fn a_policy_with_ever_new_keys_fills_no_disk() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("b"), 4096)).unwrap();
        let flaps = Flaps { healed: Some(at(1)), times: vec![] };
        for number in 0..MOST_OF_INSTANCE.unsigned_abs() + 5 {
            state.put_flaps(&ONE, &number.to_string(), &flaps, at(number)).unwrap();
        }
        let is_kept = |key: &str| state.flaps(&ONE, key).unwrap() == flaps;
        assert!(!is_kept("4") && is_kept("5") && is_kept("2004"));
    }
}
