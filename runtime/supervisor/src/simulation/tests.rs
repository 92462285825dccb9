#![allow(clippy::unwrap_used, reason = "tests")]
use std::sync::Arc;
use std::time::Duration;

use ansai_core::{InstanceName, Millis, Severity, Status, Timestamp};
use ansai_kit::host_access::HostAccess;
use ansai_kit::registry::Body;

use super::*;
use crate::virtual_time::VirtualTime;

const ONE: InstanceName = InstanceName::from_static("one");
const TWO: InstanceName = InstanceName::from_static("two");
const HOUR: Millis = Millis::from_hours(1);

fn start() -> VirtualTime {
    VirtualTime::start(Timestamp::from_millis(1_000_000), Duration::from_secs(60))
}

fn is_sick(world: &World, instance: &InstanceName) -> bool {
    world.observe(instance).iter().any(|one| one.status != Status::Healthy)
}

/// When a fault lasts, hour by hour.
fn sick_hours(world: &World, time: &VirtualTime, hours: u64) -> Vec<u64> {
    let mut sick = Vec::new();
    for hour in 1..=hours {
        time.pass(HOUR);
        if is_sick(world, &ONE) {
            sick.push(hour);
        }
    }
    sick
}

#[test]
fn the_same_seed_has_the_same_faults_and_another_one_has_others() {
    let faults = |seed| {
        let time = start();
        let fault = Fault { lasts: Some(HOUR), ..Fault::new(ONE, "k", Begins::OnAverage(Millis::from_hours(5))) };
        sick_hours(&World::new(seed, [fault]), &time, 1_000)
    };
    assert_eq!(faults(1), faults(1));
    assert_ne!(faults(1), faults(2));
    assert!((50..400).contains(&faults(1).len()), "{}", faults(1).len());
}

#[test]
fn a_fault_begins_when_its_file_says_and_ends_by_itself_or_by_a_step() {
    let time = start();
    let at = Begins::At([2, 5].map(Millis::from_hours).to_vec());
    let short = Fault { lasts: Some(Millis::new(1_000)), ..Fault::new(ONE, "k", at.clone()) };
    assert_eq!(sick_hours(&World::new(1, [short]), &time, 8), [2, 5]);
    drop(time);
    let time = start();
    let lasting = World::new(1, [Fault { helps: 100, ..Fault::new(ONE, "k", at) }]);
    assert_eq!(sick_hours(&lasting, &time, 4), [2, 3, 4]);
    assert!(lasting.act("p-0", &ONE, "k", &[]).has_helped && !is_sick(&lasting, &ONE));
    assert!(lasting.has_acted("p-0") && !lasting.has_acted("p-1"));
    // The second one begins at its time, and a step that does not help changes nothing.
    assert_eq!(sick_hours(&lasting, &time, 2), [1, 2]);
    assert_eq!(lasting.begun(), 2);
    lasting.calm();
    assert!(!is_sick(&lasting, &ONE) && sick_hours(&lasting, &time, 10).is_empty());
}

/// Would break: an instance that observes the same key twice, or a recorded fault that ends at another time.
#[test]
fn recorded_faults_of_one_key_are_one_finding_and_last_exactly_as_long() {
    let time = start();
    let at = |hour, lasts| Fault {
        lasts: Some(Millis::from_hours(lasts)),
        is_exact: true,
        helps: 0,
        ..Fault::new(ONE, "k", Begins::At(vec![Millis::from_hours(hour)]))
    };
    let worse = Fault { severity: Severity::Critical, lasts: None, helps: 100, ..at(4, 1) };
    let world = World::new(1, [at(2, 3), worse, Fault::new(ONE, "other", Begins::Never)]);
    let statuses = |hours| {
        let of_hour = |_| {
            time.pass(HOUR);
            world.observe(&ONE).into_iter().map(|one| (one.key, one.status)).collect::<Vec<_>>()
        };
        (0..hours).map(of_hour).collect::<Vec<_>>()
    };
    let both = |status| vec![("k".to_owned(), status), ("other".to_owned(), Status::Healthy)];
    let [warning, critical] = [Severity::Warning, Severity::Critical].map(|one| both(Status::Unhealthy(one)));
    assert_eq!(statuses(4), [both(Status::Healthy), warning.clone(), warning.clone(), critical]);
    assert_eq!(world.fault(&ONE, "k").map(|fault| fault.severity), Some(Severity::Critical));
    // It ends the one that a step helps against, and not the other one.
    assert!(world.act("p-0", &ONE, "k", &[]).has_helped);
    assert_eq!(world.observe(&ONE).into_iter().map(|one| (one.key, one.status)).collect::<Vec<_>>(), warning);
    assert!(!world.act("p-1", &ONE, "k", &[]).has_helped);
    assert_eq!(statuses(2), [both(Status::Healthy), both(Status::Healthy)]);
}

#[test]
fn a_step_for_one_fault_can_cause_another_one() {
    let _time = start();
    let other = Some((TWO, "k".to_owned()));
    let one = Fault { breaks: other, ..Fault::new(ONE, "k", Begins::Never) };
    let world = World::new(1, [one, Fault::new(TWO, "k", Begins::Never)]);
    assert!(!is_sick(&world, &TWO));
    world.act("p-0", &ONE, "k", &[]);
    assert!(is_sick(&world, &TWO));
}

/// Would break: a host that offers an action of this machine, or a probe.
#[test]
fn a_simulated_host_has_no_action_of_this_machine() {
    let real = ansai_host_functions::builtin();
    let host = SimulatedHost::new(std::path::Path::new("/nowhere"), &real, Arc::new(World::new(1, [])));
    let mut actions = 0;
    for entry in real.entries() {
        for function in entry.functions {
            let name = format!("{}.{}", entry.interface.name, function.name);
            let (Body::Action(own), Some((_, _, simulated))) = (function.body, host.action(&name)) else {
                assert!(host.action(&name).is_none(), "{name} is no action");
                continue;
            };
            actions += 1;
            assert!(!std::ptr::addr_eq(own, simulated), "{name} is the action of this machine");
            assert_eq!(simulated.noun(), "item", "{name}");
        }
    }
    assert!(actions > 5 && !host.host().is_this_machine());
}

#[test]
fn random_numbers_are_spread_and_bounded() {
    let mut random = Random::new(7, "test");
    let numbers: Vec<u64> = (0..10_000).map(|_| random.below(10)).collect();
    for digit in 0..10 {
        let count = numbers.iter().filter(|number| **number == digit).count();
        assert!((850..1_150).contains(&count), "{digit}: {count}");
    }
    assert_eq!(random.below(0), 0);
    assert_eq!(random.between(HOUR, HOUR), HOUR);
    let mean = (0..10_000).map(|_| random.until_next(HOUR).get()).sum::<u64>() / 10_000;
    assert!((3_400_000..3_800_000).contains(&mean), "{mean}");
    assert_ne!(Random::new(7, "a").next(), Random::new(7, "b").next());
}
