//! The data that must survive a restart: incidents with their attempts, the policies' data, running steps.

mod approvals;
mod budgets;
mod closed;
mod database;
mod evaluated;
mod flaps;
mod history;
mod host_clock;
mod incidents;
mod memory;
mod orders;
mod overview;
mod repeats;
mod safety;
mod schedule;
mod series;
mod shares;
mod steps;
mod track_record;
mod with_incidents;

use std::path::Path;

use ansai_audit::Ballast;
use ansai_storage::{Directory, Location};

pub(crate) use self::approvals::all as approvals;
pub(crate) use self::budgets::{Charge, Reading, Totals};
pub(crate) use self::closed::WantedClosed;
pub use self::database::StateError;
use self::database::{Database, Schema};
use self::evaluated::Evaluated;
pub(crate) use self::flaps::Flaps;
pub(crate) use self::memory::InstanceMemory;
pub(crate) use self::overview::{Overview, Row};
pub(crate) use self::repeats::Said;
pub(crate) use self::shares::ShareRow;
pub(crate) use self::steps::{Interrupted, UnderWay};
use self::with_incidents::WithIncidents;
use crate::opening::DATABASE;

/// Tables without a version are those of ansai before its first release: their samples are dropped. Before version 2,
/// observations and attempts had another form. Incidents are dropped with them: what is still unhealthy opens again.
/// Before version 3, an attempt had no plan.
const SCHEMA: Schema = Schema(&[
    "
    DROP TABLE IF EXISTS sample;
    CREATE TABLE IF NOT EXISTS incident (instance TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (instance, key)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS store (instance TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (instance, key)) WITHOUT ROWID;
    CREATE TABLE series (id INTEGER PRIMARY KEY, instance TEXT NOT NULL, name TEXT NOT NULL,
        samples INTEGER NOT NULL, hours INTEGER NOT NULL, UNIQUE (instance, name));
    CREATE TABLE sample (series INTEGER NOT NULL, at INTEGER NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (series, at)) WITHOUT ROWID;
    CREATE TABLE hour (series INTEGER NOT NULL, hour INTEGER NOT NULL, minimum REAL NOT NULL, maximum REAL NOT NULL,
        sum REAL NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (series, hour)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS evaluated (instance TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS attempt (instance TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
        at INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (instance, kind, name, at)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS attempt_at ON attempt (instance, at);
    CREATE TABLE IF NOT EXISTS step (plan TEXT NOT NULL, step INTEGER NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (plan, step)) WITHOUT ROWID;",
    "
    DELETE FROM incident;
    DELETE FROM attempt;",
    "
    DROP TABLE attempt;
    CREATE TABLE attempt (instance TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
        plan TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (instance, kind, name, at, plan)) WITHOUT ROWID;
    CREATE INDEX attempt_at ON attempt (instance, at);",
    "
    CREATE TABLE host_clock (id INTEGER PRIMARY KEY CHECK (id = 0), value TEXT NOT NULL);",
    "
    CREATE TABLE budget (plan TEXT NOT NULL, step INTEGER NOT NULL, bound TEXT NOT NULL, instance TEXT NOT NULL,
        action TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, grant_table INTEGER NOT NULL, at INTEGER NOT NULL,
        until INTEGER NOT NULL, wall INTEGER NOT NULL, amount INTEGER NOT NULL, open INTEGER NOT NULL, PRIMARY KEY (plan, step, bound))
        WITHOUT ROWID;
    CREATE INDEX budget_used ON budget (instance, action, kind, name, grant_table, bound, at);
    CREATE INDEX budget_until ON budget (until);
    CREATE TABLE budget_clock (one INTEGER PRIMARY KEY CHECK (one = 1), boot TEXT NOT NULL, up INTEGER NOT NULL,
        elapsed INTEGER NOT NULL);",
    "
    CREATE TABLE repeat (instance TEXT NOT NULL, thing TEXT NOT NULL, text TEXT NOT NULL, plan TEXT, since INTEGER NOT NULL,
        times INTEGER NOT NULL, PRIMARY KEY (instance, thing)) WITHOUT ROWID;",
    "
    CREATE TABLE share (instance TEXT NOT NULL, share TEXT NOT NULL, level REAL NOT NULL, standing INTEGER NOT NULL,
        told INTEGER NOT NULL, boot TEXT NOT NULL, up INTEGER NOT NULL, PRIMARY KEY (instance, share)) WITHOUT ROWID;",
    "
    CREATE INDEX incident_about ON incident (json_extract(value, '$.finding.about.kind'),
        json_extract(value, '$.finding.about.name'));",
    "
    CREATE TABLE pause (instance TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE silence (instance TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (instance, key))
        WITHOUT ROWID;",
    "
    CREATE TABLE approval (plan TEXT PRIMARY KEY, incident TEXT NOT NULL, asked INTEGER NOT NULL, state TEXT NOT NULL,
        value TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX approval_incident ON approval (incident, asked);",
    "
    CREATE TABLE cron (instance TEXT PRIMARY KEY, pattern TEXT NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE fault (instance TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE flap (instance TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (instance, key)) WITHOUT ROWID;
    CREATE INDEX flap_at ON flap (instance, at);
    CREATE INDEX budget_bound ON budget (bound, at);
    CREATE TABLE storm (one INTEGER PRIMARY KEY CHECK (one = 1), value TEXT NOT NULL);
    CREATE TABLE act (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
        instance TEXT NOT NULL, frees INTEGER NOT NULL);
    CREATE INDEX act_about ON act (kind, name, id);
    CREATE INDEX act_at ON act (at);
    CREATE TABLE fight (kind TEXT NOT NULL, name TEXT NOT NULL, first TEXT NOT NULL, second TEXT NOT NULL,
        value TEXT NOT NULL, PRIMARY KEY (kind, name, first, second)) WITHOUT ROWID;",
    track_record::TABLES,
    // Open incidents in the order of lists, so that these do not read all of each. The worst first, each severity with what
    // is known before what is unknown; last what is within its minimum time. Triggers keep it, so that no writer forgets it; the same rank is not written again.
    "
    CREATE TABLE incident_rank (instance TEXT NOT NULL, key TEXT NOT NULL, rank INTEGER NOT NULL, opened INTEGER NOT NULL,
        PRIMARY KEY (instance, key)) WITHOUT ROWID;
    CREATE INDEX incident_by_rank ON incident_rank (rank, opened);
    CREATE VIEW incident_ranked (instance, key, rank, opened) AS SELECT instance, key,
        CASE json_extract(value, '$.finding.status.unhealthy') WHEN 'emergency' THEN 0 WHEN 'critical' THEN 2
            WHEN 'warning' THEN 4 WHEN 'notice' THEN 6 ELSE 8 END + (json_extract(value, '$.unknown') IS NOT NULL)
            + 10 * (json_extract(value, '$.course.minimum') IS NOT NULL),
        json_extract(value, '$.opened') FROM incident;
    CREATE TRIGGER incident_put AFTER INSERT ON incident BEGIN
        INSERT OR REPLACE INTO incident_rank SELECT * FROM incident_ranked AS new_one
            WHERE instance = NEW.instance AND key = NEW.key AND NOT EXISTS (SELECT 1 FROM incident_rank AS known
                WHERE (known.instance, known.key, known.rank, known.opened)
                    = (new_one.instance, new_one.key, new_one.rank, new_one.opened));
    END;
    CREATE TRIGGER incident_changed AFTER UPDATE ON incident BEGIN
        INSERT OR REPLACE INTO incident_rank SELECT * FROM incident_ranked
            WHERE instance = NEW.instance AND key = NEW.key;
    END;
    CREATE TRIGGER incident_removed AFTER DELETE ON incident BEGIN
        DELETE FROM incident_rank WHERE instance = OLD.instance AND key = OLD.key;
    END;
    INSERT INTO incident_rank SELECT * FROM incident_ranked;
    CREATE TABLE closed_incident (number INTEGER PRIMARY KEY, id TEXT NOT NULL, instance TEXT NOT NULL, key TEXT NOT NULL,
        opened INTEGER NOT NULL, closed INTEGER NOT NULL, value TEXT NOT NULL);
    CREATE INDEX closed_id ON closed_incident (id);
    CREATE INDEX closed_instance ON closed_incident (instance, number);
    CREATE INDEX closed_at ON closed_incident (closed);
    CREATE TABLE closed_known (one INTEGER PRIMARY KEY CHECK (one = 1), since INTEGER NOT NULL);
    INSERT INTO closed_known VALUES (1, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));
    CREATE INDEX attempt_time ON attempt (at);",
    shares::TABLES,
]);

/// The state of this host.
///
/// Data that decisions depend on is durable when it is written. The policies' data (series, store) waits in an open
/// transaction for the next durable write or [`State::flush`]: with thousands of instances, a sync for each evaluation would
/// keep the disk busy all the time. The time of an evaluation after which nothing is stored may wait longer, see
/// [`evaluated`].
pub(crate) struct State(Database, Evaluated, WithIncidents);

impl State {
    /// Opens or creates the state. Releases `ballast` when the disk is full, so that state can still be written.
    pub(crate) fn open(file: &Path, ballast: Ballast) -> Result<State, StateError> {
        let database = Database::open(file, &SCHEMA, ballast)?;
        // If they cannot be told, each pass asks the database.
        let with_incidents = WithIncidents::of(&database).unwrap_or_default();
        Ok(State(database, Evaluated::default(), with_incidents))
    }

    /// What the last run left in this directory, of the newest version, for reading only and without a lock; `None` if there
    /// was none.
    pub(crate) fn left_in(directory: &Directory) -> Result<Option<State>, StateError> {
        match directory.metadata(DATABASE) {
            Ok(found) if found.is_file => {}
            _ => return Ok(None),
        }
        // Never released: nothing is written.
        let ballast = Ballast::new(Location::new(directory, "ballast"), 0);
        let database = Database::open_to_read(&directory.path_of(DATABASE), &SCHEMA, ballast)?;
        Ok(Some(State(database, Evaluated::default(), WithIncidents::default())))
    }

    /// Reserves the ballast again if there is room; returns the reason if not.
    pub(crate) fn replenish(&self) -> Result<(), String> {
        let ballast = self.0.ballast();
        if ballast.is_full() { Ok(()) } else { ballast.ensure().map_err(|error| error.to_string()) }
    }

    /// Makes pending writes durable.
    pub(crate) fn flush(&self) -> Result<(), StateError> {
        if let Err(error) = self.0.flush() {
            self.evaluated_are_lost();
            return Err(error);
        }
        // Afterwards, because a write that fails takes along what waits; it is durable with the next flush.
        if self.0.is_poisoned() { Ok(()) } else { self.put_evaluated(false) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use ansai_core::{InstanceName, Timestamp};
    use ansai_kit::evaluation_state::{Trigger, Writes};
    use rusqlite::Connection;

    use super::*;

    const ONE: InstanceName = InstanceName::from_static("one");
    const TWO: InstanceName = InstanceName::from_static("two");

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_millis(milliseconds)
    }

    fn under_way() -> UnderWay {
        UnderWay { instance: ONE, action: "a.b".into(), handle: None, until: None, guard: None }
    }

    fn state(dir: &Path) -> State {
        State::open(&dir.join("state.db"), Ballast::new(dir.join("ballast"), 4096)).unwrap()
    }

    #[test]
    fn a_store_is_per_instance_and_survives() {
        let dir = tempfile::tempdir().unwrap();
        let mut writes = Writes::default();
        writes.store.insert("a".into(), Some("1".into()));
        writes.store.insert("b".into(), None);
        state(dir.path()).commit(&ONE, at(5), &writes).unwrap();
        let state = state(dir.path());
        assert_eq!(state.get(&ONE, "a").unwrap().as_deref(), Some("1"));
        assert_eq!(state.get(&TWO, "a").unwrap(), None);
        assert_eq!(state.keys(&ONE).unwrap(), [("a".to_owned(), 1)]);
        assert_eq!(state.last_evaluated(&ONE).unwrap(), Some(at(5)));
    }

    #[test]
    fn only_some_triggers_keep_what_a_policy_stored() {
        let dir = tempfile::tempdir().unwrap();
        let state = state(dir.path());
        let mut writes = Writes::default();
        writes.series.entry("s".into()).or_default().value = Some(1.0);
        let kept = [Trigger::Schedule, Trigger::Event(vec![]), Trigger::FollowUp];
        let dropped = [Trigger::Verification, Trigger::ByHand];
        for (time, (trigger, keeps)) in
            kept.map(|trigger| (trigger, true)).into_iter().chain(dropped.map(|trigger| (trigger, false))).enumerate()
        {
            let now = at(time as u64 + 1);
            writes.store.insert("a".into(), Some(trigger.name().into()));
            state.commit_after(&trigger, &ONE, now, &writes).unwrap();
            let found = state.get(&ONE, "a").unwrap();
            assert_eq!(found.as_deref() == Some(trigger.name()), keeps, "{trigger:?}");
            assert_eq!(state.last_evaluated(&ONE).unwrap() == Some(now), keeps, "{trigger:?}");
        }
        assert_eq!(state.samples(&ONE, "s", at(0)..at(99)).unwrap().len(), 3);
    }

    #[test]
    fn what_waits_is_seen_at_once_and_durable_with_the_next_durable_write() {
        let dir = tempfile::tempdir().unwrap();
        let state = state(dir.path());
        let elsewhere = Connection::open(dir.path().join("state.db")).unwrap();
        let durable = || elsewhere.query_row("SELECT count(*) FROM evaluated", [], |row| row.get::<_, i64>(0)).unwrap();
        let mut writes = Writes::default();
        writes.store.insert("a".into(), Some("1".into()));
        state.commit(&ONE, at(5), &writes).unwrap();
        assert_eq!(state.last_evaluated(&ONE).unwrap(), Some(at(5)));
        assert_eq!(durable(), 0);
        state.begin_step("plan", 0, &under_way()).unwrap();
        assert_eq!(durable(), 1);
        state.commit(&TWO, at(6), &writes).unwrap();
        assert_eq!(durable(), 1);
        state.flush().unwrap();
        assert_eq!(durable(), 2);
        state.flush().unwrap();
    }

    #[test]
    fn a_write_that_fails_takes_nothing_along_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let state = state(dir.path());
        state.commit(&ONE, at(5), &Writes::default()).unwrap();
        let failed = state.0.write(|connection| {
            connection.execute("INSERT INTO step VALUES ('plan', 0, '{}')", [])?;
            Err(connection.execute("INSERT INTO nowhere VALUES (1)", []).unwrap_err().into())
        });
        assert!(matches!(failed, Err(StateError::Database(_))));
        assert!(state.interrupted_steps().unwrap().is_empty());
        state.begin_step("plan", 1, &under_way()).unwrap();
        let steps = state.interrupted_steps().unwrap();
        assert!(steps.len() == 1 && steps[0].under_way.as_ref().is_ok_and(|step| step.action == "a.b"));
    }

    #[test]
    fn a_state_of_a_newer_version_is_refused_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        drop(state(dir.path()));
        let file = dir.path().join("state.db");
        let version = || Connection::open(&file).unwrap().pragma_query_value(None, "user_version", |row| row.get(0));
        assert_eq!(version(), Ok(SCHEMA.version()));
        Connection::open(&file).unwrap().pragma_update(None, "user_version", SCHEMA.version() + 1).unwrap();
        let refused = State::open(&file, Ballast::new(dir.path().join("ballast"), 4096)).err().unwrap();
        let (newer, own) = (SCHEMA.version() + 1, SCHEMA.version());
        assert!(matches!(refused, StateError::Newer { found, known } if (found, known) == (newer, own)), "{refused}");
        assert_eq!(version(), Ok(SCHEMA.version() + 1));
    }

    #[test]
    fn a_state_of_version_1_keeps_all_but_incidents_and_attempts() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state.db");
        let old = Connection::open(&file).unwrap();
        old.execute_batch(SCHEMA.0[0]).unwrap();
        // An observation with a unit that is gone, and an attempt without a number.
        old.execute_batch(
            r#"INSERT INTO incident VALUES ('one', 'k', '{"finding": {"evidence": [{"unit": "percent"}]}, "begun": 1}');
            INSERT INTO attempt VALUES ('one', 'filesystem', '/', 1, '{"key": "k", "at": 1}');
            INSERT INTO store VALUES ('one', 'a', '1');
            INSERT INTO series VALUES (1, 'one', 's', 1, 0);
            INSERT INTO sample VALUES (1, 5, 2.0);
            PRAGMA user_version = 1;"#,
        )
        .unwrap();
        drop(old);
        let state = state(dir.path());
        assert_eq!(state.get(&ONE, "a").unwrap().as_deref(), Some("1"));
        assert_eq!(state.samples(&ONE, "s", at(0)..at(9)).unwrap().len(), 1);
        assert!(state.incidents(&ONE).unwrap().is_empty() && state.begun_incidents().unwrap().is_empty());
        let about = ansai_core::Subject::new("filesystem", "/");
        assert!(state.attempts(&ONE, &about, at(0), 10).unwrap().is_empty());
    }

    #[test]
    fn a_state_without_a_version_gets_the_tables() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state.db");
        let old = "CREATE TABLE store (instance TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
                PRIMARY KEY (instance, key)) WITHOUT ROWID;
            CREATE TABLE sample (instance TEXT, series TEXT, at INTEGER, value REAL);
            INSERT INTO store VALUES ('one', 'a', '1'); INSERT INTO sample VALUES ('one', 's', 1, 1.0);";
        Connection::open(&file).unwrap().execute_batch(old).unwrap();
        let state = state(dir.path());
        assert_eq!(state.get(&ONE, "a").unwrap().as_deref(), Some("1"));
        assert!(state.series(&ONE).unwrap().is_empty());
    }
}
