//! Approvals of stages, during a cooldown, and of incidents that came back.

use ansai_core::event::{ApprovalEnd, Verdict};
use ansai_core::incident::{FlapLimit, Permission};
use ansai_core::{Decision, Event, Millis, Mode, OnFailure, RetryPolicy, Status};

use super::{approve, ends, marking, pass, plans_of, waits};
use crate::scene::{Scene, fixed};
use crate::script::{Script, observation};

#[tokio::test]
async fn each_stage_needs_its_own_approval_within_one_attempt() {
    let mut scene = Scene::new();
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), max_attempts: 1, ..RetryPolicy::default() };
    let staged = |name: &str| Script {
        decision: Decision::ApplyThenReplan(OnFailure::Stop),
        ..marking(&scene, name).healthy_once(scene.path("b"))
    };
    scene.script(&staged("a"));
    let first = pass(&scene).await.plan;
    approve(&scene, &first);
    let plans = plans_of(scene.open_with(fixed(Mode::Approve)).unwrap()).await;
    assert_eq!((plans.len(), &plans[0].plan), (2, &first));
    assert!(waits(&plans[1]), "{:?}", plans[1].verdict);
    assert_eq!(scene.text("history"), "mark a\n");

    scene.script(&staged("b"));
    let one = plans[1].plan.clone();
    approve(&scene, &one);
    // The policy proposes something else now.
    let second = pass(&scene).await;
    assert_eq!(ends(&scene), [ApprovalEnd::Steps]);
    assert!(matches!(second.verdict, Some(Verdict::Held(Permission::Exhausted(1)))), "{:?}", second.verdict);
    scene.finish().await;
}

#[tokio::test]
async fn an_approved_stage_waits_for_no_cooldown() {
    let mut scene = Scene::new();
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), max_attempts: 1, ..RetryPolicy::default() };
    scene.script(&Script { decision: Decision::ApplyThenReplan(OnFailure::Stop), ..marking(&scene, "a") });
    let first = pass(&scene).await.plan;
    approve(&scene, &first);
    let second = pass(&scene).await;
    assert!(waits(&second));
    // A mark is made once.
    std::fs::remove_file(scene.path("a")).unwrap();
    approve(&scene, &second.plan);
    pass(&scene).await;
    assert_eq!((scene.outcomes().len(), scene.text("history")), (2, "mark a\nmark a\n".into()));
    let attempts = scene.events().into_iter().filter_map(|event| match event {
        Event::Decided { verdict: Verdict::Approved, attempt, .. } => attempt,
        _ => None,
    });
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 1]);
    scene.finish().await;
}

/// Would break: a plan that a person approved, and that waits for `ansai retry` because its incident had come back before.
#[tokio::test]
async fn what_a_person_approves_is_applied_although_it_came_back() {
    let mut scene = Scene::new();
    let flaps = FlapLimit { most: 1, within: Millis::from_hours(1) };
    scene.retry_policy = RetryPolicy { clear_for: Millis::from_hours(1), flaps, ..scene.retry_policy.clone() };
    scene.script(&marking(&scene, "a"));
    let first = pass(&scene).await.plan;
    approve(&scene, &first);
    pass(&scene).await;
    let second = pass(&scene).await;
    assert!(waits(&second), "{:?}", second.verdict);
    // It is healthy for a moment by itself, and comes back.
    scene.script(&marking(&scene, "a").saying(Ok(vec![observation(Status::Healthy)])));
    plans_of(scene.open_with(fixed(Mode::Approve)).unwrap()).await;
    scene.script(&marking(&scene, "a"));
    plans_of(scene.open_with(fixed(Mode::Approve)).unwrap()).await;
    let is_escalated = |event: &Event| matches!(event, Event::Escalated { .. });
    assert!(scene.events().iter().any(is_escalated), "it came back too often");
    // A mark is made once.
    std::fs::remove_file(scene.path("a")).unwrap();
    approve(&scene, &second.plan);
    let applied = pass(&scene).await;
    assert_eq!((&applied.plan, &applied.verdict), (&second.plan, &Some(Verdict::Approved)));
    // The next one needs a person again.
    let next = pass(&scene).await;
    assert!(matches!(next.verdict, Some(Verdict::Held(Permission::Flapping { .. }))), "{:?}", next.verdict);
    scene.finish().await;
}
