use super::*;
use crate::imports::ansai::http::http_probe::{Answer, Cause, NoAnswer, Outcome};
use crate::testing::{failed, listing, settings, unit};
use ansai_sdk::testing::StandIn;
use serde_json::{Value, json};

use crate::imports::ansai::service::service_probe::Ended;

const NOW: u64 = StandIn::NOW;
const LOOK: &str = "ansai:http/http-probe.look";

fn answer(outcome: Outcome) -> Answer {
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

fn status(status: u16) -> Answer {
    answer(Outcome::Status(status))
}

fn no_answer(why: Cause) -> Answer {
    answer(Outcome::NoAnswer(NoAnswer { why, detail: "it is as the test says".into() }))
}

/// One entry for each of these services.
fn serving(units: &[&str]) -> Settings {
    let entries: Vec<Value> = units.iter().map(|unit| json!({ "unit": unit, "target": unit })).collect();
    settings(|settings| settings["serves"] = entries.into())
}

fn open(name: &str) -> Observation {
    Observation::new(key(name), ansai_sdk::Subject::new("unit", name), Status::Unhealthy(Severity::Warning), "silent")
}

/// What is told about `a.service` with this answer, if it is open or has not answered for ten minutes.
fn told(answers: Vec<Answer>, change: impl FnOnce(&mut ServiceUnit)) -> Vec<Observation> {
    let names = ["a.service", "b.service"].into_iter().take(answers.len()).collect::<Vec<_>>();
    let mut units: Vec<ServiceUnit> = names.iter().map(|name| unit(name)).collect();
    change(&mut units[0]);
    let earlier = NOW - 600_000;
    let stored = format!(r#"{{"a.service":{earlier},"b.service":{earlier},"no-answers":{earlier}}}"#);
    let host = listing(units.clone()).answers(LOOK, answers).remembers("unanswered", &stored).host();
    let units: Vec<_> = units.into_iter().map(|unit| (unit.clone(), Condition::of(&unit, NOW, Span(0)))).collect();
    observe(&serving(&names), &host, &units)
}

#[test]
fn each_answer_and_what_it_says() {
    use Severity::{Notice, Warning};
    let busy = |code, wait| Answer { retry_after: wait, ..status(code) };
    let no_text = Answer { contained: false, ..status(200) };
    let refused = answer(Outcome::Refused(Refusal::Busy("no place".into())));
    for (answer, severity, words) in [
        (status(200), None, "a.service answers: target a.service answers with status 200 after 12 ms"),
        (status(399), None, "a.service answers: target a.service answers with status 399 after 12 ms"),
        (status(404), Some(Warning), "answers badly: target a.service answers with status 404"),
        (no_text, Some(Warning), "answers badly: target a.service answers with status 200, without the expected text"),
        (busy(503, Some(30_000)), Some(Warning), "a.service is overloaded: "),
        (busy(429, Some(0)), Some(Warning), "a.service is overloaded: "),
        (busy(503, None), Some(Warning), "answers badly"),
        (busy(500, Some(1)), Some(Warning), "answers badly"),
        (no_answer(Cause::ConnectionRefused), Some(Warning), "answers nothing"),
        (no_answer(Cause::Closed), Some(Warning), "answers nothing"),
        (no_answer(Cause::TimedOut), Some(Warning), "answers nothing"),
        (no_answer(Cause::InvalidAnswer), Some(Warning), "answers nothing"),
        (no_answer(Cause::Tls), Some(Warning), "answers badly"),
        (no_answer(Cause::NameNotResolved), Some(Notice), "cannot be reached"),
        (no_answer(Cause::Unreachable), Some(Notice), "cannot be reached"),
    ] {
        let found = told(vec![answer.clone()], |_| {}).remove(0);
        assert_eq!((found.key.as_str(), found.severity()), ("answers-nothing:a.service", severity), "{answer:?}");
        assert!(found.summary.contains(words), "{}", found.summary);
    }
    for answer in [no_answer(Cause::Other), refused] {
        assert!(matches!(told(vec![answer], |_| {}).remove(0).status, Status::Unknown(_)));
    }
}

#[test]
fn services_that_are_all_silent_have_one_common_cause() {
    for (a, b, is_common) in [
        (Cause::TimedOut, Cause::TimedOut, true),
        (Cause::Unreachable, Cause::NameNotResolved, true),
        (Cause::TimedOut, Cause::Unreachable, true),
        // The machine answers that nothing listens, so the network is there.
        (Cause::ConnectionRefused, Cause::ConnectionRefused, false),
        (Cause::TimedOut, Cause::Closed, false),
    ] {
        let found = told(vec![no_answer(a), no_answer(b)], |_| {});
        let common = found.iter().find(|one| one.key == "no-answers");
        assert_eq!(common.and_then(Observation::severity), is_common.then_some(Severity::Warning), "{a:?} {b:?}");
        let own = found.iter().filter(|one| one.key != "no-answers");
        assert!(
            own.clone().count() == 2 && own.clone().all(|one| matches!(one.status, Status::Unknown(_)) == is_common)
        );
    }
    let one_answers = told(vec![no_answer(Cause::TimedOut), status(200)], |_| {});
    assert_eq!(one_answers.iter().map(Observation::severity).collect::<Vec<_>>(), [Some(Severity::Warning), None]);
    // There is nothing to compare a single one with.
    assert_eq!(told(vec![no_answer(Cause::TimedOut)], |_| {}).len(), 1);
}

#[test]
fn the_common_finding_ends_only_when_a_target_is_reached_or_none_must_answer() {
    let stopped = |name| ServiceUnit { active: ActiveState::Inactive, ..unit(name) };
    let with = |units: Vec<ServiceUnit>, host: &dyn Fn(StandIn) -> StandIn| {
        let common =
            Observation::new(COMMON, StandIn::default().host().host(), Status::Unhealthy(Severity::Warning), "");
        let host = host(listing(units).with_open(common)).host();
        let found = observe(&serving(&["a.service", "b.service"]), &host, &[]);
        found.into_iter().find(|one| one.key == COMMON).unwrap().status
    };
    let is_unknown =
        |status: &Status| matches!(status, Status::Unknown(why) if why.starts_with("no target was reached"));
    let both = || vec![unit("a.service"), unit("b.service")];
    let silent = || no_answer(Cause::TimedOut);
    assert_eq!(with(both(), &|host| host.answers(LOOK, vec![silent(), status(500)])), Status::Healthy);
    let refused = no_answer(Cause::ConnectionRefused);
    assert_eq!(with(both(), &|host| host.answers(LOOK, vec![silent(), refused.clone()])), Status::Healthy);
    let not_asked = answer(Outcome::Refused(Refusal::Busy("x".into())));
    assert!(is_unknown(&with(both(), &|host| host.answers(LOOK, vec![silent(), not_asked.clone()]))));
    assert!(is_unknown(&with(both(), &|host| host.refuses(LOOK, Refusal::Denied("x".into())))));
    let one = vec![unit("a.service"), stopped("b.service")];
    assert!(is_unknown(&with(one, &|host| host.answers(LOOK, vec![silent()]))));
    let failed_too = vec![failed("a.service", Ended::ExitCode), stopped("b.service")];
    assert!(is_unknown(&with(failed_too, &|host| host)));
    assert_eq!(with(vec![stopped("a.service"), stopped("b.service")], &|host| host), Status::Healthy);
}

#[test]
fn a_start_in_the_future_hides_nothing() {
    let found = told(vec![no_answer(Cause::TimedOut)], |unit| unit.since = Some(NOW + 3_600_000)).remove(0);
    assert_eq!(found.severity(), Some(Severity::Warning));
}

#[test]
fn the_plan_asks_only_services_that_run() {
    let stopped = ServiceUnit { active: ActiveState::Inactive, ..unit("b.service") };
    let asked = |b: ServiceUnit| {
        let host = listing(vec![unit("a.service"), b]).answers(LOOK, vec![no_answer(Cause::TimedOut); 2]).host();
        now(&serving(&["a.service", "b.service"]), &host, "a.service").unwrap().1
    };
    assert_eq!((asked(unit("b.service")), asked(stopped)), (true, false));
}

#[test]
fn a_service_has_time_from_its_start_and_is_silent_only_in_this_run() {
    let silent =
        |ago: u64| told(vec![no_answer(Cause::TimedOut)], |unit| unit.since = Some(NOW - ago)).remove(0).status;
    assert!(matches!(silent(59_999), Status::Unknown(why) if why.contains("it was started 59")));
    assert_eq!(silent(60_000), Status::Unhealthy(Severity::Warning));
    let never_touch = told(vec![no_answer(Cause::TimedOut)], |unit| unit.never_touch = true).remove(0);
    assert!(never_touch.summary.ends_with("no step may touch it"));
}

#[test]
fn the_first_look_reports_nothing_yet() {
    let host = listing(vec![unit("a.service")]).answers(LOOK, vec![no_answer(Cause::TimedOut)]).host();
    let found = observe(&serving(&["a.service"]), &host, &[]).remove(0);
    assert!(matches!(&found.status, Status::Unknown(why) if why.contains("reported when it lasts 1 min")), "{found:?}");
    assert_eq!(host.recall("unanswered"), Some(format!(r#"{{"a.service":{NOW}}}"#)));
}

#[test]
fn an_open_finding_ends_only_by_an_answer_or_because_none_is_expected() {
    let with = |state: ServiceUnit, answers: Vec<Answer>| {
        let host = listing(vec![state]).answers(LOOK, answers).with_open(open("a.service")).host();
        observe(&serving(&["a.service"]), &host, &[]).remove(0).status
    };
    let fresh = ServiceUnit { since: Some(NOW), ..unit("a.service") };
    assert_eq!(with(unit("a.service"), vec![status(200)]), Status::Healthy);
    assert_eq!(with(fresh.clone(), vec![no_answer(Cause::TimedOut)]), Status::Unhealthy(Severity::Warning));
    assert_eq!(with(fresh, vec![status(200)]), Status::Healthy);
    let stopped = ServiceUnit { active: ActiveState::Inactive, ..unit("a.service") };
    assert_eq!(with(stopped, vec![]), Status::Healthy);
    assert!(matches!(with(failed("a.service", Ended::ExitCode), vec![]), Status::Unknown(_)));
    let starting = ServiceUnit { active: ActiveState::Activating, ..unit("a.service") };
    assert!(matches!(with(starting, vec![]), Status::Unknown(_)));

    let not_named = listing(vec![unit("a.service")]).with_open(open("a.service")).host();
    assert_eq!(observe(&serving(&[]), &not_named, &[]).remove(0).status, Status::Healthy);
    let look = "ansai:service/service-probe.look";
    for refusal in [Refusal::NotFound("x".into()), Refusal::Denied("x".into())] {
        let host = StandIn::default().refuses(look, refusal).host();
        let found = observe(&serving(&["a.service"]), &host, &[]).remove(0);
        assert!(matches!(found.status, Status::Unknown(_)), "what the setting names is never left out: {found:?}");
    }
    for (refusal, is_gone) in [(Refusal::NotFound("x".into()), true), (Refusal::TimedOut("x".into()), false)] {
        let host = StandIn::default().refuses(look, refusal).with_open(open("a.service")).host();
        assert_eq!(observe(&serving(&["a.service"]), &host, &[]).remove(0).status == Status::Gone, is_gone);
    }
}

#[test]
fn a_probe_that_is_not_granted_is_unknown_and_nothing_else_changes() {
    let host = listing(vec![unit("a.service")]).refuses(LOOK, Refusal::Denied("not granted".into())).host();
    let found = crate::detect::detect(&serving(&["a.service"]), &host).unwrap();
    let keys: Vec<&str> = found.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["a.service", "answers-nothing:a.service"]);
    assert_eq!(found[0].status, Status::Healthy);
    assert!(matches!(&found[1].status, Status::Unknown(why) if why.contains("not granted")));
}

#[test]
fn nothing_is_asked_without_the_setting_and_of_what_does_not_run() {
    let asked = |settings: &Settings, state: ServiceUnit| {
        let host = listing(vec![state]).answers(LOOK, vec![status(200)]).host();
        crate::detect::detect(settings, &host).unwrap();
        host.stand_in().calls().iter().filter(|call| call.starts_with(LOOK)).count()
    };
    assert_eq!(asked(&settings(|_| {}), unit("a.service")), 0);
    assert_eq!(asked(&serving(&["a.service"]), failed("a.service", Ended::ExitCode)), 0);
    assert_eq!(asked(&serving(&["a.service"]), unit("a.service")), 1);
}
