//! Steps that go back by themselves while their plan is undone: each is undone once, whoever is first. The undo of a later step
//! lasts until the test ends it; meanwhile the first one goes back, and somebody else sets the file to the same again.

use std::sync::Arc;

use ansai_core::{OnFailure, Outcome};

use crate::guarded::{BY_GUARD, BY_HOST, LONG_MS, told, with_guards};
use crate::scene::{Scene, eventually};
use crate::script::{Call, Script, Step};
use crate::test_guards;

/// A plan that sets a file, makes a mark that is slow to undo, and ends with this step.
fn scene(call: Call, last: Option<(Call, &str)>, on_failure: OnFailure) -> Scene {
    let scene = with_guards(Scene::new());
    std::fs::write(scene.path("file"), "old").unwrap();
    let mut steps = vec![Step::new(call, LONG_MS, 0, scene.path("file")), Step::mark(scene.path("marked"))];
    steps.extend(last.map(|(call, file)| {
        let time = if call == Call::Wait { LONG_MS } else { 0 };
        Step::new(call, time, time, scene.path(file))
    }));
    scene.script(&Script::sick(steps, on_failure));
    std::fs::write(scene.path("slow-undo"), "").unwrap();
    scene
}

fn count(scene: &Scene, what: &str) -> usize {
    told(scene).iter().filter(|told| *told == what).count()
}

/// While the mark is undone, the first step goes back because its time is over. Then the undo goes on.
async fn goes_back_meanwhile(scene: &Scene) {
    eventually(|| scene.text("history").ends_with("unmark marked\n").then_some(())).await;
    test_guards::sleep_machine(10 * LONG_MS);
    eventually(|| (count(scene, BY_HOST) == 1).then_some(())).await;
    assert_eq!(scene.text("file"), "old");
    std::fs::write(scene.path("file"), "new").unwrap();
    std::fs::remove_file(scene.path("slow-undo")).unwrap();
    eventually(|| (count(scene, BY_HOST) > 1).then_some(())).await;
}

async fn was_undone_once(scene: Scene) {
    assert_eq!(scene.text("history").matches("unset file").count(), 1, "{}", scene.text("history"));
    assert_eq!((count(&scene, BY_HOST), scene.text("file")), (2, "new".into()), "what came afterwards stays");
    scene.finish().await;
}

/// Would break: an undo that goes by records from before the undo of a later step.
#[tokio::test]
async fn what_has_gone_back_during_the_undo_of_a_failed_plan_is_not_undone_again() {
    for call in [Call::SetForATime, Call::Set] {
        let scene = scene(call, Some((Call::Flaky, "b")), OnFailure::UndoApplied);
        let supervisor = scene.open();
        let ends = async {
            goes_back_meanwhile(&scene).await;
            supervisor.stop("a test");
        };
        tokio::join!(supervisor.run(), ends);
        test_guards::sleep_machine(0);
        drop(supervisor);
        was_undone_once(scene).await;
    }
}

/// The same of a plan of an earlier run, whose last step fails after a restart.
#[tokio::test]
async fn after_a_restart_it_is_not_undone_again_either() {
    let scene = scene(Call::SetForATime, Some((Call::Wait, "slow-step")), OnFailure::UndoApplied);
    let supervisor = scene.open();
    let leaves = async {
        let handle = scene.running().await;
        supervisor.stop("a test");
        handle
    };
    let (_, handle) = tokio::join!(supervisor.run_once(), leaves);
    drop(supervisor);
    scene.script(&Script::sick(vec![], OnFailure::Stop));
    let supervisor = scene.open();
    let ends = async {
        handle.kill();
        goes_back_meanwhile(&scene).await;
        supervisor.stop("a test");
    };
    tokio::join!(supervisor.run(), ends);
    drop(supervisor);
    was_undone_once(scene).await;
}

/// The same of a person's undo, which has the file meanwhile: the guard does not wait for that.
#[tokio::test]
async fn what_its_guard_puts_back_during_an_undo_is_not_undone_again() {
    let scene = scene(Call::SetForATime, None, OnFailure::Stop);
    let reports = scene.open().run_once().await;
    let plan = reports[0].findings[0].plans[0].plan.clone();
    scene.script(&Script::sick(vec![], OnFailure::Stop));
    let supervisor = Arc::new(scene.open());
    let undoes = supervisor.clone();
    let ends = async {
        let known = scene.events().len();
        eventually(|| (scene.events().len() > known).then_some(())).await;
        let undone = tokio::task::spawn_blocking(move || undoes.undo(&plan, None, "a person"));
        eventually(|| scene.text("history").ends_with("unmark marked\n").then_some(())).await;
        test_guards::fire_all(&scene.state_dir());
        eventually(|| scene.text("history").ends_with("guard file\n").then_some(())).await;
        test_guards::sleep_machine(10 * LONG_MS);
        eventually(|| told(&scene).contains(&BY_GUARD.to_owned()).then_some(())).await;
        assert_eq!(scene.text("file"), "old");
        std::fs::write(scene.path("file"), "new").unwrap();
        std::fs::remove_file(scene.path("slow-undo")).unwrap();
        let undone = undone.await.unwrap().unwrap();
        assert_eq!(undone[0].outcome, Some(Outcome::Reverted));
        assert_eq!((undone[1].outcome, undone[1].detail.as_str()), (None, "step 0 is already undone"));
        assert_eq!(scene.text("file"), "new", "what came afterwards stays");
        supervisor.stop("a test");
    };
    tokio::join!(supervisor.run(), ends);
    drop(supervisor);
    scene.finish().await;
}
