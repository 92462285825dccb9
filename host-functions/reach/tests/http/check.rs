//! `check`: a step that waits until a server answers well, and that it goes on to.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ansai_core::{Outcome, Preview, Refusal, Scope, Timestamp, Touch};
use ansai_kit::action::{Action, Applied, Begun, Progress, StepContext};
use ansai_kit::carrier::{Carrier, Lost, RequestText};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::scene::{LONG, Scene};
use crate::servers::{Manner, Server, answer};

fn action() -> &'static dyn Action {
    crate::carrier::registry().action("ansai:http/http-actions.check").unwrap().2
}

fn arguments(change: impl FnOnce(&mut Value)) -> Box<RawValue> {
    let mut value = json!({
        "request": { "target": "site", "path": "/health", "method": "get", "contains": null },
        "least-status": 200, "most-status": 299, "within": 1_000, "holds": 0, "reason": "test",
    });
    change(&mut value);
    RawValue::from_string(value.to_string()).unwrap()
}

fn preview(scene: &Scene, arguments: &RawValue) -> Result<(Preview, Vec<Touch>), Refusal> {
    let (scope, reach, deadline) = (Scope::default(), scene.reach(), Deadline::after(LONG));
    let now = Timestamp::EPOCH;
    let ask = ProbeContext { host: &scene.host, scope: &scope, reach: &reach, now, deadline: &deadline };
    action().preview(&ask, arguments, &[]).map(|found| (found.preview, found.touches))
}

/// The process that calls servers cannot be started.
#[derive(Debug)]
struct NoProcess;

impl Carrier for NoProcess {
    fn carry(&self, _request: RequestText, _deadline: &Deadline, _ends: bool) -> Result<Box<RawValue>, Lost> {
        Err(Lost::NotSent(Refusal::Unavailable("no process".into())))
    }
}

#[test]
fn a_preview_needs_no_other_process() {
    let mut scene = Scene::with("http://127.0.0.1:1");
    scene.host = Host::at(scene.path()).carried_by(Arc::new(NoProcess));
    let (preview, _) = preview(&scene, &arguments(|_| {})).unwrap();
    assert!(preview.sample[0].contains("target `site`"), "{:?}", preview.sample);
}

/// A step that has begun at the epoch.
struct Running<'s> {
    scene: &'s Scene,
    step: &'static str,
    arguments: Box<RawValue>,
    handle: Box<RawValue>,
}

impl Running<'_> {
    fn begin<'s>(scene: &'s Scene, step: &'static str, arguments: Box<RawValue>) -> Running<'s> {
        let handle = RawValue::from_string("{}".into()).unwrap();
        let mut running = Running { scene, step, arguments, handle };
        let Begun::Running { handle, .. } = running.with(0, |doing, _| action().begin(doing)).unwrap() else {
            panic!("it is over at once")
        };
        running.handle = handle;
        running
    }

    fn with<T>(&self, millis: u64, body: impl FnOnce(&StepContext<'_>, &RawValue) -> T) -> T {
        let (scope, reach) = (Scope::default(), self.scene.reach());
        let (targets, stop) = (RawValue::from_string("\"site\"".into()).unwrap(), AtomicBool::new(false));
        let doing = StepContext {
            host: &self.scene.host,
            scope: &scope,
            reach: &reach,
            now: Timestamp::from_millis(millis),
            step_id: self.step,
            arguments: &self.arguments,
            targets: &targets,
            stop: &stop,
        };
        body(&doing, &self.handle)
    }

    fn poll(&self, millis: u64) -> Progress {
        self.with(millis, |doing, handle| action().poll(doing, handle))
    }

    /// The note of a step that goes on.
    fn goes_on(&self, millis: u64) -> String {
        match self.poll(millis) {
            Progress::Running { note, .. } => note,
            Progress::Finished(applied) => panic!("it is over: {applied:?}"),
        }
    }

    fn ends(&self, millis: u64) -> Applied {
        match self.poll(millis) {
            Progress::Finished(applied) => applied,
            Progress::Running { note, .. } => panic!("it goes on: {note}"),
        }
    }
}

fn good() -> Manner {
    answer(200, "", "all fine")
}

#[test]
fn it_waits_until_the_answer_is_good() {
    let server = Server::start(answer(503, "", ""));
    let scene = Scene::with(&server.origin());
    let step = Running::begin(&scene, "1-waits", arguments(|_| {}));
    assert!(step.goes_on(0).starts_with("GET /health of target `site`: status 503 after"));
    server.becomes(Manner::Sends(Vec::new()));
    assert_eq!(step.goes_on(500), "GET /health of target `site`: it closed the connection");
    server.becomes(good());
    let over = step.ends(900);
    assert_eq!((over.outcome, over.reason), (Outcome::Done, None));
}

