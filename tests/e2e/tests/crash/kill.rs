//! Kills ansai before every call.

use ansai_harness::{KILLED, Then, requires_root};

use super::scenario::{Occurrence, Scenario};
use super::site::COOLDOWN_HOURS;
use super::{chosen, files, invariants, log};

fn survives(scenario: &Scenario, tried: impl FnOnce(Vec<Occurrence>) -> Vec<Occurrence>, recovers: impl Fn(&Scenario)) {
    let points = scenario.points();
    let of = points.len();
    let mut unreached = 0;
    chosen::each(&chosen::pairs(&tried(points)), of, |wanted| {
        let ran = scenario.run(|_, found| if found == wanted { Then::Kill } else { Then::Go });
        // A row of a share is written or not, by how much processor time the run took. So a run may need fewer writes of the
        // state than the one whose calls were counted.
        if ran.code != KILLED && wanted.point.is_on("state wal") {
            unreached += 1;
        } else {
            ran.expect_code(KILLED);
        }
        recovers(scenario);
    });
    assert!(unreached <= 2, "{unreached} points were not reached");
}

/// Whether existing compiled code is verified and sealed again depends on its age, so a run may not reach these points.
/// `compiling_survives_a_kill_at_every_call` tests them.
fn but_for_the_cache(points: Vec<Occurrence>) -> Vec<Occurrence> {
    points.into_iter().filter(|found| !found.point.is_on("cache")).collect()
}

/// Runs ansai again immediately.
pub(crate) fn runs_at_once(scenario: &Scenario) {
    runs_at(scenario, scenario.hour);
}

/// Runs ansai again, immediately and when the next attempt may start.
fn runs_again(scenario: &Scenario) {
    runs_at(scenario, scenario.hour);
    runs_at(scenario, scenario.hour + COOLDOWN_HOURS + 1);
}

fn runs_at(scenario: &Scenario, hour: i64) {
    scenario.site.runs(hour);
    invariants::hold(&scenario.site, &scenario.before);
}

#[test]
fn compiling_survives_a_kill_at_every_call() {
    if requires_root() {
        let before_opening = |points: Vec<Occurrence>| {
            points.into_iter().take_while(|found| !found.point.is_on("audit directory")).collect()
        };
        survives(&Scenario::nothing_yet(), before_opening, runs_at_once);
    }
}

#[test]
fn the_first_start_survives_a_kill_at_every_call() {
    if requires_root() {
        // Everything before the first plan is the same in every run.
        let before_acting = |points: Vec<Occurrence>| {
            but_for_the_cache(points.into_iter().take_while(|found| !found.point.is_on("temporary plan")).collect())
        };
        survives(&Scenario::first_start(), before_acting, runs_at_once);
    }
}

#[test]
fn healing_survives_a_kill_at_every_call() {
    if requires_root() {
        survives(&Scenario::heal(), but_for_the_cache, runs_again);
    }
}

#[test]
fn healing_in_an_emergency_survives_a_kill_at_every_call() {
    if requires_root() {
        let acting = |points: Vec<Occurrence>| {
            let first = points.iter().position(|found| found.point.is_on("target file")).unwrap();
            points.into_iter().skip(first).collect()
        };
        survives(&Scenario::heal_emergency(), acting, runs_again);
    }
}

#[test]
fn recovery_survives_a_kill_at_every_call() {
    if requires_root() {
        survives(&Scenario::recover(), but_for_the_cache, runs_again);
    }
}

#[test]
fn quarantine_expiry_survives_a_kill_at_every_call() {
    if requires_root() {
        survives(&Scenario::end_holds(), but_for_the_cache, runs_again);
    }
}

#[test]
fn a_daemon_that_is_stopping_survives_a_kill_at_every_call() {
    if requires_root() {
        let stopping = |points: Vec<Occurrence>| {
            let asked = points.iter().rposition(|found| found.point.is_on("temporary recording")).unwrap();
            points.into_iter().skip(asked).collect()
        };
        survives(&Scenario::daemon(), stopping, runs_again);
    }
}

#[test]
fn undoing_survives_a_kill_at_every_call() {
    if requires_root() {
        survives(&Scenario::undo(), but_for_the_cache, undoes_again);
    }
}

/// After the kill, a repeated undo restores everything; one more is refused.
fn undoes_again(scenario: &Scenario) {
    let site = &scenario.site;
    site.undo().run().expect_code(0);
    let same = |found: &files::Was, was: &files::Was| found.is_like(was);
    let (found, was) = (files::Files::below(site.target.path()), &scenario.before);
    assert!(found.0.keys().eq(was.0.keys()), "{:?}", found.0.keys());
    assert!(found.0.values().zip(was.0.values()).all(|(found, was)| same(found, was)));
    let log = log::Log::read(&site.state_dir());
    let undone = log.of("undone").filter(|undone| undone["outcome"] == "done").count();
    assert_eq!(undone, log.count("intent").len(), "each step is undone once");
    let again = site.undo().run();
    assert!(again.stdout.contains("already undone"), "{} {}", again.stdout, again.stderr);
    runs_again(scenario);
}
