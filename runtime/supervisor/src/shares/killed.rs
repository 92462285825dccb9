//! A run that is killed: nothing that an instance used is forgotten for longer than a bound permits.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::path::Path;

use tempfile::TempDir;

use super::tests::{Clock, ONE, TWO, open, standing};
use super::*;

/// What is on the disk now, as after kill -9: nothing is written at the end of the run.
fn killed(dir: &Path) -> TempDir {
    let left = tempfile::tempdir().unwrap();
    for name in ["state.db", "state.db-wal"] {
        let bytes = std::fs::read(dir.join(name)).unwrap();
        std::fs::write(left.path().join(name), bytes).unwrap();
    }
    left
}

fn limit(share: Share) -> f64 {
    Shares::default().limit(share) as f64
}

fn flush(meters: &Meters) -> usize {
    let rows = meters.store();
    meters.state.flush().unwrap();
    rows
}

fn percent(meters: &Meters, share: Share) -> u64 {
    meters.used(&ONE).into_iter().find(|one| one.share == share).unwrap().percent
}

/// Would break: six rows of each instance each second, which were six gigabytes an hour with 10,000 instances.
#[test]
fn a_steady_use_writes_nothing_and_a_large_one_a_bounded_number_of_rows() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    let meters = open(dir.path(), "b", &clock);
    // Ten hours of passes every 10 s, each with a little, and a burst of this part of the share each hour.
    let run = |burst: f64| {
        let mut rows = 0;
        for pass in 0..3_600 {
            clock.pass(10_000);
            let part = if pass % 360 == 0 { burst } else { 1e-6 };
            meters.charge("one", Share::AuditBytes, limit(Share::AuditBytes) * part);
            rows += flush(&meters);
        }
        rows
    };
    assert_eq!(run(1e-6), 0, "so little is counted by every row");
    let rows = run(0.3);
    assert!((10..60).contains(&rows), "{rows}: a bound that is too high is written again");
}

/// Would break: a restart that gives back what was used since the rows were written; at any time, whatever is stored.
#[test]
fn a_crash_between_two_stores_never_gives_back_what_was_used() {
    for share in Share::ALL {
        let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::default());
        let meters = open(dir.path(), "b", &clock);
        let mut used = 0.0;
        for charge in 0..90 {
            meters.charge("one", share, limit(share) / 100.0);
            used += 1.0;
            if charge % 7 == 0 {
                flush(&meters);
            }
            if charge % 4 != 0 {
                continue;
            }
            let left = killed(dir.path());
            let after = percent(&open(left.path(), "b", &clock), share) as f64;
            assert!((used - 1.0..used + 5.0).contains(&after), "{share:?}: {used} used, {after} after the crash");
        }
    }
}

/// Would break: an instance that kills ansai before its use is stored, again and again.
#[test]
fn a_loop_of_kills_is_no_way_out() {
    for (is_stored, expected) in [(false, 60..=70), (true, 20..=70)] {
        let (mut dir, clock) = (tempfile::tempdir().unwrap(), Clock::default());
        let (mut used, mut loops) = (0.0, 0);
        loop {
            let meters = open(dir.path(), "b", &clock);
            if standing(&meters, &ONE) == Standing::Suspended {
                break;
            }
            // Just less than what is written at once.
            meters.charge("one", Share::Plans, limit(Share::Plans) / 65.0);
            used += limit(Share::Plans) / 65.0;
            loops += 1;
            if is_stored {
                flush(&meters);
            }
            clock.pass(200);
            dir = killed(dir.path());
        }
        assert!(used <= limit(Share::Plans) * 1.05, "{used}");
        assert!(expected.contains(&loops), "{is_stored}: {loops}");
    }
}

/// Would break: a row of each instance that was evaluated just before the state is written; or the little that was used,
/// forgotten at an orderly end.
#[test]
fn a_little_of_a_share_needs_no_row_before_the_end() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    let meters = open(dir.path(), "b", &clock);
    let little = limit(Share::AuditBytes) / 100.0;
    meters.charge("one", Share::AuditBytes, little);
    assert_eq!(flush(&meters), 0);
    let left = killed(dir.path());
    assert_eq!(
        percent(&open(left.path(), "b", &clock), Share::AuditBytes),
        2,
        "counted with what every killed run owes"
    );
    drop(meters);
    let meters = open(dir.path(), "b", &clock);
    assert_eq!(percent(&meters, Share::AuditBytes), 1, "exact after the end");
    // Something is used already: now a crash would forget the new part.
    meters.charge("one", Share::AuditBytes, little / 10.0);
    assert_eq!(flush(&meters), 1);
}

/// Would break: one sudden burst in each run, before the first store.
#[test]
fn a_burst_is_durable_before_the_next_thing_is_used() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    let meters = open(dir.path(), "b", &clock);
    meters.charge("one", Share::Notices, limit(Share::Notices) * 1.5);
    let left = killed(dir.path());
    let meters = open(left.path(), "b", &clock);
    assert_eq!(standing(&meters, &ONE), Standing::Suspended);
    assert_eq!(standing(&meters, &TWO), Standing::Free, "the neighbour");
}

/// Others pay two 64ths for each kill, and have them back within an hour; an orderly stop costs nothing.
#[test]
fn neighbours_of_a_killed_run_lose_little_and_after_a_stop_nothing() {
    let (mut dir, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    for _ in 0..8 {
        drop(open(dir.path(), "b", &clock));
    }
    let stopped = open(dir.path(), "b", &clock);
    assert!(stopped.used(&ONE).iter().all(|one| one.percent == 0));
    drop(stopped);
    for _ in 0..8 {
        let meters = open(dir.path(), "b", &clock);
        flush(&meters);
        dir = killed(dir.path());
    }
    let after = percent(&open(dir.path(), "b", &clock), Share::AuditBytes);
    assert!((12..=30).contains(&after), "{after}");
    clock.pass(3_600_000);
    assert_eq!(percent(&open(dir.path(), "b", &clock), Share::AuditBytes), 0);
}

/// Nobody can set the clock since the boot; a snapshot that is restored shows an earlier one.
#[test]
fn a_clock_that_shows_less_than_before_drains_nothing() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    clock.set(600);
    let meters = open(dir.path(), "b", &clock);
    meters.charge("one", Share::AuditBytes, limit(Share::AuditBytes) * 0.9);
    drop(meters);
    clock.set(5);
    let meters = open(dir.path(), "b", &clock);
    assert_eq!(percent(&meters, Share::AuditBytes), 90);
    clock.set(600);
    assert_eq!(percent(&meters, Share::AuditBytes), 90);
}
