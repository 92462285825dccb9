//! Steps whose effect does not last, when something goes wrong besides: their record cannot be written, their guard fires
//! while they act, is gone, or cannot be armed or stopped, or they cannot be confirmed.

use ansai_core::{Event, Mode, OnFailure, Outcome};

use crate::guarded::{BY_GUARD, BY_HOST, LONG_MS, helps, is_free, killed_at, owned, scene, told, with_guards};
use crate::killed;
use crate::scene::{Scene, eventually, fixed};
use crate::script::{Call, Script, Step};
use crate::test_guards;

fn plan_of(scene: &Scene) -> Option<String> {
    scene.events().into_iter().find_map(|event| match event {
        Event::Intent(intent) => Some(intent.plan),
        _ => None,
    })
}

/// The detail of the first step's outcome.
fn detail(scene: &Scene) -> String {
    let detail = |event| match event {
        Event::Outcome { detail, .. } => Some(detail),
        _ => None,
    };
    scene.events().into_iter().find_map(detail).unwrap()
}

pub(crate) fn waiting(scene: &Scene) -> usize {
    scene.events().iter().filter(|event| matches!(event, Event::Pending { .. })).count()
}

/// While the first step acts, its record becomes impossible to write: something else is in its place.
async fn blocks_items(scene: &Scene) {
    let plan = eventually(|| plan_of(scene)).await;
    std::fs::create_dir(scene.state_dir().join(format!("plans/{plan}.0.items.zst"))).unwrap();
    std::fs::remove_file(scene.path("slow")).unwrap();
}

pub(crate) fn slow(scene: &Scene) {
    std::fs::write(scene.path("slow"), "").unwrap();
}

/// Would break: a step that is told as reverted because nothing says that it changed anything.
#[tokio::test]
async fn a_step_whose_record_cannot_be_written_is_put_back_by_the_run_that_knows_it() {
    for helping in [false, true] {
        let scene = scene(Call::Set, LONG_MS);
        if helping {
            helps(&scene);
        }
        slow(&scene);
        let supervisor = scene.open();
        let blocks = async {
            blocks_items(&scene).await;
            eventually(|| scene.outcomes().first().copied()).await;
            if !helping {
                test_guards::sleep_machine(LONG_MS);
            }
        };
        let (reports, ()) = tokio::join!(supervisor.run_once(), blocks);
        test_guards::sleep_machine(0);
        let step = &reports[0].findings[0].plans[0].steps[0];
        assert_eq!((step.outcome, scene.text("file")), (Some(Outcome::Reverted), "old".into()), "{helping}");
        assert!(detail(&scene).contains("what it did is not written, so undo may refuse"), "{}", detail(&scene));
        assert_eq!(told(&scene), owned(&["intent", "guarded", "outcome provisional", BY_HOST]), "never confirmed");
        drop(supervisor);
        scene.finish().await;
    }
}

/// Would break: a guard that is removed because the step seems to have changed nothing.
#[tokio::test]
async fn a_step_whose_record_is_lost_is_left_to_its_guard() {
    let scene = scene(Call::Set, LONG_MS);
    slow(&scene);
    let killed = killed::start("guarded::the_process_that_is_killed", &scene);
    blocks_items(&scene).await;
    eventually(|| scene.outcomes().first().copied()).await;
    drop(killed);
    scene.open().recover().await;
    assert_eq!(scene.text("file"), "new", "nothing says what ansai would put back");
    test_guards::fire_all(&scene.state_dir());
    eventually(|| (scene.text("history") == "set file\nguard file\n").then_some(())).await;
    assert_eq!(scene.text("file"), "old");
    scene.open().recover().await;
    assert_eq!(told(&scene).pop().unwrap(), BY_GUARD);
    scene.finish().await;
}

/// The same of a step that lasts. Would break: a person who is told that it changed nothing.
#[tokio::test]
async fn without_its_record_a_step_is_not_said_to_have_changed_nothing() {
    for fails in [false, true] {
        let scene = Scene::new();
        let mut steps = vec![Step::mark(scene.path("a"))];
        if fails {
            steps.push(Step::new(Call::Flaky, 0, 0, scene.path("b")));
        }
        scene.script(&Script::sick(steps, OnFailure::UndoApplied));
        slow(&scene);
        let supervisor = scene.open();
        tokio::join!(supervisor.run_once(), blocks_items(&scene));
        drop(supervisor);
        assert_eq!(scene.path("a").exists(), !fails, "the undo of its plan knows what it did");
        if !fails {
            let undone = scene.open().undo(&plan_of(&scene).unwrap(), Some(0), "a person").unwrap();
            assert_eq!(undone[0].outcome, Some(Outcome::Refused));
            assert!(!undone[0].detail.contains("changed nothing"), "{}", undone[0].detail);
        }
        scene.finish().await;
    }
}

