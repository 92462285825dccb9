//! What ends an approval: time, and everything that changed since the person saw the plan.

use std::sync::Arc;

use ansai_core::event::{ApprovalDecision, ApprovalEnd};
use ansai_core::{Decision, Event, Millis, Mode, OnFailure, Outcome, Status};
use ansai_supervisor::Instance;
use ansai_supervisor::approvals::ApprovalError;

use super::{approve, approved, change_state, decide, ends, ends_with, marking, pass, plans_of, waits};
use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{Call, Script, Step, observation};

#[tokio::test]
async fn what_is_over_cannot_be_approved() {
    let mut scene = Scene::new();
    scene.approval_expires = Millis::ZERO;
    scene.script(&marking(&scene, "a"));
    let plan = pass(&scene).await.plan;
    let expired = decide(&scene, &plan, ApprovalDecision::Approved).unwrap_err().to_string();
    assert!(expired.contains("expired"), "{expired}");
    let unknown = decide(&scene, "20260101t000000-000-0000", ApprovalDecision::Approved).unwrap_err();
    assert!(matches!(unknown, ApprovalError::Unknown(_)));
    assert_eq!((ends(&scene), scene.intents()), (vec![ApprovalEnd::Expired], vec![]));
    scene.finish().await;
}

#[tokio::test]
async fn an_approval_expires() {
    let (scene, _) = approved().await;
    change_state(&scene, "UPDATE approval SET value = json_set(value, '$.until', 1)");
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::Expired, fixed(Mode::Approve), one).await;
}

#[tokio::test]
async fn an_altered_plan_is_neither_approved_nor_applied() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let plan = pass(&scene).await.plan;
    let file = scene.state_dir().join(format!("plans/{plan}.plan.zst"));
    let original = std::fs::read(&file).unwrap();
    let text = String::from_utf8(zstd::decode_all(original.as_slice()).unwrap()).unwrap();
    let other = zstd::encode_all(text.replace("/a\"", "/b\"").as_bytes(), 3).unwrap();
    std::fs::write(&file, &other).unwrap();
    let refused = decide(&scene, &plan, ApprovalDecision::Approved).unwrap_err();
    assert!(matches!(refused, ApprovalError::Altered(_)), "{refused}");
    std::fs::write(&file, original).unwrap();
    approve(&scene, &plan);
    std::fs::write(&file, other).unwrap();
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::PlanFile, fixed(Mode::Approve), one).await;
}

#[tokio::test]
async fn other_targets_need_another_approval() {
    let (scene, _) = approved().await;
    scene.script(&marking(&scene, "b"));
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::Steps, fixed(Mode::Approve), one).await;
}

#[tokio::test]
async fn other_arguments_need_another_approval_and_another_reason_does_not() {
    let (scene, _) = approved().await;
    scene.script(&Script::sick(vec![Step::new(Call::Mark, 1, 0, scene.path("a"))], OnFailure::Stop));
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::Arguments(0), fixed(Mode::Approve), one).await;

    let (scene, plan) = approved().await;
    scene.script(&Script::sick(vec![Step::mark(scene.path("a")).because("92 % full".into())], OnFailure::Stop));
    assert_eq!(pass(&scene).await.plan, plan);
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)]);
    scene.finish().await;
}

#[tokio::test]
async fn another_decision_ends_an_approval() {
    let (scene, _) = approved().await;
    let script = Script { decision: Decision::Apply(OnFailure::UndoApplied), ..marking(&scene, "a") };
    scene.script(&script);
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::Decision, fixed(Mode::Approve), one).await;
}

#[tokio::test]
async fn other_settings_end_an_approval() {
    let (scene, _) = approved().await;
    let mut one = scene.instance(ONE);
    let mut settings = (*one.settings).clone();
    settings["more"] = 1.into();
    one.settings = Arc::new(settings);
    ends_with(scene, ApprovalEnd::Settings, fixed(Mode::Approve), one).await;
}

/// Would break: a plan that waits for ever, because its incident came back too often meanwhile.
#[tokio::test]
async fn an_approval_ends_also_after_its_incident_came_back_too_often() {
    let mut scene = Scene::new();
    scene.retry_policy.clear_for = Millis::from_hours(1);
    scene.retry_policy.flaps.most = 2;
    let marked = scene.path("marked");
    scene.script(&marking(&scene, "marked").healthy_once(marked.clone()));
    scene.open().run_once().await;
    std::fs::remove_file(&marked).unwrap();
    assert!(waits(&pass(&scene).await), "it came back once");
    std::fs::write(&marked, "").unwrap();
    scene.open_with(fixed(Mode::Approve)).unwrap().run_once().await;
    std::fs::remove_file(&marked).unwrap();

    // It comes back too often while the daemon runs, with other settings.
    let mut one = Instance { every: Millis::new(50), ..scene.instance(ONE) };
    let mut settings = (*one.settings).clone();
    settings["more"] = 1.into();
    one.settings = Arc::new(settings);
    let supervisor = scene.open_all(fixed(Mode::Approve), vec![one]).unwrap();
    let running = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.run().await }
    });
    eventually(|| (!ends(&scene).is_empty()).then_some(())).await;
    supervisor.stop("a test");
    running.await.unwrap();
    assert_eq!(ends(&scene), [ApprovalEnd::Settings]);
    assert!(scene.events().iter().any(|event| matches!(event, Event::Escalated { .. })));
    assert_eq!(scene.text("history"), "mark marked\n");
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn what_heals_by_itself_needs_no_approval_any_more() {
    let (scene, plan) = approved().await;
    scene.script(&marking(&scene, "a").saying(Ok(vec![observation(Status::Healthy)])));
    let healed = plans_of(scene.open_with(fixed(Mode::Approve)).unwrap()).await;
    assert!(healed.is_empty());
    let late = decide(&scene, &plan, ApprovalDecision::Rejected).unwrap_err().to_string();
    assert!(late.contains("the incident closed"), "{late}");
    assert_eq!((ends(&scene), scene.intents()), (vec![ApprovalEnd::IncidentClosed], vec![]));
    scene.finish().await;
}
