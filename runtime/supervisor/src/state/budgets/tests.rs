#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;

use ansai_audit::Ballast;
use ansai_core::TotalBudget;
use ansai_core::scope::{Bytes, Count, TypedField};

use super::super::UnderWay;
use super::*;

const ONE: InstanceName = InstanceName::from_static("one");
const MAX_FILES: TypedField<Count> = TypedField::at_most("max_files", 10, "files");
const MAX_BYTES: TypedField<Bytes> = TypedField::at_most("max_bytes", 10, "bytes");
const HOUR: u64 = 3_600_000;

fn open(dir: &Path) -> State {
    State::open(&dir.join("state.db"), Ballast::new(dir.join("ballast"), 4096)).unwrap()
}

/// So many hours after a boot. The time of day is a year off, and runs backwards.
fn reading(boot: &str, hours: u64) -> Reading {
    let up = Millis::from_hours(hours);
    Reading { boot: boot.into(), up, wall: Timestamp::from_millis(365 * 24 * HOUR - up.get()) }
}

/// Some files of at most ten, within 24 hours.
fn charge(step: u32, files: u64) -> Charge {
    Charge {
        step,
        instance: ONE,
        action: "a.remove".into(),
        about: Subject::new("filesystem", "/"),
        table: 1,
        noun: "file",
        window: Millis::from_hours(24),
        amounts: vec![(Amount::of(&MAX_FILES, files), 10)],
        interrupts: Millis::ZERO,
    }
}

/// Without budgets of instances or of the host.
impl State {
    fn reserve(&self, plan: &str, charges: &[Charge], now: &Reading) -> Result<Option<OverBudget>, StateError> {
        let totals = Totals { host: TotalBudget::unlimited(), instances: BTreeMap::new() };
        self.reserve_within(plan, charges, &totals, now)
    }

    fn is_reserved(&self, plan: &str, step: u32, amounts: &[Amount]) -> Result<bool, StateError> {
        self.is_all_reserved(plan, step, amounts, Millis::ZERO)
    }
}

fn reserve(state: &State, plan: &str, files: u64, now: &Reading) -> Option<OverBudget> {
    state.reserve(plan, &[charge(0, files)], now).unwrap()
}

#[test]
fn a_use_counts_until_the_window_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    assert_eq!(reserve(&state, "a", 4, &reading("b", 100)), None);
    assert_eq!(reserve(&state, "b", 5, &reading("b", 110)), None);
    let now = reading("b", 112);
    let over = reserve(&state, "c", 2, &now).unwrap();
    assert_eq!((over.limit, over.used, over.needed), (10, 9, 2));
    assert_eq!(over.used_at, Some(reading("b", 110).wall));
    assert_eq!(over.next, Some(now.wall + Millis::from_hours(12)), "when the first one is over");
    let over = reserve(&state, "c", 7, &now).unwrap();
    assert_eq!(over.next, Some(now.wall + Millis::from_hours(22)), "when both are over");
    assert_eq!(reserve(&state, "c", 11, &now).unwrap().next, None);
    // After a restart of ansai.
    drop(state);
    let state = open(dir.path());
    assert!(reserve(&state, "c", 2, &reading("b", 123)).is_some());
    assert_eq!(reserve(&state, "c", 2, &reading("b", 124)), None);
}

/// The clock that people set is not read at all: `reading` lets it run backwards, and here it jumps.
#[test]
fn no_jump_of_the_time_of_day_gives_anything_back() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    assert_eq!(reserve(&state, "a", 10, &reading("b", 1)), None);
    for wall in [0, 365 * 24 * HOUR, 3650 * 24 * HOUR, u64::MAX] {
        let now = Reading { wall: Timestamp::from_millis(wall), ..reading("b", 2) };
        assert!(reserve(&state, "b", 1, &now).is_some(), "{wall}");
    }
    assert_eq!(reserve(&state, "b", 1, &reading("b", 25)), None);
}

#[test]
fn a_reboot_counts_the_time_since_and_a_clock_that_goes_back_none() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    assert_eq!(reserve(&state, "a", 10, &reading("b", 500)), None);
    state.note_uptime(&reading("b", 510)).unwrap();
    // Another boot: 10 hours before it, 13 in it.
    assert!(reserve(&state, "b", 1, &reading("c", 13)).is_some());
    // A time namespace may show less of the same boot.
    assert!(reserve(&state, "b", 1, &reading("c", 1)).is_some());
    assert_eq!(reserve(&state, "b", 1, &reading("c", 2)), None, "24 hours were seen to pass");
}

