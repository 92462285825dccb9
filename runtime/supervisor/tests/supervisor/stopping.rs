//! A pass ends, whatever its policy does: soon after a stop, and after its evaluations. Each test waits for events, and none
//! for a time: without the guarantee, the limits of the evaluation, which are an hour, end it.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::{ErrorKind, Event, Limits, Millis, Mode, Observation, OnFailure, Severity, Status, Subject};
use ansai_host_functions::live::LiveHost;
use ansai_kit::action::Proposed;
use ansai_kit::backend::{Answer, Backend};
use ansai_kit::call::Call;
use ansai_kit::evaluation_state::EvaluationState;
use ansai_kit::host_access::{EvaluationStart, HostAccess, HostBackend};
use ansai_supervisor::{Instance, Supervisor};
use tokio::task::JoinHandle;

use crate::over_live::{OverLive, host};
use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{How, Script, Step, observation};

/// Longer than the test runner waits.
const HOUR_MS: u64 = 3_600_000;

/// The one instance, with so much that only a stop ends it.
fn open(scene: &Scene, mode: Mode) -> Supervisor {
    let limits = Limits { fuel: u64::MAX / 2, deadline_ms: HOUR_MS, call_deadline_ms: HOUR_MS, ..Limits::default() };
    scene.open_all(fixed(mode), vec![Instance { limits, ..scene.instance(ONE) }]).unwrap()
}

fn run(supervisor: &Supervisor, once: bool) -> JoinHandle<()> {
    let supervisor = supervisor.clone();
    tokio::spawn(async move {
        if once {
            supervisor.run_once().await;
        } else {
            supervisor.run().await;
        }
    })
}

/// The kinds of the passes and plans without an answer.
fn kinds(scene: &Scene) -> Vec<Option<ErrorKind>> {
    let kind = |event| match event {
        Event::Failed { kind, .. } | Event::PlanFailed { kind, .. } => Some(kind),
        _ => None,
    };
    scene.events().into_iter().filter_map(kind).collect()
}

/// Would break: an evaluation that ends at its deadline only.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_guest_code_that_never_ends() {
    for once in [true, false] {
        let scene = Scene::new();
        scene.script(&Script::sick(vec![], OnFailure::Stop).behaving(How::NeverEnds));
        let supervisor = open(&scene, Mode::Observe);
        let running = run(&supervisor, once);
        // It may be evaluated already, or not yet: both end.
        tokio::task::yield_now().await;
        supervisor.stop("SIGTERM");
        running.await.unwrap();
        assert_eq!(kinds(&scene).iter().filter(|kind| **kind != Some(ErrorKind::Aborted)).count(), 0);
        assert!(matches!(scene.events().last(), Some(Event::Stopped { why, .. }) if why == "SIGTERM"));
    }
}

/// Would break: a call that is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_a_call_that_the_host_never_answers() {
    let mut scene = Scene::new();
    scene.host = |live| host(NeverAnswers(live));
    scene.script(&Script::sick(vec![], OnFailure::Stop));
    let supervisor = open(&scene, Mode::Observe);
    let running = run(&supervisor, true);
    tokio::task::yield_now().await;
    supervisor.stop("SIGTERM");
    running.await.unwrap();
    assert_eq!(kinds(&scene), [Some(ErrorKind::Aborted)]);
}

/// Would break: a pause that does not see the stop.
#[tokio::test]
async fn a_stop_ends_the_time_in_which_a_step_settles() {
    let mut scene = Scene::new();
    scene.retry_policy.settle = Millis::from_hours(24);
    let marked = scene.path("marked");
    scene.script(&Script::sick(vec![Step::mark(&marked)], OnFailure::Stop));
    let supervisor = open(&scene, Mode::Enforce);
    let running = run(&supervisor, true);
    eventually(|| (!scene.outcomes().is_empty()).then_some(())).await;
    supervisor.stop("SIGTERM");
    running.await.unwrap();
    assert!(scene.events().iter().any(|event| matches!(event, Event::Verified { .. })), "the attempt is told");
    drop(supervisor);
    scene.finish().await;
}

/// Would break: one plan for each finding, however many there are.
#[tokio::test(flavor = "multi_thread")]
async fn a_pass_has_so_many_evaluations() {
    const MORE: usize = 3;
    let scene = Scene::new();
    let finding = |at: usize| Observation {
        key: format!("k{at}"),
        about: Subject::new("test", at.to_string()),
        ..observation(Status::Unhealthy(Severity::Notice))
    };
    scene.script(&Script::sick(vec![], OnFailure::Stop).saying(Ok((0..1_000 + MORE).map(finding).collect())));
    let limits = Limits { observations: 2_000, fuel: u64::MAX / 2, ..Limits::default() };
    let instance = Instance { limits, ..scene.instance(ONE) };
    let supervisor = scene.open_all(fixed(Mode::Observe), vec![instance]).unwrap();
    let pass = Arc::new(supervisor);
    let reports = tokio::time::timeout(Duration::from_millis(HOUR_MS), pass.run_once()).await.unwrap();
    assert_eq!(reports[0].findings.len(), 1_000 + MORE);
    let kinds = kinds(&scene);
    assert_eq!(kinds.iter().filter(|kind| **kind == Some(ErrorKind::PassLimit)).count(), MORE, "{kinds:?}");
    // The next pass has its own. The same is not recorded again, so the report shows it.
    let reports = pass.run_once().await;
    let plans = reports[0].findings.iter().flat_map(|finding| &finding.plans);
    assert_eq!(plans.filter(|plan| plan.error_kind == Some(ErrorKind::PassLimit)).count(), MORE);
}

/// A host whose calls hang.
struct NeverAnswers(LiveHost);

impl OverLive for NeverAnswers {
    fn live(&self) -> &LiveHost {
        &self.0
    }

    fn backend(&self, start: EvaluationStart) -> Box<dyn HostBackend> {
        Box::new(Hangs(HostAccess::backend(&self.0, start)))
    }
}

struct Hangs(Box<dyn HostBackend>);

impl Backend for Hangs {
    fn ask<'a>(&'a mut self, _: Call<'a>) -> Answer<'a> {
        Answer::Later(Box::pin(std::future::pending()))
    }
}

impl HostBackend for Hangs {
    fn finish(self: Box<Self>) -> (Vec<Arc<Proposed>>, EvaluationState) {
        self.0.finish()
    }
}
