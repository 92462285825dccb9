use super::*;
use crate::answers::key;
use crate::calls::{CHECK, HTTP_ACTIONS};
use crate::imports::ansai::http::http_probe::{Answer, Cause, NoAnswer, Outcome as Answered};
use serde_json::json;

fn answer(outcome: Answered) -> Answer {
    Answer {
        outcome,
        took: 12,
        first_byte: None,
        bytes: 0,
        complete: true,
        contained: true,
        retry_after: None,
        quota_left: None,
        quota: None,
    }
}

fn silent(why: Cause) -> Answer {
    answer(Answered::NoAnswer(NoAnswer { why, detail: "it is as the test says".into() }))
}

/// The decision for the finding that `a.service` does not answer, and what is proposed.
fn decided(answer: Answer, change: impl FnOnce(StandIn) -> StandIn) -> (Decision, Vec<String>) {
    let settings = settings(|settings| settings["serves"] = json!([{ "unit": "a.service", "target": "site" }]));
    let about = Subject::new("target", "site");
    let host = host(unit("a.service")).grants(HTTP_ACTIONS, "{}").answers(CHECK, preview(about));
    let host = change(host.answers("ansai:http/http-probe.look", vec![answer])).host();
    let finding = Observation { key: key("a.service"), ..finding("a.service") };
    let decision = plan(&settings, &host, &finding).unwrap();
    let mut steps = proposed(&host);
    steps.extend(host.stand_in().calls().iter().filter(|call| call.starts_with(CHECK)).map(|_| "check".to_owned()));
    (decision, steps)
}

#[test]
fn a_silent_service_is_restarted_and_checked_by_its_answer() {
    let (decision, steps) = decided(silent(Cause::TimedOut), |host| host);
    assert_eq!(decision, Decision::Apply(OnFailure::Stop));
    assert_eq!(steps, ["capture", "restart", "check-active", "check"]);
}

#[test]
fn what_a_restart_does_not_help_is_told() {
    let overloaded = Answer { retry_after: Some(30_000), ..answer(Answered::Status(503)) };
    for told in [overloaded, answer(Answered::Status(500)), silent(Cause::Tls)] {
        let (decision, steps) = decided(told.clone(), |host| host);
        // Evidence first, then a person.
        assert_eq!((decision, steps), (Decision::ApplyThenReplan(OnFailure::Stop), vec!["capture".to_owned()]));
        let (decision, _) = decided(told, |host| host.refuses(CAPTURE, Refusal::Denied("x".into())));
        assert!(matches!(decision, Decision::Recommend(_)), "{decision:?}");
    }
    let (decision, steps) = decided(silent(Cause::NameNotResolved), |host| host);
    assert!(matches!(decision, Decision::Recommend(_)) && steps.is_empty(), "{decision:?}");
    let (decision, _) = decided(answer(Answered::Status(200)), |host| host);
    assert!(matches!(decision, Decision::Wait(why) if why.contains("answers again")));
}

#[test]
fn restarts_of_failures_and_of_silence_count_together() {
    let with = |outcome| {
        decided(silent(Cause::TimedOut), |host| {
            let restarts = (1..=3).rev().map(|hours| restart(hours * 7 * HOUR, outcome));
            restarts.fold(host, |host, one| host.with_history(Subject::new("unit", "a.service"), one))
        })
    };
    assert_eq!(with(Outcome::Done).0, Decision::ApplyThenReplan(OnFailure::Stop));
    assert_eq!(with(Outcome::Refused).0, Decision::Apply(OnFailure::Stop));
}

#[test]
fn a_check_that_is_refused_does_not_prevent_the_restart() {
    let (decision, steps) = decided(silent(Cause::Closed), |host| host.refuses(CHECK, Refusal::Denied("x".into())));
    assert_eq!(decision, Decision::Apply(OnFailure::Stop));
    assert!(steps.contains(&"restart".to_owned()));
}

#[test]
fn a_failed_service_that_serves_is_checked_by_its_answer_too() {
    let settings = settings(|settings| settings["serves"] = json!([{ "unit": "a.service", "target": "site" }]));
    let host = host(failed("a.service", Ended::ExitCode)).grants(HTTP_ACTIONS, "{}");
    let host = host.answers(CHECK, preview(Subject::new("target", "site"))).host();
    assert_eq!(plan(&settings, &host, &finding("a.service")), Ok(Decision::Apply(OnFailure::Stop)));
    assert!(host.stand_in().calls().iter().any(|call| call.starts_with(CHECK)));
}

#[test]
fn a_common_cause_is_told_and_nothing_is_asked() {
    let host = StandIn::default().host();
    let finding = Observation { key: "no-answers".into(), ..finding("localhost") };
    let decision = plan(&settings(|_| {}), &host, &finding).unwrap();
    assert!(matches!(&decision, Decision::Recommend(advice) if advice[0].detail.contains("network")), "{decision:?}");
    assert_eq!(host.stand_in().calls(), [""; 0]);
}
