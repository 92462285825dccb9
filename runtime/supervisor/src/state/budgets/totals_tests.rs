#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use std::path::Path;

use ansai_audit::Ballast;
use ansai_core::scope::{Count, TypedField};
use ansai_core::{Subject, Unit};
use ansai_kit::action::Amount;
use proptest::prelude::*;

use super::super::Reading;
use super::*;
use crate::state::UnderWay;

const ONE: InstanceName = InstanceName::from_static("one");
const TWO: InstanceName = InstanceName::from_static("two");
const MAX_RESTARTS: TypedField<Count> = TypedField::at_most("max_restarts", 99, "restarts");
const HOUR: u64 = 3_600_000;
const MINUTE: u64 = 60_000;

fn open(dir: &Path) -> State {
    State::open(&dir.join("state.db"), Ballast::new(dir.join("ballast"), 4096)).unwrap()
}

/// So many minutes after a boot. The time of day is another one each time.
fn at(boot: &str, minutes: u64) -> Reading {
    let wall = Timestamp::from_millis((minutes % 7) * 3650 * 24 * HOUR);
    Reading { boot: boot.into(), up: Millis::new(minutes * MINUTE), wall }
}

/// A restart of a service of its own, so that no budget of a grant holds it.
fn restart(instance: &InstanceName, unit: &str, interrupts: u64) -> Charge {
    Charge {
        step: 0,
        instance: instance.clone(),
        action: "a.restart".into(),
        about: Subject::new("unit", unit),
        table: 1,
        noun: "restart",
        window: Millis::from_hours(1),
        amounts: vec![(Amount::of(&MAX_RESTARTS, 1), 99)],
        interrupts: Millis::new(interrupts),
    }
}

fn budget(limits: &[(TotalBound, u64)], hours: u64) -> TotalBudget {
    TotalBudget { limits: limits.iter().copied().collect(), window: Millis::from_hours(hours) }
}

/// Of the host, and of the instance `one`.
fn totals(host: &[(TotalBound, u64)], one: &[(TotalBound, u64)]) -> Totals {
    Totals { host: budget(host, 24), instances: [(ONE, budget(one, 1))].into() }
}

use TotalBound::{Interruption, Restarts};

#[test]
fn all_instances_and_services_share_the_budget_of_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let (state, totals) = (open(dir.path()), totals(&[(Restarts, 2)], &[]));
    let reserve = |plan: &str, charge, now: &Reading| state.reserve_within(plan, &[charge], &totals, now).unwrap();
    assert_eq!(reserve("a", restart(&ONE, "web", 0), &at("x", 0)), None);
    assert_eq!(reserve("b", restart(&TWO, "db", 0), &at("x", 30)), None);
    let now = at("x", 60);
    let over = reserve("c", restart(&TWO, "mail", 0), &now).unwrap();
    assert_eq!((over.of, over.bound.as_str(), over.noun.as_str()), (BudgetOf::Host, "max_restarts", "restart"));
    assert_eq!((over.limit, over.used, over.needed, over.unit), (2, 2, 1, Unit::None));
    assert_eq!(over.next, Some(now.wall + Millis::from_hours(23)), "how long it waits");
    assert_eq!(reserve("c", restart(&TWO, "mail", 0), &at("x", 24 * 60)), None);
    // A plan is counted as a whole.
    let both = [restart(&ONE, "x", 0), Charge { step: 1, ..restart(&ONE, "y", 0) }];
    let over = state.reserve_within("d", &both, &totals, &at("x", 24 * 60 + 1)).unwrap().unwrap();
    assert_eq!((over.needed, over.used), (2, 2));
}

#[test]
fn an_instance_has_a_budget_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (state, totals) = (open(dir.path()), totals(&[(Restarts, 9)], &[(Restarts, 1)]));
    let reserve = |plan: &str, charge, now: &Reading| state.reserve_within(plan, &[charge], &totals, now).unwrap();
    assert_eq!(reserve("a", restart(&TWO, "web", 0), &at("x", 0)), None);
    assert_eq!(reserve("b", restart(&ONE, "web", 0), &at("x", 1)), None);
    assert_eq!(reserve("c", restart(&ONE, "db", 0), &at("x", 2)).unwrap().of, BudgetOf::Instance);
    assert_eq!(reserve("c", restart(&TWO, "db", 0), &at("x", 3)), None);
    assert_eq!(reserve("d", restart(&ONE, "db", 0), &at("x", 61)), None, "its own window");
    let used = state.totals_used(&totals).unwrap();
    let shown: Vec<_> = used.iter().map(|one| (one.instance.as_ref(), one.used, one.limit)).collect();
    assert_eq!(shown, [(None, 4, 9), (Some(&ONE), 1, 1)]);
}

#[test]
fn a_budget_of_zero_permits_nothing_and_says_never() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    let none = totals(&[(Restarts, 0)], &[]);
    let over = state.reserve_within("a", &[restart(&ONE, "web", 0)], &none, &at("x", 0)).unwrap().unwrap();
    assert_eq!((over.limit, over.next), (0, None));
    // What does not need it goes on.
    let no_interruption = totals(&[(Interruption, 0)], &[]);
    let first = state.reserve_within("a", &[restart(&ONE, "web", 1)], &no_interruption, &at("x", 0)).unwrap().unwrap();
    assert_eq!((first.bound.as_str(), first.next), ("max_interruption", None));
    assert_eq!(state.reserve_within("a", &[restart(&ONE, "web", 0)], &no_interruption, &at("x", 0)).unwrap(), None);
}

