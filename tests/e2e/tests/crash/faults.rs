//! System calls fail: one call fails, or a disk becomes full or read-only in the middle.

use ansai_harness::{Call, Ran, Then, requires_root};
use rustix::io::Errno;

use super::chosen;
use super::kill::runs_at_once;
use super::scenario::{Occurrence, Scenario};

/// The fault, and what it does to later calls.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// One call fails with an I/O error.
    Once,
    /// The disk is full: the write is cut short, and later calls that need space fail.
    Full,
    /// The disk becomes read-only.
    ReadOnly,
}

impl Fault {
    fn first(self, call: &Call) -> Then {
        match self {
            Fault::Once => Then::Fail(Errno::IO),
            Fault::Full if call.is_write() => Then::Short(7),
            Fault::Full => Then::Fail(Errno::NOSPC),
            Fault::ReadOnly => Then::Fail(Errno::ROFS),
        }
    }

    /// What happens to later calls on the same disk.
    fn later(self, call: &Call) -> Then {
        match self {
            Fault::Full if needs_room(call) => Then::Fail(Errno::NOSPC),
            Fault::ReadOnly if !call.is_sync() => Then::Fail(Errno::ROFS),
            _ => Then::Go,
        }
    }
}

fn needs_room(call: &Call) -> bool {
    call.is_write() || matches!(call.name, "openat" | "openat2" | "mkdir" | "mkdirat" | "fallocate")
}

/// A part of the first and the last occurrences of all points, or all.
fn hit(points: &[Occurrence], hits: impl Fn(&Occurrence) -> bool) -> Vec<Occurrence> {
    if chosen::are_all() {
        return points.iter().filter(|found| hits(found)).cloned().collect();
    }
    let is_end = |at: usize| {
        let same = |other: &&Occurrence| other.point == points[at].point;
        points[..at].iter().find(same).is_none() || points[at + 1..].iter().find(same).is_none()
    };
    chosen::part_of(
        (0..points.len()).filter(|at| hits(&points[*at]) && is_end(*at)).map(|at| points[at].clone()).collect(),
    )
}

/// Runs into the fault; returns the later operations on the target.
fn strike(scenario: &Scenario, fault: Fault, wanted: &Occurrence) -> (Ran, Vec<Occurrence>) {
    let (mut disk, mut acted) = (None, Vec::new());
    let ran = scenario.run(|call, found| match (found == wanted, disk) {
        (true, _) => {
            disk = Some(found.point.is_of_target());
            fault.first(call)
        }
        (false, Some(disk)) => {
            if found.point.is_of_target() && !found.point.is_sync() {
                acted.push(found.clone());
            }
            if disk == found.point.is_of_target() { fault.later(call) } else { Then::Go }
        }
        (false, None) => Then::Go,
    });
    (ran, acted)
}

fn survives(scenario: &Scenario, fault: Fault, hits: impl Fn(&Occurrence) -> bool) {
    let points = scenario.points();
    let told = points.iter().rposition(|found| found.point.is_on("segment")).unwrap();
    chosen::each(&hit(&points, hits), points.len(), |wanted| {
        let (ran, acted) = strike(scenario, fault, wanted);
        ends_well(&ran);
        let is_before_the_end = points.iter().position(|found| found == wanted).is_some_and(|at| at <= told);
        if wanted.point.is_sync() && wanted.point.is_of_record() && is_before_the_end {
            assert!(acted.is_empty(), "it acted after a failed sync: {acted:?}");
            let said = [&ran.stdout, &ran.stderr].iter().any(|text| refuses_from_now_on(text));
            assert!(said || ran.code == 1, "{} {}\n{}", ran.code, ran.stderr, ran.stdout);
        }
        runs_at_once(scenario);
    });
}

/// Whether the log or the state says that no more actions follow.
fn refuses_from_now_on(text: &str) -> bool {
    text.contains("takes no more") || text.contains("until ansai restarts")
}

/// A documented exit code, with a report or a message.
fn ends_well(ran: &Ran) {
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    match ran.code {
        0 | 3 | 4 | 5 => assert!(!ran.json()["instances"][0]["findings"].as_array().unwrap().is_empty(), "it looked"),
        1 => assert!(["error: ", "error["].iter().any(|word| ran.stderr.contains(word)), "{}", ran.stderr),
        code => panic!("ended with {code}: {}", ran.stderr),
    }
}

#[test]
fn an_error_at_any_call_of_the_first_start_is_reported() {
    if requires_root() {
        survives(&Scenario::first_start(), Fault::Once, |found| !found.point.is_of_target());
    }
}

#[test]
fn an_error_at_any_call_of_healing_is_reported() {
    if requires_root() {
        survives(&Scenario::heal(), Fault::Once, |_| true);
    }
}

#[test]
fn a_disk_that_fills_at_any_call_is_reported() {
    if requires_root() {
        let grows =
            |found: &Occurrence| matches!(found.point.call, "write" | "pwrite64" | "openat" | "openat2" | "fallocate");
        survives(&Scenario::heal(), Fault::Full, grows);
    }
}

#[test]
fn a_disk_that_becomes_read_only_at_any_call_is_reported() {
    if requires_root() {
        // If a copy next to the original can no longer be removed, it stays.
        let leaves = |found: &Occurrence| found.point.is_on("temporary target") || found.point.is_on("target file");
        let copies = |found: &Occurrence| leaves(found) && found.point.call != "openat";
        survives(&Scenario::heal(), Fault::ReadOnly, |found| !found.point.is_sync() && !copies(found));
    }
}

/// The first sync of log or state in a pass fails. Later ones succeed, and later passes have something to do.
#[test]
fn a_daemon_observes_and_no_longer_acts_after_a_failed_sync() {
    if !requires_root() {
        return;
    }
    let scenario = Scenario::eager_daemon();
    let points = scenario.points();
    let looked = points.iter().position(|found| found.point.is_on("recording")).unwrap();
    let first = |kind| points[looked..].iter().find(|found| found.point.is_sync() && found.point.is_on(kind)).unwrap();
    chosen::each(&[first("segment").clone(), first("state wal").clone()], points.len(), |wanted| {
        let (ran, acted) = strike(&scenario, Fault::Once, wanted);
        ran.expect_code(0);
        assert!(acted.is_empty(), "it acted after a failed sync: {acted:?}");
        assert!(refuses_from_now_on(&ran.stderr), "{}", ran.stderr);
        runs_at_once(&scenario);
    });
}
