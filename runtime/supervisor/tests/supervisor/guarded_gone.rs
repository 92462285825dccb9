//! Steps for a time whose guard is gone: only ansai, or a person, puts them back.

use ansai_core::{Millis, Mode, OnFailure, Outcome};
use ansai_supervisor::Instance;

use crate::guarded::{LONG_MS, is_free, told};
use crate::guarded_lasting::{ends_afterwards, lasting, uses_file};
use crate::scene::{ONE, eventually, fixed};
use crate::script::Script;
use crate::test_guards;

/// Would break: an undo of what another plan uses, because no guard is there to wait for.
#[tokio::test]
async fn it_is_not_put_back_while_another_plan_uses_the_thing() {
    let (scene, _) = lasting().await;
    uses_file(&scene);
    let supervisor = scene.open();
    let ends = async {
        let user = scene.running().await;
        test_guards::remove_all(&scene.state_dir());
        test_guards::sleep_machine(10 * LONG_MS);
        ends_afterwards(&scene, user).await;
        supervisor.stop("a test");
    };
    tokio::join!(supervisor.run(), ends);
    drop(supervisor);
    scene.finish().await;
}

/// The same of one that ansai could not put back when its time was over, and left to its guard.
#[tokio::test]
async fn one_that_was_left_to_its_guard_is_put_back_when_the_thing_is_free() {
    let (scene, _) = lasting().await;
    scene.script(&Script::sick(vec![], OnFailure::Stop));
    let often = Instance { every: Millis::new(300), ..scene.instance(ONE) };
    let supervisor = scene.open_all(fixed(Mode::Enforce), vec![often]).unwrap();
    let ends = async {
        std::fs::rename(scene.path("file"), scene.path("away")).unwrap();
        // Not so long that the time of day would be in doubt.
        test_guards::sleep_machine(LONG_MS - 500);
        eventually(|| told(&scene).contains(&"undone refused by the host".to_owned()).then_some(())).await;
        uses_file(&scene);
        let user = scene.running().await;
        test_guards::remove_all(&scene.state_dir());
        std::fs::write(scene.path("file"), "new").unwrap();
        ends_afterwards(&scene, user).await;
        supervisor.stop("a test");
    };
    tokio::join!(supervisor.run(), ends);
    drop(supervisor);
    scene.finish().await;
}

/// Would break: a change that a person can only undo with a daemon, where no run may put it back.
#[tokio::test]
async fn a_person_may_undo_it_without_a_daemon() {
    for restarts in [false, true] {
        let (scene, plan) = lasting().await;
        test_guards::remove_all(&scene.state_dir());
        if restarts {
            test_guards::set_boot("another");
        }
        let undone = scene.open_with(fixed(Mode::Observe)).unwrap().undo(&plan, None, "a person").unwrap();
        assert_eq!((undone[0].outcome, scene.text("file")), (Some(Outcome::Reverted), "old".into()), "{undone:?}");
        scene.open().recover().await;
        assert_eq!(told(&scene), ["intent", "guarded", "outcome done", "undone done by a person"]);
        is_free(&scene, "afterwards");
        scene.finish().await;
    }
}
