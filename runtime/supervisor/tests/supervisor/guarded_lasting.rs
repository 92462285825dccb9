//! While the time of a step lasts: others may use what it changed, but not its effect, and a person may end it.

use std::time::Duration;

use ansai_core::{Event, Millis, OnFailure, Outcome, Refusal, RetryPolicy};

use crate::guarded::{LONG_MS, told};
use crate::scene::{Scene, eventually};
use crate::script::{Call, Script, Step};
use crate::test_guards;

/// A file that is `new` for a time, with attempts that follow at once, and the plan.
pub(crate) async fn lasting() -> (Scene, String) {
    let mut scene = crate::guarded::scene(Call::SetForATime, LONG_MS);
    scene.retry_policy = RetryPolicy { cooldown: Millis::ZERO, ..scene.retry_policy };
    let reports = scene.open().run_once().await;
    assert_eq!((told(&scene).len(), scene.text("file")), (3, "new".into()));
    let plan = reports[0].findings[0].plans[0].plan.clone();
    (scene, plan)
}

fn proposes(scene: &Scene, step: Step) {
    scene.script(&Script::sick(vec![step], OnFailure::Stop));
}

/// Would break: a service that is held below a limit for a day, and cannot be restarted in that day.
#[tokio::test]
async fn another_step_may_use_the_same_thing() {
    let (scene, _) = lasting().await;
    proposes(&scene, Step::reload(scene.path("file")));
    let supervisor = scene.open();
    let reports = tokio::time::timeout(Duration::from_secs(60), supervisor.run_once()).await.expect("it does not wait");
    assert_eq!(reports[0].findings[0].plans[0].steps[0].outcome, Some(Outcome::Done));
    drop(supervisor);
    // Its time lasts as before.
    assert_eq!(scene.text("file"), "new");
    let supervisor = scene.open();
    supervisor.recover().await;
    test_guards::sleep_machine(LONG_MS);
    drop(supervisor);
    scene.open().recover().await;
    assert_eq!((scene.text("file"), told(&scene).last().unwrap().as_str()), ("old".into(), crate::guarded::BY_HOST));
    scene.finish().await;
}

/// Would break: a second step that takes what the first one has set for the state before, and puts that back; a plan that waits
/// for a day, and holds up all others about the same thing.
#[tokio::test]
async fn a_step_with_the_same_effect_is_refused() {
    let (scene, plan) = lasting().await;
    let supervisor = scene.open();
    let reports = tokio::time::timeout(Duration::from_secs(60), supervisor.run_once()).await.expect("it does not wait");
    let step = &reports[0].findings[0].plans[0].steps[0];
    assert_eq!(step.outcome, Some(Outcome::Refused));
    assert!(step.detail.contains(&format!("is in use by step 0 of plan {plan} until ")), "{}", step.detail);
    assert_eq!(told(&scene), ["intent", "guarded", "outcome done", "outcome refused"]);
    let busy =
        |event: &Event| matches!(event, Event::Outcome { reason: Some(Refusal::Busy(_)), items_sha256: None, .. });
    assert!(scene.events().iter().any(busy));
    // The first one is as before, and a person may end it.
    assert_eq!(scene.text("file"), "new");
    let undone = supervisor.undo(&plan, None, "a person").unwrap();
    assert_eq!((undone[0].outcome, scene.text("file")), (Some(Outcome::Reverted), "old".into()), "{undone:?}");
    drop(supervisor);
    test_guards::fire_all(&scene.state_dir());
}

/// Would break: a person without a daemon, for whom a step for a time has in use until its end what others have changed since.
#[tokio::test]
async fn it_is_not_in_the_way_of_the_undo_of_another_plan() {
    for runs in [false, true] {
        let (scene, _) = lasting().await;
        std::fs::remove_file(scene.path("file")).unwrap();
        proposes(&scene, Step::mark(scene.path("file")));
        let reports = scene.open().run_once().await;
        let plan = reports[0].findings[0].plans[0].plan.clone();
        proposes(&scene, Step::reload(scene.path("other")));
        let supervisor = scene.open();
        if runs {
            supervisor.recover().await;
        }
        let undone = supervisor.undo(&plan, None, "a person").unwrap();
        assert_eq!((undone[0].outcome, scene.path("file").exists()), (Some(Outcome::Reverted), false), "{undone:?}");
        drop(supervisor);
        test_guards::fire_all(&scene.state_dir());
        scene.finish().await;
    }
}

/// Would break: a step for a minute that stays for as long as a later step of its plan takes.
#[tokio::test]
async fn its_own_plan_does_not_keep_it_from_its_end() {
    let scene = crate::guarded::scene(Call::SetForATime, LONG_MS);
    let file = Step::new(Call::SetForATime, LONG_MS, 0, scene.path("file"));
    let slow = Step::new(Call::Wait, LONG_MS, LONG_MS, scene.path("slow-step"));
    let script = Script::sick(vec![file, slow], OnFailure::Stop).healthy_once(scene.path("healthy"));
    scene.script(&script);
    let supervisor = scene.open();
    let ends = async {
        let handle = scene.running().await;
        test_guards::sleep_machine(LONG_MS);
        eventually(|| told(&scene).contains(&crate::guarded::BY_HOST.to_owned()).then_some(())).await;
        assert!(handle.runs() && scene.text("file") == "old");
        std::fs::write(scene.path("healthy"), "").unwrap();
        handle.finish();
        eventually(|| (scene.outcomes().len() == 2).then_some(())).await;
        supervisor.stop("a test");
    };
    tokio::join!(supervisor.run(), ends);
    drop(supervisor);
    scene.finish().await;
}

