//! How large series get. Run with `--no-capture` to see times and sizes; decision record 0035 has them.
#![allow(clippy::print_stderr, clippy::disallowed_methods, reason = "shows what it measured")]

use std::time::Instant;

use ansai_audit::Ballast;
use ansai_core::InstanceName;
use ansai_kit::evaluation_state::Writes;
use ansai_kit::policy::reduction::{Reduction, reduce};

use super::*;

const I: InstanceName = InstanceName::from_static("i");
const EVERY_MS: u64 = 300_000;
const START: u64 = 20_000 * 24 * HOUR_MS;

fn state(dir: &std::path::Path) -> State {
    State::open(&dir.join("state.db"), Ballast::new(dir.join("ballast"), 4096)).unwrap()
}

fn bytes(dir: &std::path::Path) -> u64 {
    std::fs::metadata(dir.join("state.db")).unwrap().len()
}

#[test]
fn a_sample_every_5_minutes_for_more_than_400_days() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path());
    let samples = 410 * 24 * 12;
    let began = Instant::now();
    for number in 0..samples {
        let write = SeriesWrite { reset: false, value: Some((number % 1_000) as f64) };
        let writes = Writes { series: [("s".to_owned(), write)].into(), ..Writes::default() };
        state.commit(&I, at(START + number * EVERY_MS), &writes).unwrap();
    }
    let each = began.elapsed() / u32::try_from(samples).unwrap();
    state.flush().unwrap();
    eprintln!("a commit with one sample: {each:?}");
    let (one_by_one, hours) = state.0.read(|connection| Ok(rows(connection))).unwrap();
    assert_eq!(one_by_one, KEEP.fewest_samples);
    assert!(hours < KEEP.most_hours, "{hours}");

    let now = START + samples * EVERY_MS;
    let window = || state.samples(&I, "s", at(now) - KEPT..at(now)).unwrap();
    let since = samples - 400 * 24 * 12;
    let exact: Vec<Aggregate> = (since..samples)
        .map(|number| Sample { at: at(START + number * EVERY_MS), value: (number % 1_000) as f64 }.into())
        .collect();
    assert_eq!(by_hour(&window()), by_hour(&exact));
    // Of what is older, at most the hour at the border is left.
    let older = state.samples(&I, "s", at(0)..at(now) - KEPT).unwrap();
    assert!(older.len() <= 1, "{older:?}");
    drop(state);
    eprintln!("one series of 400 days: {} bytes", bytes(dir.path()));
}

/// Executes a statement with a first hour, and returns the size of the closed database.
fn filled(dir: &std::path::Path, statement: &str) -> u64 {
    let state = state(dir);
    let first = START / HOUR_MS;
    state.0.write(|connection| Ok(connection.execute(statement, [first.cast_signed()]).map(drop)?)).unwrap();
    drop(state);
    bytes(dir)
}

#[test]
fn sixty_four_series_of_400_days() {
    let dir = tempfile::tempdir().unwrap();
    let count = "WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 9599)";
    filled(
        dir.path(),
        &format!("{count} INSERT INTO series SELECT n, 'i', 's' || n, 6000, ?1 FROM number WHERE n < 64"),
    );
    // In the order of time, as they are written.
    let hours = filled(
        dir.path(),
        &format!(
            "{count} INSERT INTO hour SELECT series.id, ?1 + n, n / 7.0, n / 3.0 + 1, n * 3.14, 60 FROM number, series
            ORDER BY n, series.id"
        ),
    );
    let all = filled(
        dir.path(),
        &format!(
            "{count} INSERT INTO sample SELECT series.id, (?1 + 9552) * 3600000 + n * 28800, n / 7.0 FROM number, series
            WHERE n < 6000 ORDER BY n, series.id"
        ),
    );
    let state = state(dir.path());
    let now = START + 400 * 24 * HOUR_MS;
    let began = Instant::now();
    let found = state.samples(&I, "s33", at(now) - KEPT..at(now)).unwrap();
    let read = began.elapsed();
    let days = reduce(&found, Some(Millis::from_hours(24)), Reduction::Median);
    let reduced = began.elapsed();
    eprintln!("614,400 hours: {hours} bytes, with 384,000 samples {all}");
    eprintln!("a window of 400 days, {} rows: {read:?}; reduced to days: {reduced:?}", found.len());
    assert_eq!((found.len(), days.len()), (15_600, 400));
    assert!(all < 100 << 20, "{all}");
}