/// Would break: a change that stays for good because ansai only looked when its guard was gone.
#[tokio::test]
async fn after_a_restart_of_the_machine_in_observe_mode_it_waits() {
    for (point, call, outcome) in [
        ("acted", Call::Set, "outcome provisional"),
        ("provisional", Call::Set, "outcome provisional"),
        ("provisional", Call::SetForATime, "outcome done"),
    ] {
        let scene = scene(call, LONG_MS);
        killed_at(&scene, point).await;
        let before = told(&scene).len();
        test_guards::remove_all(&scene.state_dir());
        test_guards::set_boot("another");
        for times in 1..3 {
            let supervisor = scene.open_with(fixed(Mode::Observe)).unwrap();
            supervisor.recover().await;
            supervisor.run_once().await;
            assert_eq!((scene.text("file"), told(&scene).len()), ("new".into(), before), "{point}: nothing is done");
            assert_eq!(waiting(&scene), times, "{point}: told once a run");
        }
        scene.open().recover().await;
        assert_eq!(told(&scene), owned(&["intent", "guarded", outcome, BY_HOST]), "{point}");
        assert_eq!(scene.text("file"), "old");
        is_free(&scene, point);
        scene.finish().await;
    }
}

/// The same while it was about to be confirmed: that is finished as soon as ansai may act.
#[tokio::test]
async fn a_confirmation_waits_in_observe_mode() {
    let scene = scene(Call::Set, LONG_MS);
    helps(&scene);
    killed_at(&scene, "disarmed").await;
    test_guards::remove_all(&scene.state_dir());
    test_guards::set_boot("another");
    scene.open_with(fixed(Mode::Observe)).unwrap().recover().await;
    assert_eq!((told(&scene).len(), waiting(&scene)), (4, 1));
    scene.open().recover().await;
    assert_eq!((told(&scene).pop().unwrap().as_str(), scene.text("file")), ("confirmed", "new".into()));
    scene.finish().await;
}

/// Its timer is stopped already. Would break: a step that nobody puts back and nobody confirms.
#[tokio::test]
async fn a_step_that_cannot_be_confirmed_is_put_back() {
    let scene = scene(Call::Set, LONG_MS);
    helps(&scene);
    std::fs::write(scene.path("confirm-fails"), "").unwrap();
    let reports = scene.open().run_once().await;
    let step = &reports[0].findings[0].plans[0].steps[0];
    assert_eq!((step.outcome, scene.text("file")), (Some(Outcome::Reverted), "old".into()), "{}", step.detail);
    let expected = ["intent", "guarded", "outcome provisional", "confirming", BY_HOST];
    assert_eq!(told(&scene), owned(&expected));
    is_free(&scene, "confirm");
    scene.finish().await;
}

/// Would break: a start that confirms what was being put back.
#[tokio::test]
async fn what_could_not_be_confirmed_is_put_back_also_after_a_crash() {
    let scene = scene(Call::Set, LONG_MS);
    helps(&scene);
    std::fs::write(scene.path("confirm-fails"), "").unwrap();
    killed_at(&scene, "undone").await;
    std::fs::remove_file(scene.path("confirm-fails")).unwrap();
    scene.open().recover().await;
    let expected = ["intent", "guarded", "outcome provisional", "confirming", BY_HOST];
    assert_eq!((told(&scene), scene.text("file")), (owned(&expected), "old".into()));
    scene.finish().await;
}

/// Would break: a timer that stays and fires later, or one of which nobody is told.
#[tokio::test]
async fn a_guard_that_was_armed_in_part_is_removed_or_told() {
    for stays in [false, true] {
        let scene = scene(Call::Set, LONG_MS);
        std::fs::write(scene.path("arming-fails"), "").unwrap();
        if stays {
            std::fs::write(scene.path("disarming-fails"), "").unwrap();
        }
        scene.open().run_once().await;
        assert_eq!(told(&scene), owned(&["intent", "outcome refused"]));
        let guard = scene.path("guards").read_dir().unwrap().next().unwrap().unwrap().path();
        assert_eq!(guard.join("removed").exists(), !stays);
        assert_eq!(detail(&scene).contains("may still fire: unavailable: nobody answers"), stays, "{}", detail(&scene));
        test_guards::remove_all(&scene.state_dir());
        scene.finish().await;
    }
}

/// The guard of one step puts it back while ansai is dead: the plan has failed, and what it did before is undone.
#[tokio::test]
async fn the_plan_of_a_step_that_its_guard_put_back_is_undone() {
    let scene = with_guards(Scene::new());
    std::fs::write(scene.path("file"), "old").unwrap();
    let steps = vec![Step::mark(scene.path("a")), Step::new(Call::Set, LONG_MS, 0, scene.path("file"))];
    scene.script(&Script::sick(steps, OnFailure::UndoApplied));
    killed_at(&scene, "acted").await;
    test_guards::fire_all(&scene.state_dir());
    eventually(|| scene.text("history").ends_with("guard file\n").then_some(())).await;
    // The undo is as little allowed in observe mode as any other one.
    scene.open_with(fixed(Mode::Observe)).unwrap().recover().await;
    assert_eq!((scene.path("a").exists(), waiting(&scene)), (true, 1));
    scene.open().recover().await;
    let expected = ["intent", "outcome done", "intent", "guarded", "outcome reverted", BY_HOST];
    assert_eq!((told(&scene), scene.path("a").exists()), (owned(&expected), false));
    is_free(&scene, "plan");
    scene.finish().await;
}
