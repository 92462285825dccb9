//! Verification is repeated until the finding is healthy or the time is over.

use ansai_core::event::Phase;
use ansai_core::{Event, Millis, OnFailure, Outcome, Status};
use ansai_supervisor::InstanceReport;

use crate::scene::{Scene, eventually};
use crate::script::{Call, Script, Step};

/// Longer than any test may take.
const LONG: Millis = Millis::from_hours(1);

/// Each verification in the audit log: its result, and the number of its evaluations.
fn verified(scene: &Scene) -> Vec<(Status, u32)> {
    let verified = |event| match event {
        Event::Verified { status, evaluations, .. } => Some((status, evaluations)),
        _ => None,
    };
    scene.events().into_iter().filter_map(verified).collect()
}

/// Recordings of verifications.
fn recorded(scene: &Scene) -> u32 {
    u32::try_from(scene.recorded(Phase::Detect, "verification").len()).unwrap()
}

fn within(time: Millis) -> Scene {
    let mut scene = Scene::new();
    scene.retry_policy.verify_within = time;
    scene
}

fn status(reports: &[InstanceReport]) -> Option<Status> {
    reports[0].findings[0].verified.clone()
}

/// Would break: one verification only, or one that waits for the end of the time.
#[tokio::test]
async fn what_becomes_healthy_ends_the_verification_early() {
    let scene = within(LONG);
    let healthy = scene.path("healthy");
    let script = Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop).healthy_once(healthy.clone());
    scene.script(&script);
    let supervisor = scene.open();
    let pass = tokio::spawn(async move { supervisor.run_once().await });
    eventually(|| (recorded(&scene) > 0).then_some(())).await;
    std::fs::write(healthy, "").unwrap();
    assert_eq!(status(&pass.await.unwrap()), Some(Status::Healthy));
    let recorded = recorded(&scene);
    assert!(recorded > 1);
    assert_eq!(verified(&scene), [(Status::Healthy, recorded)], "each evaluation has a recording");
    scene.finish().await;
}

#[tokio::test]
async fn what_is_healthy_at_once_is_verified_once() {
    let scene = within(LONG);
    let healthy = scene.path("a");
    scene.script(&Script::sick(vec![Step::mark(&healthy)], OnFailure::Stop).healthy_once(healthy));
    scene.open().run_once().await;
    assert_eq!((verified(&scene), recorded(&scene)), (vec![(Status::Healthy, 1)], 1));
    scene.finish().await;
}

/// The time is shorter than the first pause: the last evaluation is at its end.
#[tokio::test]
async fn what_stays_unhealthy_is_told_when_the_time_is_over() {
    let scene = within(Millis::new(500));
    scene.script(&Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop));
    let reports = scene.open().run_once().await;
    assert!(matches!(status(&reports), Some(Status::Unhealthy(_))));
    let [(Status::Unhealthy(_), evaluations)] = verified(&scene)[..] else { panic!("{:?}", verified(&scene)) };
    assert_eq!(evaluations, recorded(&scene));
    scene.finish().await;
}

#[tokio::test]
async fn a_policy_without_an_answer_is_asked_again() {
    let scene = within(LONG);
    let marked = scene.path("a");
    let script = Script::sick(vec![Step::new(Call::Mark, 0, 0, &marked)], OnFailure::Stop);
    // Nothing is known while a service restarts.
    scene.script(&script);
    let supervisor = scene.open();
    let pass = tokio::spawn(async move { supervisor.run_once().await });
    eventually(|| marked.exists().then_some(())).await;
    scene.script(&script.clone().saying(Err("it restarts".into())));
    let unanswered = recorded(&scene);
    eventually(|| (recorded(&scene) > unanswered + 1).then_some(())).await;
    scene.script(&script.healthy_once(marked));
    assert_eq!(status(&pass.await.unwrap()), Some(Status::Healthy));
    scene.finish().await;
}

#[tokio::test]
async fn a_plan_that_changed_nothing_is_verified_once() {
    let scene = within(LONG);
    scene.script(&Script::sick(vec![Step::new(Call::Flaky, 1, 0, scene.path("a"))], OnFailure::Stop));
    let reports = scene.open().run_once().await;
    assert_eq!(reports[0].findings[0].plans[0].steps[0].outcome, Some(Outcome::Refused));
    assert_eq!(recorded(&scene), 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_stop_ends_the_verification() {
    let scene = within(LONG);
    scene.script(&Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop));
    let supervisor = scene.open();
    let running = supervisor.clone();
    let pass = tokio::spawn(async move { running.run_once().await });
    eventually(|| (recorded(&scene) > 0).then_some(())).await;
    supervisor.stop("a test");
    assert!(matches!(status(&pass.await.unwrap()), Some(Status::Unhealthy(_))));
    drop(supervisor);
    scene.finish().await;
}
