//! Plans that are announced: they wait, a person can reject them, and then they are applied.

use std::sync::Arc;

use ansai_core::approval::{Approval, ApprovalState};
use ansai_core::control::NewDecision;
use ansai_core::event::{ApprovalDecision, Verdict};
use ansai_core::incident::Permission;
use ansai_core::maintenance::Maintenance;
use ansai_core::order::Person;
use ansai_core::{Event, Millis, Mode, OnFailure, Outcome, RetryPolicy, Severity, Status};
use ansai_supervisor::approvals::approvals;
use ansai_supervisor::{Instance, PlanReport};

use crate::ladder_killed::closed;
use crate::scene::{ONE, Scene, fixed};
use crate::script::{Script, Step, observation};

fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.announce = Millis::from_hours(1);
    scene.script(&Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop));
    scene
}

async fn pass(scene: &Scene, mode: Mode) -> PlanReport {
    pass_of(scene, mode, scene.instance(ONE)).await
}

async fn pass_of(scene: &Scene, mode: Mode, instance: Instance) -> PlanReport {
    let reports = scene.open_all(fixed(mode), vec![instance]).unwrap().run_once().await;
    let mut plans = reports.into_iter().flat_map(|report| report.findings).flat_map(|finding| finding.plans);
    plans.next_back().expect("a plan")
}

fn waits(plan: &PlanReport) -> bool {
    matches!(&plan.verdict, Some(Verdict::Held(Permission::Announced { plan: id, .. })) if *id == plan.plan)
}

fn known(scene: &Scene) -> Vec<Approval> {
    approvals(&scene.state_dir().join("state.db")).unwrap()
}

/// Its time is over.
fn time_passes(scene: &Scene) {
    let database = rusqlite::Connection::open(scene.state_dir().join("state.db")).unwrap();
    assert_eq!(database.execute("UPDATE approval SET value = json_set(value, '$.until', 1)", []).unwrap(), 1);
}

/// Would break: a plan that does not wait, one that is never applied, or one that is applied twice.
#[tokio::test]
async fn an_announced_plan_is_applied_once_when_its_time_is_over() {
    let scene = scene();
    let first = pass(&scene, Mode::Enforce).await;
    assert!(waits(&first), "{:?}", first.verdict);
    let again = pass(&scene, Mode::Enforce).await;
    assert!(waits(&again) && again.plan == first.plan, "it waits under one name");
    assert!(scene.intents().is_empty());
    time_passes(&scene);
    let applied = pass(&scene, Mode::Enforce).await;
    assert_eq!((&applied.plan, &applied.verdict), (&first.plan, &Some(Verdict::Approved)));
    assert_eq!((scene.outcomes(), scene.text("history")), (vec![(0, Outcome::Done)], "mark a\n".into()));
    let by = scene.events().into_iter().find_map(|event| match event {
        Event::Approval { by, .. } => by.name,
        _ => None,
    });
    assert_eq!(by.as_deref(), Some("ansai, as announced"));
    // It is still sick: the next one is announced again.
    let next = pass(&scene, Mode::Enforce).await;
    assert!(waits(&next) && next.plan != first.plan, "{:?}", next.verdict);
    scene.finish().await;
}

/// Would break: a veto that comes too late or holds nothing.
#[tokio::test]
async fn a_person_stops_an_announced_plan() {
    let mut scene = scene();
    // Without a cooldown, the policy is asked again, and the next plan is announced.
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), ..RetryPolicy::default() };
    let plan = pass(&scene, Mode::Enforce).await.plan;
    let (decision, reason) = (ApprovalDecision::Rejected, Some("not now".to_owned()));
    let alice = Person { uid: 4_711, name: Some("alice".into()) };
    let rejected =
        scene.open_with(fixed(Mode::Enforce)).unwrap().decide(&NewDecision { plan, decision, reason }, &alice);
    assert_eq!(rejected.unwrap().state, ApprovalState::Rejected);
    time_passes(&scene);
    let held = pass(&scene, Mode::Enforce).await;
    assert!(matches!(held.verdict, Some(Verdict::Held(Permission::Rejected { .. }))), "{:?}", held.verdict);
    assert!(scene.intents().is_empty());
    scene.finish().await;
}

/// Would break: an announcement that stands for the approval that the operator wants since then.
#[tokio::test]
async fn an_announcement_is_no_approval() {
    let scene = scene();
    let first = pass(&scene, Mode::Enforce).await;
    time_passes(&scene);
    let held = pass(&scene, Mode::Approve).await;
    assert!(matches!(held.verdict, Some(Verdict::Held(Permission::AwaitsApproval { .. }))), "{:?}", held.verdict);
    assert_eq!((scene.intents(), known(&scene).last().unwrap().state), (vec![], ApprovalState::Ended));
    assert_eq!(known(&scene).last().unwrap().plan, first.plan);
    scene.finish().await;
}

fn is_sick(scene: &Scene, severity: Severity) {
    let script = Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop);
    scene.script(&script.saying(Ok(vec![observation(Status::Unhealthy(severity))])));
}

/// Would break: an announced plan that is never applied because its incident got worse.
#[tokio::test]
async fn an_announced_plan_of_an_incident_that_gets_worse_is_applied() {
    let scene = scene();
    is_sick(&scene, Severity::Warning);
    let first = pass(&scene, Mode::Enforce).await;
    assert!(waits(&first), "{:?}", first.verdict);
    is_sick(&scene, Severity::Critical);
    let again = pass(&scene, Mode::Enforce).await;
    assert!(waits(&again) && again.plan == first.plan, "it keeps its time: {:?}", again.verdict);
    time_passes(&scene);
    let applied = pass(&scene, Mode::Enforce).await;
    assert_eq!((&applied.plan, &applied.verdict), (&first.plan, &Some(Verdict::Approved)));
    scene.finish().await;
}

/// Would break: an emergency that waits because its incident was announced when it was less severe.
#[tokio::test]
async fn an_emergency_does_not_wait_for_an_announcement() {
    let scene = scene();
    is_sick(&scene, Severity::Warning);
    let first = pass(&scene, Mode::Enforce).await;
    assert!(waits(&first), "{:?}", first.verdict);
    is_sick(&scene, Severity::Emergency);
    let applied = pass(&scene, Mode::Enforce).await;
    assert_eq!((applied.plan == first.plan, &applied.verdict), (false, &Some(Verdict::Approved)));
    scene.finish().await;
}

/// Would break: a plan that the host approved, applied without a person although the operator wants one since then.
#[tokio::test]
async fn what_the_host_approved_does_not_replace_a_person() {
    let scene = scene();
    let first = pass(&scene, Mode::Enforce).await;
    time_passes(&scene);
    let maintenance = Maintenance { windows: vec![closed().parse().unwrap()], emergency_passes: false };
    let instance = Instance { maintenance: Arc::new(maintenance), ..scene.instance(ONE) };
    let held = pass_of(&scene, Mode::Enforce, instance).await;
    assert!(matches!(held.verdict, Some(Verdict::Held(Permission::OutsideWindow(_)))), "{:?}", held.verdict);
    assert_eq!(known(&scene).last().unwrap().state, ApprovalState::Approved);
    let asked = pass(&scene, Mode::Approve).await;
    assert!(matches!(asked.verdict, Some(Verdict::Held(Permission::AwaitsApproval { .. }))), "{:?}", asked.verdict);
    assert!(asked.plan != first.plan && scene.intents().is_empty());
    scene.finish().await;
}
