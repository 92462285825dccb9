#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
use proptest::prelude::*;

use super::*;

const MINUTE: u64 = 60_000;
const TEN_YEARS: u64 = 10 * 365 * 86_400_000;

const POLICY: StormPolicy =
    StormPolicy { incidents: 3, failed_steps: 2, within: Millis::new(10 * MINUTE), quiet: Millis::new(5 * MINUTE) };

/// So many minutes after the boot.
fn at(minutes: u64) -> ClockReading {
    of_boot("a", minutes * MINUTE, 2 * TEN_YEARS + minutes * MINUTE)
}

fn of_boot(boot: &str, up: u64, wall: u64) -> ClockReading {
    let (since_boot, wall) = (Millis::new(up), Timestamp::from_millis(wall));
    ClockReading { wall, since_boot, boot: boot.into(), is_synchronized: false }
}

fn phase(breaker: &Breaker) -> Option<StormPhase> {
    breaker.storm().map(|storm| storm.phase)
}

fn stopped() -> Breaker {
    let mut breaker = Breaker::default();
    breaker.count(Trouble::Opened, 4, &at(0), &POLICY).unwrap();
    breaker
}

const STOPPED: Option<StormPhase> = Some(StormPhase::Stopped);
const TRIAL: Option<StormPhase> = Some(StormPhase::Trial);

#[test]
fn more_than_the_threshold_within_the_window_stops_healing() {
    use Trouble::{Failed, Opened};
    // Trouble by minute, and the phase afterwards.
    for (troubles, expected) in [
        (&[(0, Opened, 3)][..], None),
        (&[(0, Opened, 4)], STOPPED),
        (&[(0, Opened, 1), (1, Opened, 1), (2, Opened, 1), (9, Opened, 1)], STOPPED),
        (&[(0, Opened, 3), (10, Opened, 1)], None),
        (&[(0, Failed, 2)], None),
        (&[(0, Failed, 1), (4, Failed, 1), (8, Failed, 1)], STOPPED),
        // They are not added up.
        (&[(0, Opened, 3), (0, Failed, 2)], None),
        (&[(0, Opened, 0), (0, Opened, usize::MAX)], STOPPED),
    ] {
        let mut breaker = Breaker::default();
        for (minute, trouble, times) in troubles {
            breaker.count(*trouble, *times, &at(*minute), &POLICY);
        }
        assert_eq!(phase(&breaker), expected, "{troubles:?}");
        assert!(breaker.opened.len() <= 4 && breaker.failed.len() <= 3, "bounded");
    }
}

#[test]
fn it_is_told_once_and_says_why() {
    let mut breaker = Breaker::default();
    let change = breaker.count(Trouble::Failed, 3, &at(0), &POLICY);
    let Some(StormChange::Storm(storm)) = change else { panic!("{change:?}") };
    assert_eq!((storm.why, storm.count, storm.since), (StormCause::FailedSteps, 3, at(0).wall));
    assert_eq!(breaker.count(Trouble::Failed, 3, &at(1), &POLICY), None);
    assert_eq!(breaker.count(Trouble::Opened, 9, &at(1), &POLICY), None);
}

#[test]
fn after_a_quiet_time_one_plan_at_a_time_and_after_another_all() {
    let mut breaker = stopped();
    assert_eq!(breaker.look(&at(4), &POLICY), None);
    assert_eq!(breaker.left(&at(4), &POLICY), Millis::new(MINUTE));
    assert!(matches!(breaker.look(&at(5), &POLICY), Some(StormChange::Storm(_))));
    assert_eq!(phase(&breaker), TRIAL);
    assert_eq!(breaker.look(&at(9), &POLICY), None);
    assert_eq!((breaker.look(&at(10), &POLICY), phase(&breaker)), (Some(StormChange::Ended), None));
    // What opened before the end no longer counts.
    assert_eq!(breaker.count(Trouble::Opened, 3, &at(10), &POLICY), None);
}

#[test]
fn what_goes_on_is_not_quiet() {
    let mut breaker = stopped();
    breaker.count(Trouble::Opened, 1, &at(4), &POLICY);
    assert_eq!((breaker.look(&at(8), &POLICY), phase(&breaker)), (None, STOPPED), "five within ten minutes");
    // A few that open now and then are not a storm: it ends although they never stop.
    let mut now = 4;
    while phase(&breaker).is_some() {
        now += 4;
        breaker.count(Trouble::Opened, 1, &at(now), &POLICY);
        assert!(now < 120, "{breaker:?}");
    }
}