#[test]
fn the_steps_of_a_plan_are_counted_together_and_each_subject_alone() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    let now = reading("b", 1);
    assert_eq!(state.reserve("a", &[charge(0, 6), charge(1, 5)], &now).unwrap().unwrap().needed, 11);
    let others = [
        Charge { about: Subject::new("filesystem", "/srv"), ..charge(1, 10) },
        Charge { action: "a.compress".into(), ..charge(2, 10) },
        Charge { instance: InstanceName::from_static("two"), ..charge(3, 10) },
        Charge { table: 2, ..charge(4, 10) },
    ];
    let all: Vec<Charge> = [charge(0, 10)].into_iter().chain(others.clone()).collect();
    assert_eq!(state.reserve("a", &all, &now).unwrap(), None);
    for charge in all {
        assert!(
            state
                .reserve("b", &[Charge { amounts: vec![(Amount::of(&MAX_FILES, 1), 10)], ..charge }], &now)
                .unwrap()
                .is_some()
        );
    }
}

#[test]
fn every_bound_counts_and_zero_permits_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    let now = reading("b", 1);
    let both = |files, bytes, most| Charge {
        amounts: vec![(Amount::of(&MAX_FILES, files), 10), (Amount::of(&MAX_BYTES, bytes), most)],
        ..charge(0, 0)
    };
    // Files without a size.
    let over = state.reserve("a", &[both(1, 0, 0)], &now).unwrap().unwrap();
    assert_eq!((over.bound.as_str(), over.unit, over.next), ("max_bytes", Unit::Bytes, None));
    assert_eq!(state.reserve("a", &[both(1, 100, 100)], &now).unwrap(), None);
    assert_eq!(state.reserve("b", &[both(1, 1, 100)], &now).unwrap().unwrap().bound, "max_bytes");
    // The operator permits more now.
    assert_eq!(state.reserve("b", &[both(1, 1, 101)], &now).unwrap(), None);
    // Numbers beyond those of the database.
    assert!(state.reserve("c", &[both(1, u64::MAX, u64::MAX)], &now).unwrap().is_none());
    assert!(state.reserve("d", &[both(1, u64::MAX, u64::MAX - 1)], &now).unwrap().is_some());
}

#[test]
fn what_ended_is_settled_and_what_never_began_is_free_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    let now = reading("b", 1);
    let used = |state: &State| reserve(state, "probe", 11, &now).unwrap().used;
    let steps: Vec<Charge> = (0..4).map(|step| charge(step, 2)).collect();
    assert_eq!(state.reserve("a", &steps, &now).unwrap(), None);
    assert!(state.is_reserved("a", 3, &[Amount::of(&MAX_FILES, 2)]).unwrap());
    assert!(!state.is_reserved("a", 3, &[Amount::of(&MAX_FILES, 3)]).unwrap());
    assert!(!state.is_reserved("a", 4, &[Amount::of(&MAX_FILES, 1)]).unwrap());
    assert!(!state.is_reserved("b", 3, &[Amount::of(&MAX_FILES, 1)]).unwrap());
    assert_eq!(used(&state), 8);
    state.settle("a", 0, &[Amount::of(&MAX_FILES, 1)]).unwrap();
    state.settle("a", 0, &[Amount::of(&MAX_FILES, 9)]).unwrap();
    assert_eq!(used(&state), 7, "it never becomes more");
    state.unreserve("a", Some(1)).unwrap();
    assert_eq!(used(&state), 5);
    // The step 2 is running when ansai is killed, and the step 3 has not begun.
    let under_way = UnderWay { instance: ONE, action: "a.remove".into(), handle: None, until: None, guard: None };
    state.begin_step("a", 2, &under_way).unwrap();
    drop(state);
    let state = open(dir.path());
    state.unreserve_not_begun().unwrap();
    assert_eq!(used(&state), 3);
    // Nobody knows what it used: it stays counted.
    state.end_step("a", 2).unwrap();
    state.unreserve_not_begun().unwrap();
    assert_eq!(used(&state), 3);
    state.unreserve("a", None).unwrap();
    assert_eq!(used(&state), 0);
}

/// Without it, a policy that chooses other subjects each time would fill the disk.
#[test]
fn uses_that_count_nowhere_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    for number in 0..5 {
        let of = Charge { about: Subject::new("file", number.to_string()), ..charge(0, 1) };
        let plan = number.to_string();
        assert_eq!(state.reserve(&plan, &[of], &reading("b", number)).unwrap(), None);
        state.settle(&plan, 0, &[Amount::of(&MAX_FILES, 1)]).unwrap();
    }
    assert_eq!(reserve(&state, "last", 1, &reading("b", 31 * 24 + 3)), None);
    let count = |connection: &Connection| -> Result<i64, StateError> {
        Ok(connection.query_row("SELECT count(*) FROM budget", [], |row| row.get(0))?)
    };
    assert_eq!(state.0.read(count).unwrap(), 3, "two of the five, and the last one");
}