/// Another plan uses the file until the test ends that.
pub(crate) fn uses_file(scene: &Scene) {
    let uses = Step::new(Call::Wait, LONG_MS, LONG_MS, scene.path("file"));
    scene.script(&Script::sick(vec![uses], OnFailure::Stop).healthy_once(scene.path("healthy")));
}

/// Nothing is put back while the file is in use, but afterwards.
pub(crate) async fn ends_afterwards(scene: &Scene, user: crate::slow_actions::Handle) {
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(!told(scene).contains(&crate::guarded::BY_HOST.to_owned()), "{:?}", told(scene));
    assert_eq!(scene.text("file"), "new");
    std::fs::write(scene.path("healthy"), "").unwrap();
    user.kill();
    eventually(|| told(scene).contains(&crate::guarded::BY_HOST.to_owned()).then_some(())).await;
    assert_eq!(scene.text("file"), "old");
}

/// Would break: after a suspend, an undo of what another plan uses.
#[tokio::test]
async fn after_a_suspend_it_is_not_ended_while_another_plan_uses_the_thing() {
    let (scene, _) = lasting().await;
    uses_file(&scene);
    let supervisor = scene.open();
    let ends = async {
        let user = scene.running().await;
        test_guards::sleep_machine(10 * LONG_MS);
        ends_afterwards(&scene, user).await;
        supervisor.stop("a test");
    };
    tokio::join!(supervisor.run(), ends);
    drop(supervisor);
    scene.finish().await;
}

/// Would break: a start that puts back what a step of another plan, which was left running, uses.
#[tokio::test]
async fn after_a_restart_it_is_not_ended_while_another_plan_uses_the_thing() {
    for is_gone in [false, true] {
        let (scene, _) = lasting().await;
        uses_file(&scene);
        let supervisor = scene.open();
        let leaves = async {
            let user = scene.running().await;
            supervisor.stop("a test");
            user
        };
        let (_, user) = tokio::join!(supervisor.run_once(), leaves);
        drop(supervisor);
        test_guards::sleep_machine(LONG_MS);
        if is_gone {
            test_guards::remove_all(&scene.state_dir());
        }
        let supervisor = scene.open();
        let ends = async {
            ends_afterwards(&scene, user).await;
            supervisor.stop("a test");
        };
        tokio::join!(supervisor.run(), ends);
        test_guards::sleep_machine(0);
        drop(supervisor);
        scene.finish().await;
    }
}

/// Would break: an undo of minutes, during which no step of another plan ends.
#[tokio::test]
async fn while_a_person_undoes_one_plan_another_step_ends() {
    let (scene, _) = lasting().await;
    std::fs::write(scene.path("other"), "old").unwrap();
    let other = Step::new(Call::SetForATime, 2 * LONG_MS, 0, scene.path("other"));
    scene.script(&Script::sick(vec![other, Step::mark(scene.path("marked"))], OnFailure::Stop));
    let reports = scene.open().run_once().await;
    let plan = reports[0].findings[0].plans[0].plan.clone();
    scene.script(&Script::sick(vec![], OnFailure::Stop));
    std::fs::write(scene.path("slow-undo"), "").unwrap();
    let supervisor = std::sync::Arc::new(scene.open());
    let undoes = supervisor.clone();
    let ends = async {
        let known = scene.events().len();
        eventually(|| (scene.events().len() > known).then_some(())).await;
        let undone = tokio::task::spawn_blocking(move || undoes.undo(&plan, None, "a person"));
        eventually(|| scene.text("history").ends_with("unmark marked\n").then_some(())).await;
        test_guards::sleep_machine(LONG_MS);
        eventually(|| (scene.text("file") == "old").then_some(())).await;
        assert_eq!(scene.text("other"), "new", "the undo is not over");
        std::fs::remove_file(scene.path("slow-undo")).unwrap();
        let undone = undone.await.unwrap().unwrap();
        assert!(undone.iter().all(|step| step.outcome == Some(Outcome::Reverted)), "{undone:?}");
        assert_eq!(scene.text("other"), "old");
        supervisor.stop("a test");
    };
    tokio::join!(supervisor.run(), ends);
    drop(supervisor);
    scene.finish().await;
}

/// Would break: a limit that a person has to bear for a day, and a guard that fires after the undo.
#[tokio::test]
async fn a_person_may_end_it() {
    for runs in [false, true] {
        let (scene, plan) = lasting().await;
        proposes(&scene, Step::reload(scene.path("other")));
        let supervisor = scene.open();
        if runs {
            supervisor.recover().await;
        }
        let undone = supervisor.undo(&plan, None, "a person").unwrap();
        assert_eq!((undone[0].outcome, scene.text("file")), (Some(Outcome::Reverted), "old".into()), "{undone:?}");
        drop(supervisor);
        test_guards::fire_all(&scene.state_dir());
        test_guards::sleep_machine(LONG_MS);
        scene.open().recover().await;
        assert_eq!(told(&scene), ["intent", "guarded", "outcome done", "undone done by a person"]);
        assert_eq!(scene.text("history"), "set file\nunset file\n", "no guard is left");
        crate::guarded::is_free(&scene, "afterwards");
        scene.finish().await;
    }
}