#[test]
fn what_was_measured_counts_and_not_what_was_planned() {
    let dir = tempfile::tempdir().unwrap();
    let (state, totals) = (open(dir.path()), totals(&[(Interruption, 10 * MINUTE)], &[]));
    let charge = |minutes| restart(&ONE, "web", minutes * MINUTE);
    let reserve =
        |plan: &str, minutes, now: &Reading| state.reserve_within(plan, &[charge(minutes)], &totals, now).unwrap();
    assert_eq!(reserve("a", 6, &at("x", 0)), None);
    assert!(state.is_all_reserved("a", 0, &[], Millis::new(6 * MINUTE)).unwrap());
    assert!(!state.is_all_reserved("a", 0, &[], Millis::new(7 * MINUTE)).unwrap());
    let over = reserve("b", 5, &at("x", 1)).unwrap();
    assert_eq!((over.unit, over.used, over.needed), (Unit::Milliseconds, 6 * MINUTE, 5 * MINUTE));
    state.settle_interruption("a", 0, Millis::new(MINUTE)).unwrap();
    assert_eq!(reserve("b", 5, &at("x", 2)), None, "it was shorter");
    state.settle_interruption("b", 0, Millis::new(9 * MINUTE)).unwrap();
    assert!(reserve("c", 1, &at("x", 3)).is_some(), "it was longer");
    // A crash: what had begun counts as planned, what had not begun does not.
    state.unreserve("b", None).unwrap();
    assert_eq!(reserve("b", 5, &at("x", 3)), None);
    assert_eq!(reserve("c", 4, &at("x", 3)), None);
    let under_way = UnderWay { instance: ONE, action: "a.restart".into(), handle: None, until: None, guard: None };
    state.begin_step("b", 0, &under_way).unwrap();
    state.end_step("a", 0).unwrap();
    state.unreserve_not_begun().unwrap();
    assert_eq!(reserve("d", 5, &at("x", 3)).unwrap().used, 6 * MINUTE);
    assert_eq!(reserve("d", 4, &at("x", 3)), None);
}

#[derive(Debug, Clone)]
enum Happens {
    /// Restarts that one of two instances wants at once.
    Plan(bool, u64),
    Minutes(u64),
    /// The time of day is another one.
    Jump(u64),
    Reboot,
    Restart,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (any::<bool>(), 1_u64..4).prop_map(|(is_one, restarts)| Happens::Plan(is_one, restarts)),
        3 => (0_u64..40).prop_map(Happens::Minutes),
        1 => any::<u64>().prop_map(Happens::Jump),
        1 => Just(Happens::Reboot),
        1 => Just(Happens::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    /// For any order of plans, restarts, reboots and jumps of the clock: no budget is exceeded in any window, and no plan
    /// is held that fits.
    #[test]
    fn budgets_are_never_exceeded(all in prop::collection::vec(happens(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let totals = Totals { host: budget(&[(Restarts, 5)], 2), instances: [(ONE, budget(&[(Restarts, 3)], 1))].into() };
        let (mut state, mut boots, mut up, mut wall, mut now) = (open(dir.path()), 0_u32, 0, 0, 0);
        // What was done, by a clock that never jumps: minutes while the host ran.
        let mut done: Vec<(u64, bool, u64)> = Vec::new();
        // The budget clock begins at its first reading.
        let first = Reading { boot: "0".into(), up: Millis::ZERO, wall: Timestamp::EPOCH };
        state.reserve_within("first", &[], &totals, &first).unwrap();
        for (number, one) in all.into_iter().enumerate() {
            match one {
                Happens::Plan(is_one, restarts) => {
                    let name = if is_one { ONE } else { TWO };
                    let charges: Vec<Charge> = (0..restarts)
                        .map(|step| Charge {
                            step: u32::try_from(step).unwrap(),
                            ..restart(&name, &format!("{number}-{step}"), 0)
                        })
                        .collect();
                    let (boot, up, wall) = (boots.to_string(), Millis::new(up * MINUTE), Timestamp::from_millis(wall));
                    let over = state
                        .reserve_within(&number.to_string(), &charges, &totals, &Reading { boot, up, wall })
                        .unwrap();
                    let used = |hours: u64, of_one: bool| -> u64 {
                        let counts = |(at, is_one, _): &&(u64, bool, u64)| now - at < hours * 60 && (*is_one || !of_one);
                        done.iter().filter(counts).map(|(_, _, restarts)| restarts).sum()
                    };
                    let fits = used(2, false) + restarts <= 5 && (!is_one || used(1, true) + restarts <= 3);
                    prop_assert_eq!(over.is_none(), fits, "{:?}", over);
                    if over.is_none() {
                        done.push((now, is_one, restarts));
                    }
                }
                Happens::Minutes(minutes) => (up, now) = (up + minutes, now + minutes),
                Happens::Jump(to) => wall = to,
                // The uptime is noted before, as the supervisor does when it ends.
                Happens::Reboot => {
                    let (boot, last) = (boots.to_string(), Millis::new(up * MINUTE));
                    let wall = Timestamp::from_millis(wall);
                    state.reserve_within("noted", &[], &totals, &Reading { boot, up: last, wall }).unwrap();
                    (boots, up) = (boots + 1, 0);
                }
                Happens::Restart => {
                    drop(state);
                    state = open(dir.path());
                }
            }
        }
    }
}
