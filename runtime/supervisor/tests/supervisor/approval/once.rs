//! An approval is used once, whatever happens to the process and its files.

use ansai_core::approval::ApprovalState;
use ansai_core::event::{ApprovalDecision, ApprovalEnd, Verdict};
use ansai_core::{Event, Mode, OnFailure, Outcome};
use ansai_supervisor::approvals::ApprovalError;

use super::{alice, approve, approved, change_state, decide, ends, ends_with, known, marking, pass, waits};
use crate::killed;
use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{Call, Script, Step};

#[tokio::test]
async fn a_plan_waits_and_an_approval_applies_it_once() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let first = pass(&scene).await;
    assert!(waits(&first), "{:?}", first.verdict);
    let again = pass(&scene).await;
    assert!(waits(&again) && again.plan == first.plan, "it waits under one name");
    let told = scene.events().iter().filter(|event| matches!(event, Event::Decided { .. })).count();
    assert_eq!((told, scene.intents()), (1, vec![]), "told once, and nothing begins");

    approve(&scene, &first.plan);
    let applied = pass(&scene).await;
    assert_eq!((&applied.plan, &applied.verdict), (&first.plan, &Some(Verdict::Approved)));
    assert_eq!((scene.outcomes(), scene.text("history")), (vec![(0, Outcome::Done)], "mark a\n".into()));
    assert_eq!(known(&scene)[0].state, ApprovalState::Begun);

    // It is still sick: the approval is used up.
    let next = pass(&scene).await;
    assert!(waits(&next) && next.plan != first.plan);
    let replayed = decide(&scene, &first.plan, ApprovalDecision::Approved).unwrap_err();
    assert!(matches!(replayed, ApprovalError::NotOpen { .. }), "{replayed}");
    assert_eq!(scene.outcomes().len(), 1);
    let by = scene.events().into_iter().find_map(|event| match event {
        Event::Approval { by, plan_sha256, reason, .. } => Some((by, plan_sha256.len(), reason)),
        _ => None,
    });
    assert_eq!(by, Some((alice(), 64, Some("a test".into()))));
    scene.finish().await;
}

#[tokio::test]
async fn an_old_copy_of_the_state_uses_no_approval_twice() {
    let (scene, plan) = approved().await;
    let copy = std::fs::read(scene.state_dir().join("state.db")).unwrap();
    assert_eq!(pass(&scene).await.plan, plan);
    std::fs::write(scene.state_dir().join("state.db"), copy).unwrap();
    let _ = std::fs::remove_file(scene.state_dir().join("state.db-wal"));
    assert_eq!(known(&scene)[0].state, ApprovalState::Approved);
    let next = pass(&scene).await;
    assert!(waits(&next) && next.plan != plan, "{next:?}");
    assert_eq!((ends(&scene), scene.outcomes().len()), (vec![ApprovalEnd::Begun], 1));
    scene.finish().await;
}

#[tokio::test]
async fn a_row_without_a_record_approves_nothing() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    pass(&scene).await;
    change_state(&scene, "UPDATE approval SET state = 'approved', value = json_set(value, '$.state', 'approved')");
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::NotRecorded, fixed(Mode::Approve), one).await;
}

#[tokio::test]
async fn a_crash_between_approval_and_intent_needs_a_new_approval() {
    let (scene, plan) = approved().await;
    // As if the process had died just before the plan began.
    change_state(&scene, "UPDATE approval SET state = 'begun', value = json_set(value, '$.state', 'begun')");
    let next = pass(&scene).await;
    assert!(waits(&next) && next.plan != plan, "{next:?}");
    assert!(scene.intents().is_empty());
    scene.finish().await;
}

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed() {
    let Some(place) = killed::place() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { pass(&Scene::at(&place)).await });
}

#[tokio::test]
async fn a_kill_after_the_intent_applies_nothing_twice() {
    let scene = Scene::new();
    let step = Step::new(Call::Mark, 600_000, 0, scene.path("a"));
    scene.script(&Script::sick(vec![step], OnFailure::Stop));
    let plan = pass(&scene).await.plan;
    approve(&scene, &plan);
    let killed = killed::start("approval::once::the_process_that_is_killed", &scene);
    eventually(|| (scene.text("history") == "mark a\n").then_some(())).await;
    drop(killed);
    let next = pass(&scene).await;
    assert!(waits(&next) && next.plan != plan);
    assert_eq!((scene.outcomes(), scene.text("history")), (vec![(0, Outcome::Done)], "mark a\n".into()));
    scene.finish().await;
}
