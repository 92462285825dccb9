//! Attempts by the thing that they were about, also those whose incident is closed.

use ansai_core::{Attempt, InstanceName, Subject, Timestamp};
use rusqlite::params;

use super::memory::signed;
use super::{State, StateError};

/// Maximum number of attempts about one thing that are kept: the latest ones.
const MOST_FOR_SUBJECT: i64 = 100;
/// Maximum number of attempts of one instance that are kept, about all things together.
const MOST_FOR_INSTANCE: i64 = 2_000;

impl State {
    /// Writes the attempt of a plan durably, over an earlier form of it, and drops the oldest beyond the limits.
    pub(crate) fn put_attempt(
        &self,
        instance: &InstanceName,
        about: &Subject,
        plan: &str,
        attempt: &Attempt,
    ) -> Result<(), StateError> {
        let (instance, value) = (instance.as_str(), serde_json::to_string(attempt)?);
        self.0.write(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO attempt VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![instance, about.kind, about.name, signed(attempt.at), plan, value])?;
            connection
                .prepare_cached(
                    "DELETE FROM attempt WHERE instance = ?1 AND kind = ?2 AND name = ?3 AND at <= (SELECT at FROM attempt
                        WHERE instance = ?1 AND kind = ?2 AND name = ?3 ORDER BY at DESC LIMIT 1 OFFSET ?4)",
                )?
                .execute(params![instance, about.kind, about.name, MOST_FOR_SUBJECT])?;
            connection
                .prepare_cached(
                    "DELETE FROM attempt WHERE instance = ?1 AND at <= (SELECT at FROM attempt
                        WHERE instance = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)",
                )?
                .execute(params![instance, MOST_FOR_INSTANCE])?;
            Ok(())
        })
    }

    /// The latest attempts of an instance about a thing since an instant, oldest first.
    pub(crate) fn attempts(
        &self,
        instance: &InstanceName,
        about: &Subject,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Attempt>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT value FROM attempt WHERE instance = ?1 AND kind = ?2 AND name = ?3 AND at >= ?4
                    ORDER BY at DESC, plan DESC LIMIT ?5",
            )?;
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let found = params![instance.as_str(), about.kind, about.name, signed(since), most];
            let rows = statement.query_map(found, |row| row.get::<_, String>(0))?;
            let mut attempts: Vec<Attempt> =
                rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect::<Result<_, StateError>>()?;
            attempts.reverse();
            Ok(attempts)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_audit::Ballast;
    use ansai_core::Status;

    use super::*;

    const ONE: InstanceName = InstanceName::from_static("one");
    const TWO: InstanceName = InstanceName::from_static("two");

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_millis(milliseconds)
    }

    fn attempt(milliseconds: u64) -> Attempt {
        Attempt {
            key: "k".into(),
            number: 1,
            at: at(milliseconds),
            ended: Some(at(milliseconds + 1)),
            stage: String::new(),
            verified: Status::Healthy,
            distance_before: Some(0.5),
            distance_after: None,
            steps: vec![],
        }
    }

    fn times(attempts: &[Attempt]) -> Vec<u64> {
        attempts.iter().map(|attempt| attempt.at.as_millis()).collect()
    }

    #[test]
    fn attempts_are_kept_by_instance_and_subject() {
        let dir = tempfile::tempdir().unwrap();
        let open =
            || State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("ballast"), 4096)).unwrap();
        let (var, tmp) = (Subject::new("filesystem", "/var"), Subject::new("filesystem", "/tmp"));
        let state = open();
        for (instance, about, time) in [(&ONE, &var, 3), (&ONE, &var, 1), (&ONE, &tmp, 2), (&TWO, &var, 5)] {
            state.put_attempt(instance, about, &time.to_string(), &attempt(time)).unwrap();
        }
        // The same attempt, after its last step has ended.
        let ended = Attempt { verified: Status::Gone, ..attempt(3) };
        state.put_attempt(&ONE, &var, "3", &ended).unwrap();
        drop(state);
        let state = open();
        let found = state.attempts(&ONE, &var, at(0), 10).unwrap();
        assert_eq!((times(&found), &found[1]), (vec![1, 3], &ended));
        assert_eq!(times(&state.attempts(&ONE, &var, at(2), 10).unwrap()), [3]);
        assert_eq!(times(&state.attempts(&ONE, &var, at(0), 1).unwrap()), [3], "the latest");
        assert_eq!(times(&state.attempts(&TWO, &tmp, at(0), 10).unwrap()), [0_u64; 0]);
    }

    /// Would break: a table whose key is the time.
    #[test]
    fn plans_of_the_same_millisecond_do_not_replace_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("ballast"), 4096)).unwrap();
        let var = Subject::new("filesystem", "/var");
        for (plan, key) in [("a", "inodes"), ("b", "blocks")] {
            state.put_attempt(&ONE, &var, plan, &Attempt { key: key.into(), ..attempt(7) }).unwrap();
        }
        let keys = || state.attempts(&ONE, &var, at(0), 10).unwrap().into_iter().map(|one| one.key).collect::<Vec<_>>();
        assert_eq!(keys(), ["inodes", "blocks"]);
        state.put_attempt(&ONE, &var, "a", &Attempt { key: "changed".into(), ..attempt(7) }).unwrap();
        assert_eq!(keys(), ["changed", "blocks"]);
    }

    #[test]
    fn the_oldest_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("ballast"), 4096)).unwrap();
        let var = Subject::new("filesystem", "/var");
        for time in 1..=MOST_FOR_SUBJECT.unsigned_abs() + 5 {
            state.put_attempt(&ONE, &var, &time.to_string(), &attempt(time)).unwrap();
        }
        let found = state.attempts(&ONE, &var, at(0), 1_000).unwrap();
        assert_eq!((found.len(), times(&found).first().copied()), (100, Some(6)));
        for number in 0..MOST_FOR_INSTANCE.unsigned_abs() {
            let about = Subject::new("filesystem", format!("/{number}"));
            state.put_attempt(&ONE, &about, "p", &attempt(1_000 + number)).unwrap();
        }
        assert!(state.attempts(&ONE, &var, at(0), 1_000).unwrap().is_empty());
        let first = Subject::new("filesystem", "/0");
        assert_eq!(state.attempts(&ONE, &first, at(0), 10).unwrap().len(), 1);
    }
}
