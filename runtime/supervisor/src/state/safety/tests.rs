#![allow(clippy::unwrap_used, reason = "tests")]
use std::path::Path;

use ansai_audit::Ballast;
use ansai_core::host_clock::ClockReading;
use ansai_core::storm::StormPolicy;
use ansai_core::{InstanceName, Timestamp};

use super::*;
use crate::storm::Trouble;

const ONE: InstanceName = InstanceName::from_static("one");
const TWO: InstanceName = InstanceName::from_static("two");
const HOUR: Millis = Millis::from_hours(1);

fn open(dir: &Path) -> State {
    State::open(&dir.join("state.db"), Ballast::new(dir.join("ballast"), 4096)).unwrap()
}

/// The time of day means nothing.
fn at(boot: &str, minutes: u64) -> Reading {
    let wall = Timestamp::from_millis(if minutes.is_multiple_of(2) { 0 } else { u64::MAX });
    Reading { boot: boot.into(), up: Millis::new(minutes * 60_000), wall }
}

fn act(instance: &InstanceName) -> Act {
    Act { instance: instance.clone(), frees: false }
}

#[test]
fn what_was_done_counts_for_an_hour_of_the_host_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (web, db) = (Subject::new("unit", "web"), Subject::new("unit", "db"));
    let state = open(dir.path());
    assert_eq!(state.add_act(&web, &act(&ONE), HOUR, &at("a", 0)).unwrap(), [act(&ONE)]);
    assert_eq!(state.add_act(&db, &act(&TWO), HOUR, &at("a", 1)).unwrap(), [act(&TWO)], "another thing");
    drop(state);
    let state = open(dir.path());
    assert_eq!(state.add_act(&web, &act(&TWO), HOUR, &at("a", 59)).unwrap(), [act(&ONE), act(&TWO)]);
    assert_eq!(state.add_act(&web, &act(&ONE), HOUR, &at("a", 60)).unwrap(), [act(&TWO), act(&ONE)]);
    // After a reboot: the time while the host was off does not count.
    assert_eq!(state.add_act(&web, &act(&ONE), HOUR, &at("b", 58)).unwrap().len(), 3);
    assert_eq!(state.add_act(&web, &act(&ONE), HOUR, &at("b", 59)).unwrap().len(), 3);
}

#[test]
fn the_breaker_is_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    let mut breaker = state.breaker().unwrap();
    assert_eq!(breaker, Breaker::default());
    let (wall, since_boot) = (Timestamp::from_millis(5), Millis::new(7));
    let reading = ClockReading { wall, since_boot, boot: "a".into(), is_synchronized: false };
    breaker.count(Trouble::Opened, 99, &reading, &StormPolicy::default()).unwrap();
    state.put_breaker(&breaker).unwrap();
    drop(state);
    assert_eq!(open(dir.path()).breaker().unwrap(), breaker);
}
