//! Steps whose guard fires while they act, or whose time is over because the machine slept.

use ansai_core::{Mode, Outcome};

use crate::guarded::{BY_HOST, LONG_MS, is_free, killed_at, owned, scene, told};
use crate::guarded_faults::{slow, waiting};
use crate::killed;
use crate::scene::{Scene, eventually, fixed};
use crate::script::Call;
use crate::test_guards;

/// Would break: a step that is `done` or `provisional` although its guard has fired, and a change that nobody puts back.
#[tokio::test]
async fn a_guard_that_fires_while_the_step_acts_reverts_it() {
    for call in [Call::Set, Call::SetForATime] {
        let scene = scene(call, LONG_MS);
        slow(&scene);
        let supervisor = scene.open();
        let acts = async {
            eventually(|| told(&scene).get(1).cloned()).await;
            test_guards::fire_all(&scene.state_dir());
            eventually(|| (scene.text("history") == "guard file\n").then_some(())).await;
            std::fs::remove_file(scene.path("slow")).unwrap();
        };
        let (reports, ()) = tokio::join!(supervisor.run_once(), acts);
        let step = &reports[0].findings[0].plans[0].steps[0];
        assert_eq!((step.outcome, scene.text("file")), (Some(Outcome::Reverted), "old".into()), "{}", step.detail);
        assert!(step.detail.contains("its guard ended its time before it had ended"), "{}", step.detail);
        assert_eq!(told(&scene), owned(&["intent", "guarded", "outcome reverted", BY_HOST]));
        drop(supervisor);
        is_free(&scene, "late");
        scene.finish().await;
    }
}

/// The machine sleeps: its guard has not fired yet, and its time is over nevertheless.
#[tokio::test]
async fn a_step_during_which_the_machine_slept_is_reverted() {
    let scene = scene(Call::Set, LONG_MS);
    slow(&scene);
    let supervisor = scene.open();
    let sleeps = async {
        // Not as soon as its guard is recorded: a step that finds its time over then does not act at all.
        eventually(|| scene.path("held").exists().then_some(())).await;
        test_guards::sleep_machine(LONG_MS);
        std::fs::remove_file(scene.path("slow")).unwrap();
    };
    tokio::join!(supervisor.run_once(), sleeps);
    assert_eq!(told(&scene), owned(&["intent", "guarded", "outcome reverted", BY_HOST]));
    assert_eq!(scene.text("file"), "old");
    drop(supervisor);
    scene.finish().await;
}

/// Would break: a verification that counts on a clock that stands while the machine sleeps. It would last for ten minutes.
#[tokio::test]
async fn a_verification_during_which_the_machine_slept_is_over() {
    let scene = scene(Call::Set, LONG_MS);
    let supervisor = scene.open();
    let sleeps = async {
        eventually(|| scene.outcomes().first().copied()).await;
        test_guards::sleep_machine(LONG_MS);
        std::fs::write(scene.path("healthy"), "").unwrap();
    };
    tokio::join!(supervisor.run_once(), sleeps);
    assert_eq!(told(&scene), owned(&["intent", "guarded", "outcome provisional", BY_HOST]), "healthy, and too late");
    assert_eq!(scene.text("file"), "old");
    drop(supervisor);
    scene.finish().await;
}

/// Killed after it acted, and its guard fired before that.
async fn killed_late() -> Scene {
    let scene = scene(Call::Set, LONG_MS);
    slow(&scene);
    std::fs::write(scene.path("stop-at"), "acted").unwrap();
    let killed = killed::start("guarded::the_process_that_is_killed", &scene);
    eventually(|| told(&scene).get(1).cloned()).await;
    test_guards::fire_all(&scene.state_dir());
    eventually(|| (scene.text("history") == "guard file\n").then_some(())).await;
    std::fs::remove_file(scene.path("slow")).unwrap();
    eventually(|| (scene.text("reached") == "acted").then_some(())).await;
    drop(killed);
    std::fs::remove_file(scene.path("stop-at")).unwrap();
    scene
}

/// Would break: a guard that is believed to have put back what came after it.
#[tokio::test]
async fn what_an_interrupted_step_did_after_its_guard_is_put_back() {
    let scene = killed_late().await;
    scene.open_with(fixed(Mode::Observe)).unwrap().recover().await;
    assert_eq!((scene.text("file"), told(&scene).len(), waiting(&scene)), ("new".into(), 2, 1), "only told");
    scene.open().recover().await;
    assert_eq!(told(&scene), owned(&["intent", "guarded", "outcome reverted", BY_HOST]));
    assert_eq!(scene.text("file"), "old");
    scene.open().recover().await;
    assert_eq!(told(&scene).len(), 4, "once");
    is_free(&scene, "late");
    scene.finish().await;
}

/// Killed between the record that it is reverted and the undo of what came after the guard.
#[tokio::test]
async fn an_undo_after_the_guard_that_was_interrupted_is_finished() {
    let scene = killed_late().await;
    killed_at(&scene, "undone").await;
    assert_eq!(told(&scene), owned(&["intent", "guarded", "outcome reverted"]));
    scene.open().recover().await;
    assert_eq!((told(&scene).pop().unwrap().as_str(), scene.text("file")), (BY_HOST, "old".into()));
    scene.finish().await;
}
