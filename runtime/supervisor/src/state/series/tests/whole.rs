//! Series in the state of a host: instances, names, transactions.
#![allow(clippy::disallowed_methods, reason = "copies the database")]

use ansai_audit::Ballast;
use ansai_core::InstanceName;
use ansai_kit::evaluation_state::Writes;

use super::*;

const ONE: InstanceName = InstanceName::from_static("one");
const TWO: InstanceName = InstanceName::from_static("two");

fn state(dir: &std::path::Path) -> State {
    State::open(&dir.join("state.db"), Ballast::new(dir.join("ballast"), 4096)).unwrap()
}

fn commit(state: &State, instance: &InstanceName, name: &str, time: u64, write: SeriesWrite) -> Result<(), StateError> {
    let writes = Writes { series: [(name.to_owned(), write)].into(), ..Writes::default() };
    state.commit(instance, at(time), &writes)
}

fn append(state: &State, instance: &InstanceName, name: &str, time: u64, value: f64) {
    commit(state, instance, name, time, SeriesWrite { reset: false, value: Some(value) }).unwrap();
}

fn count(state: &State, instance: &InstanceName, name: &str) -> u64 {
    state.samples(instance, name, at(0)..at(u64::MAX)).unwrap().iter().map(|one| one.count).sum()
}

/// So many samples, one each hour: more than 2,000 are folded.
fn fill(state: &State, instance: &InstanceName, name: &str, samples: u64) {
    for hour in 0..samples {
        append(state, instance, name, hours(hour), hour as f64);
    }
}

#[test]
fn reset_deletes_samples_and_hours_of_one_series() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path());
    fill(&state, &ONE, "s", 2_100);
    append(&state, &ONE, "other", 5, 1.0);
    append(&state, &TWO, "s", 5, 1.0);
    commit(&state, &ONE, "s", hours(2_100), SeriesWrite { reset: true, value: Some(7.0) }).unwrap();
    let one = Sample { at: at(hours(2_100)), value: 7.0 };
    assert_eq!(state.samples(&ONE, "s", at(0)..at(u64::MAX)).unwrap(), [one.into()]);
    commit(&state, &ONE, "s", hours(2_101), SeriesWrite { reset: true, value: None }).unwrap();
    assert_eq!(state.series(&ONE).unwrap(), ["other"], "its name is free again");
    assert_eq!((count(&state, &ONE, "s"), count(&state, &ONE, "other"), count(&state, &TWO, "s")), (0, 1, 1));
    let left = state.0.read(|connection| Ok(rows(connection))).unwrap();
    assert_eq!(left, (2, 0));
}

#[test]
fn names_are_only_names() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path());
    let long = "ä".repeat(128);
    let names = ["'; DROP TABLE sample; --", "%", "_", "a\0b", "a", "\u{202e}", "A", long.as_str()];
    for (number, name) in names.iter().enumerate() {
        fill(&state, &ONE, name, number as u64 + 1);
    }
    for (number, name) in names.iter().enumerate() {
        assert_eq!(count(&state, &ONE, name), number as u64 + 1, "{name:?}");
    }
    assert_eq!((state.series(&ONE).unwrap().len(), state.series(&TWO).unwrap().len()), (8, 0));
}

#[test]
fn a_commit_that_fails_while_it_folds_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path());
    fill(&state, &ONE, "s", 2_000);
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON hour BEGIN SELECT RAISE(ABORT, 'no'); END";
    state.0.write(|connection| Ok(connection.execute_batch(refuse)?)).unwrap();
    let before = state.samples(&ONE, "s", at(0)..at(u64::MAX)).unwrap();
    commit(&state, &ONE, "s", hours(2_000), SeriesWrite { reset: false, value: Some(1.0) }).unwrap_err();
    assert_eq!(state.samples(&ONE, "s", at(0)..at(u64::MAX)).unwrap(), before);
    assert_eq!(state.last_evaluated(&ONE).unwrap(), Some(at(hours(1_999))));
    state.0.write(|connection| Ok(connection.execute_batch("DROP TRIGGER refuse")?)).unwrap();
    append(&state, &ONE, "s", hours(2_000), 1.0);
    assert_eq!((count(&state, &ONE, "s"), state.0.read(|c| Ok(rows(c))).unwrap()), (2_001, (2_000, 1)));
}

#[test]
fn a_kill_loses_whole_commits_only() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let state = state(dir.path());
    fill(&state, &ONE, "s", 2_050);
    state.flush().unwrap();
    for hour in 2_050..2_100 {
        append(&state, &ONE, "s", hours(hour), 1.0);
    }
    // What another process finds if this one is killed now.
    for file in ["state.db", "state.db-wal"] {
        std::fs::copy(dir.path().join(file), copy.path().join(file)).unwrap();
    }
    let found = self::state(copy.path());
    assert_eq!(count(&found, &ONE, "s"), 2_050);
    assert_eq!(found.0.read(|connection| Ok(rows(connection))).unwrap(), (2_000, 50));
    assert_eq!(count(&state, &ONE, "s"), 2_100);
}
