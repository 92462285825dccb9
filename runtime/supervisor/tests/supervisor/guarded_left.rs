//! Steps for a time that ansai could not end, and left to their guard: others may use what they changed, as while they last.

use std::time::Duration;

use ansai_core::{Millis, Mode, OnFailure, Outcome, RetryPolicy};
use ansai_supervisor::Supervisor;
use ansai_supervisor::authority::Fixed;

use crate::guarded::{LONG_MS, killed_at, told, with_guards};
use crate::scene::{ONE, Scene, all_grants, eventually};
use crate::script::{Call, Script, Step};
use crate::test_guards;

/// ansai is killed after the step acted, and attempts follow at once.
async fn killed() -> Scene {
    let mut scene = crate::guarded::scene(Call::SetForATime, LONG_MS);
    scene.retry_policy = RetryPolicy { cooldown: Millis::ZERO, ..scene.retry_policy };
    killed_at(&scene, "acted").await;
    scene
}

/// Another plan of this instance uses the file, and does not wait. Then the guard puts it back. `found` is what is known of the
/// step after the restart.
async fn is_used(scene: Scene, supervisor: Supervisor, instance: usize, found: &[&str]) {
    let reports = tokio::time::timeout(Duration::from_secs(60), supervisor.run_once()).await.expect("it does not wait");
    let step = &reports[instance].findings[0].plans[0].steps[0];
    assert_eq!(step.outcome, Some(Outcome::Done), "{}", step.detail);
    assert_eq!(told(&scene), [&["intent", "guarded"], found, &["intent", "outcome done"]].concat());
    drop(supervisor);
    std::fs::write(scene.path("file"), "new").unwrap();
    test_guards::fire_all(&scene.state_dir());
    eventually(|| scene.text("history").ends_with("guard file\n").then_some(())).await;
    scene.open().recover().await;
    assert_eq!(scene.text("file"), "old");
    scene.finish().await;
}

/// Would break: a service that is in use for a day, because nobody knows whether its limit was set.
#[tokio::test]
async fn what_did_something_unknown_holds_up_nobody() {
    let scene = killed().await;
    std::fs::remove_file(scene.path("file")).unwrap();
    scene.script(&Script::sick(vec![Step::reload(scene.path("file"))], OnFailure::Stop));
    let supervisor = scene.open();
    is_used(scene, supervisor, 0, &["outcome unknown"]).await;
}

/// Would break: a service that is in use for a day, because ansai may not find out whether its limit was set.
#[tokio::test]
async fn what_ansai_may_not_find_out_holds_up_nobody() {
    let scene = killed().await;
    scene.script(&Script::sick(vec![], OnFailure::Stop));
    scene.script_of("two", &Script::sick(vec![Step::reload(scene.path("file"))], OnFailure::Stop));
    let grants = [(ONE, Mode::Observe), ("two", Mode::Enforce)];
    let authority = Fixed::new(grants.map(|(name, mode)| (name.parse().unwrap(), all_grants(mode))));
    let supervisor = scene.open_all(authority, vec![scene.instance(ONE), scene.instance("two")]).unwrap();
    is_used(scene, supervisor, 1, &[]).await;
}

/// Would break: the undo of a plan, after its last step went back, while another plan uses what an earlier step changed.
#[tokio::test]
async fn its_plan_is_not_undone_while_another_plan_uses_a_thing_of_it() {
    let mut scene = with_guards(Scene::new());
    scene.retry_policy = RetryPolicy { cooldown: Millis::ZERO, ..scene.retry_policy };
    std::fs::write(scene.path("file"), "old").unwrap();
    let sets = Step::new(Call::SetForATime, LONG_MS, 0, scene.path("file"));
    scene.script(&Script::sick(vec![Step::mark(scene.path("marked")), sets], OnFailure::UndoApplied));
    killed_at(&scene, "acted").await;
    // What the step did is unknown, and ends the plan.
    std::fs::remove_file(scene.path("file")).unwrap();
    let uses = Step::new(Call::Wait, LONG_MS, LONG_MS, scene.path("marked"));
    scene.script(&Script::sick(vec![uses], OnFailure::Stop).healthy_once(scene.path("healthy")));
    let supervisor = scene.open();
    let is_unmarked = || scene.text("history").contains("unmark marked");
    let ends = async {
        let user = scene.running().await;
        std::fs::write(scene.path("file"), "new").unwrap();
        test_guards::fire_all(&scene.state_dir());
        eventually(|| scene.text("history").contains("guard file").then_some(())).await;
        test_guards::sleep_machine(10 * LONG_MS);
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert!(!is_unmarked(), "{}", scene.text("history"));
        std::fs::write(scene.path("healthy"), "").unwrap();
        user.kill();
        eventually(|| is_unmarked().then_some(())).await;
        supervisor.stop("a test");
    };
    tokio::join!(supervisor.run(), ends);
    test_guards::sleep_machine(0);
    drop(supervisor);
    scene.finish().await;
}
