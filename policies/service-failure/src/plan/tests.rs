mod answering;

use super::*;
use crate::calls::{CHECK_ACTIVE, RESTART, START};
use crate::imports::ansai::service::service_probe::{Dependant, DependantPage, Ended};
use crate::testing::{failed, listing, settings, unit};
use ansai_sdk::testing::{StandIn, attempt, preview};
use ansai_sdk::{Attempt, OnFailure, Outcome, Severity, Status, StepResult, Subject};

const HOUR: u64 = 3_600_000;

fn finding(id: &str) -> Observation {
    Observation::new(id, Subject::new("unit", id), Status::Unhealthy(Severity::Warning), "failed")
}

/// A host with the service, every action, and no dependants.
fn host(unit: ServiceUnit) -> StandIn {
    let about = unit.about.clone();
    let nobody = DependantPage { entries: vec![], skipped: 0, complete: true, cursor: None };
    let host = listing(vec![unit]).grants(SERVICE_ACTIONS, "{}");
    let host = host.answers("ansai:service/service-probe.list-dependants", nobody);
    let answer = |host: StandIn, action: &&str| host.answers(action, preview(about.clone()));
    [CAPTURE, RESTART, START, CHECK_ACTIVE].iter().fold(host, answer)
}

fn decide(host: &Host) -> Decision {
    plan(&settings(|_| {}), host, &finding("a.service")).unwrap()
}

/// The proposed actions, without their arguments.
fn proposed(host: &Host) -> Vec<String> {
    let calls = host.stand_in().calls();
    let actions = calls.iter().filter_map(|call| call.strip_prefix("ansai:service/service-actions."));
    actions.map(|call| call.split('(').next().unwrap().to_owned()).collect()
}

fn restart(ago: u64, outcome: Outcome) -> Attempt {
    let step = StepResult {
        step: 1,
        action: RESTART.into(),
        arguments: String::new(),
        about: Subject::new("unit", "a.service"),
        outcome,
        reason: None,
        detail: String::new(),
        measures: vec![],
    };
    let at = StandIn::NOW - ago;
    Attempt { at, ended: None, ..attempt("a.service", vec![step]) }
}

#[test]
fn a_restart_has_all_its_steps() {
    let host = host(failed("a.service", Ended::ExitCode)).host();
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    assert_eq!(proposed(&host), ["capture", "restart", "check-active"]);
    assert_eq!(host.stand_in().steps_that_may_fail(), [0]);
}

#[test]
fn a_service_that_never_ran_is_started() {
    let never = ServiceUnit { invocation: String::new(), ..failed("a.service", Ended::Resources) };
    let host = host(never).host();
    decide(&host);
    assert_eq!(proposed(&host), ["capture", "start", "check-active"]);
}

#[test]
fn a_restart_that_runs_or_is_unknown_counts_as_one() {
    for (outcome, expected) in [
        (Outcome::Running, "next restart in 50 s"),
        (Outcome::Unknown, "next restart in 50 s"),
        (Outcome::Failed, "next restart in 50 s"),
        (Outcome::Simulated, ""),
        (Outcome::Refused, ""),
    ] {
        let host = host(failed("a.service", Ended::ExitCode));
        let host = host.with_history(finding("a.service").about, restart(10_000, outcome)).host();
        match decide(&host) {
            Decision::Wait(why) => assert!(!expected.is_empty() && why.contains(expected), "{outcome:?}: {why}"),
            other => {
                assert!(expected.is_empty() && other == Decision::Apply(OnFailure::Stop), "{outcome:?}: {other:?}")
            }
        }
    }
}

#[test]
fn restarts_of_a_day_are_bounded_also_over_closed_incidents() {
    let with = |most: u32| {
        let host = (1..=3).rev().fold(host(failed("a.service", Ended::ExitCode)), |host, hours| {
            host.with_history(finding("a.service").about, restart(hours * 7 * HOUR, Outcome::Done))
        });
        let host = host.host();
        plan(&settings(|settings| settings["attempts"] = most.into()), &host, &finding("a.service")).unwrap()
    };
    assert_eq!(with(4), Decision::Apply(OnFailure::Stop));
    // Evidence first, then a person.
    assert_eq!(with(3), Decision::ApplyThenReplan(OnFailure::Stop));
}

#[test]
fn a_start_limit_without_an_end_is_not_waited_for() {
    let limited = ServiceUnit { start_interval: u64::MAX, ..failed("a.service", Ended::StartLimit) };
    let host = host(limited.clone()).host();
    // Evidence first, then a person.
    assert_eq!(decide(&host), Decision::ApplyThenReplan(OnFailure::Stop));
    assert_eq!(proposed(&host), ["capture"]);
    // The clock was set back since it reached its limit.
    let later = ServiceUnit { start_interval: 10_000, since: Some(StandIn::NOW + HOUR), ..limited };
    let host = self::host(later).host();
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
}

#[test]
fn only_the_failure_of_a_cause_makes_its_dependant_wait() {
    let waiting = ServiceUnit { active: ActiveState::Inactive, ended: Ended::Dependency, ..unit("a.service") };
    for (cause, expected) in [
        (
            failed("db.service", Ended::ExitCode),
            Decision::Wait("a.service needs db.service, which failed: that one is first".into()),
        ),
        (unit("db.service"), Decision::Apply(OnFailure::Stop)),
    ] {
        let about = cause.about.clone();
        let host = host(waiting.clone()).answers_with("ansai:service/service-probe.look", "\"db.service\"", cause);
        let finding = finding("a.service").caused_by(about);
        assert_eq!(plan(&settings(|_| {}), &host.host(), &finding), Ok(expected));
    }
}

#[test]
fn at_most_eight_dependants_are_started_in_one_plan() {
    let names: Vec<String> = (0..12).map(|n| format!("d{n}.service")).collect();
    let dependant = |id: &String| Dependant {
        about: Subject::new("unit", id),
        id: id.clone(),
        active: ActiveState::Inactive,
        distance: 1,
    };
    let page =
        DependantPage { entries: names.iter().map(dependant).collect(), skipped: 0, complete: true, cursor: None };
    let host = host(failed("a.service", Ended::ExitCode)).answers("ansai:service/service-probe.list-dependants", page);
    let look = |host: StandIn, id: &String| {
        let waiting = ServiceUnit { active: ActiveState::Inactive, ended: Ended::Dependency, ..unit(id) };
        host.answers_with("ansai:service/service-probe.look", &format!("{id:?}"), waiting)
    };
    let host = names.iter().fold(host, look).host();
    assert_eq!(decide(&host), Decision::Apply(OnFailure::Stop));
    assert_eq!(proposed(&host).iter().filter(|action| *action == "start").count(), 8);
}

#[test]
fn evidence_is_kept_once() {
    let one_shot = ServiceUnit { one_shot: true, ..failed("a.service", Ended::ExitCode) };
    let first = host(one_shot.clone()).host();
    assert_eq!(decide(&first), Decision::ApplyThenReplan(OnFailure::Stop));
    assert_eq!(first.stand_in().recommendations().len(), 1);
    for (outcome, is_kept) in [(Outcome::Done, true), (Outcome::Failed, true), (Outcome::Simulated, false)] {
        let captured = restart(0, outcome);
        let steps = captured.steps.iter().map(|step| StepResult { action: CAPTURE.into(), ..step.clone() }).collect();
        let again = host(one_shot.clone()).with_attempt(Attempt { steps, ..captured }).host();
        assert_eq!(matches!(decide(&again), Decision::Recommend(_)), is_kept, "{outcome:?}");
    }
}