#[test]
fn a_step_that_fails_in_the_trial_stops_healing_again() {
    let mut breaker = stopped();
    breaker.look(&at(5), &POLICY);
    let change = breaker.count(Trouble::Failed, 1, &at(6), &POLICY);
    let Some(StormChange::Storm(storm)) = change else { panic!("{change:?}") };
    assert_eq!((storm.phase, storm.why, storm.since), (StormPhase::Stopped, StormCause::FailedTrial, at(0).wall));
    assert_eq!(breaker.look(&at(10), &POLICY), None);
    breaker.look(&at(11), &POLICY);
    assert_eq!(phase(&breaker), TRIAL);
    // No step failed: a count of none is nothing.
    assert_eq!((breaker.count(Trouble::Failed, 0, &at(12), &POLICY), phase(&breaker)), (None, TRIAL));
}

#[test]
fn a_person_ends_it_and_it_begins_again_at_zero() {
    let mut breaker = stopped();
    assert!(breaker.end() && !breaker.end());
    assert_eq!(breaker.count(Trouble::Opened, 3, &at(1), &POLICY), None);
    assert!(breaker.count(Trouble::Opened, 1, &at(2), &POLICY).is_some());
}

#[test]
fn it_survives_a_restart_of_ansai_and_of_the_host() {
    let json = serde_json::to_string(&stopped()).unwrap();
    let mut breaker: Breaker = serde_json::from_str(&json).unwrap();
    assert_eq!((breaker.look(&at(4), &POLICY), phase(&breaker)), (None, STOPPED));
    // After a reboot, the time while the host was off does not count.
    assert_eq!(breaker.look(&of_boot("b", MINUTE / 2, 5 * TEN_YEARS), &POLICY), None);
    breaker.look(&of_boot("b", MINUTE, 5 * TEN_YEARS), &POLICY);
    assert_eq!(phase(&breaker), TRIAL);
}

/// Neither a gate that is wide open, nor one that is closed for ten years.
#[test]
fn a_clock_that_jumps_changes_nothing() {
    for wall in [0, 1, TEN_YEARS, 4 * TEN_YEARS, u64::MAX] {
        let jumped = |minutes: u64| of_boot("a", minutes * MINUTE, wall);
        let mut breaker = stopped();
        assert_eq!((breaker.look(&jumped(1), &POLICY), phase(&breaker)), (None, STOPPED), "{wall}");
        breaker.look(&jumped(5), &POLICY);
        breaker.look(&jumped(10), &POLICY);
        assert_eq!(phase(&breaker), None, "{wall}");
        let mut breaker = Breaker::default();
        breaker.count(Trouble::Opened, 2, &at(0), &POLICY);
        breaker.count(Trouble::Opened, 2, &jumped(1), &POLICY);
        assert_eq!(phase(&breaker), STOPPED, "{wall}");
    }
}

#[derive(Debug, Clone)]
enum Happens {
    Trouble(bool, usize),
    Minutes(u64),
    Jump(u64),
    Reboot,
    Restart,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        (any::<bool>(), 0_usize..5).prop_map(|(opened, times)| Happens::Trouble(opened, times)),
        (0_u64..12).prop_map(Happens::Minutes),
        any::<u64>().prop_map(Happens::Jump),
        Just(Happens::Reboot),
        Just(Happens::Restart),
    ]
}

proptest! {
    /// Whatever happens: too much trouble at once is a storm, and it ends when it was quiet twice.
    #[test]
    fn it_trips_in_time_and_always_ends(all in prop::collection::vec(happens(), 0..60)) {
        let (mut breaker, mut boots, mut up, mut wall) = (Breaker::default(), 0_u32, 0, 2 * TEN_YEARS);
        for one in all {
            let now = of_boot(&boots.to_string(), up, wall);
            match one {
                Happens::Trouble(is_opened, times) => {
                    let trouble = if is_opened { Trouble::Opened } else { Trouble::Failed };
                    breaker.count(trouble, times, &now, &POLICY);
                    if times > 3 {
                        prop_assert_eq!(phase(&breaker), STOPPED);
                    }
                }
                Happens::Minutes(minutes) => {
                    let passes = minutes * MINUTE;
                    let before = phase(&breaker);
                    up += passes;
                    wall = wall.saturating_add(passes);
                    breaker.look(&of_boot(&boots.to_string(), up, wall), &POLICY);
                    // The gate never opens all the way at once.
                    prop_assert!(before != STOPPED || breaker.storm().is_some());
                }
                Happens::Jump(to) => wall = to,
                Happens::Reboot => (boots, up) = (boots + 1, 0),
                Happens::Restart => {
                    let json = serde_json::to_string(&breaker).unwrap();
                    breaker = serde_json::from_str(&json).unwrap();
                }
            }
        }
        breaker.look(&of_boot(&boots.to_string(), up, wall), &POLICY);
        for _ in 0..2 {
            up += 5 * MINUTE;
            breaker.look(&of_boot(&boots.to_string(), up, wall), &POLICY);
        }
        prop_assert_eq!(phase(&breaker), None);
    }
}
