//! What persons decide: rejections, decisions that are taken back, and several at once.

use ansai_core::approval::ApprovalState;
use ansai_core::event::{ApprovalDecision, Verdict};
use ansai_core::incident::Permission;
use ansai_core::{Millis, Mode, Observation, RetryPolicy, Severity, Status};

use super::{alice, approved, decide, marking, pass, request, waits};
use crate::scene::{Scene, fixed};
use crate::script::observation;

#[tokio::test]
async fn a_rejection_holds_the_incident_until_it_gets_worse() {
    let mut scene = Scene::new();
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), ..RetryPolicy::default() };
    let sick = |severity| {
        let finding: Observation = observation(Status::Unhealthy(severity));
        marking(&scene, "a").saying(Ok(vec![finding]))
    };
    scene.script(&sick(Severity::Warning));
    let plan = pass(&scene).await.plan;
    decide(&scene, &plan, ApprovalDecision::Rejected).unwrap();
    let twice = decide(&scene, &plan, ApprovalDecision::Approved).unwrap_err().to_string();
    assert!(twice.contains("already rejected by alice (uid 4711)"), "{twice}");
    for _ in 0..2 {
        let held = pass(&scene).await;
        assert!(matches!(held.verdict, Some(Verdict::Held(Permission::Rejected { .. }))), "{:?}", held.verdict);
    }
    scene.script(&sick(Severity::Emergency));
    let worse = pass(&scene).await;
    assert!(waits(&worse) && worse.plan != plan);
    assert!(scene.intents().is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn an_approval_can_be_taken_back() {
    let (scene, plan) = approved().await;
    assert_eq!(decide(&scene, &plan, ApprovalDecision::Rejected).unwrap().state, ApprovalState::Rejected);
    // Without a cooldown, the policy is asked again.
    let next = pass(&scene).await;
    assert!(waits(&next) && next.plan != plan);
    assert!(scene.intents().is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn of_two_decisions_at_once_one_counts() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let plan = pass(&scene).await.plan;
    let supervisor = scene.open_with(fixed(Mode::Approve)).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (supervisor, plan) = (supervisor.clone(), plan.clone());
            std::thread::spawn(move || supervisor.decide(&request(&plan, ApprovalDecision::Approved), &alice()).is_ok())
        })
        .collect();
    let counted = threads.into_iter().map(|thread| thread.join().unwrap()).filter(|counts| *counts).count();
    drop(supervisor);
    assert_eq!(counted, 1);
    assert_eq!(pass(&scene).await.plan, plan);
    assert_eq!(scene.outcomes().len(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_waiting_plan_has_nothing_to_undo() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let plan = pass(&scene).await.plan;
    let undone = scene.open_with(fixed(Mode::Approve)).unwrap().undo(&plan, None, "a person").unwrap();
    assert_eq!((undone[0].outcome, undone[0].detail.as_str()), (None, "it was on hold, and not applied"));
    scene.finish().await;
}