#[test]
fn it_fails_with_what_was_seen_last() {
    let server = Server::start(answer(500, "", ""));
    let scene = Scene::with(&server.origin());
    let step = Running::begin(&scene, "2-fails", arguments(|_| {}));
    let over = step.ends(1_000);
    assert!(over.detail.starts_with("GET /health of target `site`: status 500 after"), "{}", over.detail);
    assert!(matches!(over.reason, Some(Refusal::Unavailable(_))) && over.outcome == Outcome::Failed);
}

#[test]
fn a_server_that_hangs_costs_no_more_than_the_time_of_the_step() {
    let server = Server::start(Manner::Hangs("HTTP/1.1 200 OK\r\n"));
    let scene = Scene::with(&server.origin());
    let over = Running::begin(&scene, "3-hangs", arguments(|_| {})).ends(1_000);
    assert_eq!(over.detail, "GET /health of target `site`: it did not answer in time");
}

#[test]
fn the_text_belongs_to_a_good_answer() {
    let server = Server::start(good());
    let scene = Scene::with(&server.origin());
    let with = |text: &str| arguments(|value| value["request"]["contains"] = text.into());
    assert_eq!(Running::begin(&scene, "4-text", with("all fine")).ends(0).outcome, Outcome::Done);
    assert!(Running::begin(&scene, "4-no-text", with("broken")).goes_on(0).ends_with("without the expected text"));
}

#[test]
fn it_stays_good_for_a_time_that_no_clock_shortens() {
    let server = Server::start(good());
    let scene = Scene::with(&server.origin());
    let holds = |time: u64| arguments(|value| value["holds"] = time.into());
    let step = Running::begin(&scene, "5-holds", holds(3_600_000));
    assert!(step.goes_on(0).contains(" more"));
    // The clock was set forward, and `within` is over: the answer was good before.
    assert!(step.goes_on(1_700_000_000_000).contains(" more"));
    server.becomes(answer(502, "", ""));
    let over = step.ends(2_000);
    assert_eq!(over.outcome, Outcome::Failed);
    assert!(over.detail.contains(": good for ") && over.detail.contains(", then status 502"), "{}", over.detail);

    server.becomes(good());
    let step = Running::begin(&scene, "5-held", holds(20));
    step.goes_on(0);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(step.ends(20).outcome, Outcome::Done);
    // Nothing of it is left: the next step with this name begins again.
    step.goes_on(20);
}

#[test]
fn a_check_that_is_cancelled_is_forgotten() {
    let server = Server::start(good());
    let scene = Scene::with(&server.origin());
    let step = Running::begin(&scene, "6-cancelled", arguments(|value| value["holds"] = 3_600_000.into()));
    step.goes_on(0);
    let over = step.with(0, |doing, handle| action().cancel(doing, handle));
    assert_eq!((over.outcome, over.detail.as_str()), (Outcome::Failed, "the check was cancelled; it changed nothing"));
    server.becomes(answer(500, "", ""));
    // It is not good any more, and does not fail at once: it waits again.
    step.goes_on(0);
}

#[test]
fn a_target_that_was_taken_away_is_not_called() {
    let server = Server::start(good());
    let mut scene = Scene::with(&server.origin());
    scene.target("forbidden", &server.origin());
    let taken = arguments(|value| value["request"]["target"] = "forbidden".into());
    let step = Running { step: "7-taken", ..Running::begin(&scene, "7-granted", arguments(|_| {})) };
    let step = Running { arguments: taken, ..step };
    let over = step.ends(1_000);
    assert!(matches!(over.reason, Some(Refusal::Denied(_))) && server.requests().is_empty(), "{over:?}");
}

#[test]
fn a_preview_calls_no_server_and_touches_nothing() {
    let server = Server::start(Manner::Hangs(""));
    let scene = Scene::with(&server.origin());
    let (preview, touches) = preview(&scene, &arguments(|value| value["holds"] = 5_000.into())).unwrap();
    let sample = "GET /health of target `site` has a status from 200 to 299 within 1 s, and for 5 s more";
    assert_eq!((preview.items, preview.sample), (0, vec![sample.to_owned()]));
    assert_eq!(touches, [Touch::shared(preview.about.clone())]);
    assert_eq!((preview.about.kind.as_str(), preview.about.name.as_str()), ("target", "site"));
    assert!(server.requests().is_empty());
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let scene = Scene::with("http://127.0.0.1:1");
    let changes: [fn(&mut Value); 7] = [
        |value| value["request"]["path"] = "//evil.example".into(),
        |value| value["request"]["target"] = "unknown".into(),
        |value| value["least-status"] = 99.into(),
        |value| value["most-status"] = 600.into(),
        |value| value["least-status"] = 300.into(),
        |value| value["within"] = 3_600_001.into(),
        |value| value["holds"] = u64::MAX.into(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let refused = preview(&scene, &arguments(change)).unwrap_err();
        assert!(matches!(refused, Refusal::Invalid(_) | Refusal::NotFound(_)), "{number}: {refused}");
    }
}
