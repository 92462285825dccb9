//! While the time of a step lasts: others may use what it changed, but not its effect, and a person may end it.

use std::time::Duration;

use ansai_core::{Event, Millis, OnFailure, Outcome, RetryPolicy};

use crate::guarded::{LONG_MS, told};
use crate::scene::{Scene, eventually};
use crate::script::{Call, Script, Step};
use crate::test_guards;

/// A file that is `new` for a time, with attempts that follow at once, and the plan.
async fn lasting() -> (Scene, String) {
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

/// Would break: a second step that takes what the first one has set for the state before, and puts that back.
#[tokio::test]
async fn a_step_with_the_same_effect_waits() {
    let (scene, _) = lasting().await;
    let supervisor = scene.open();
    let intents = || scene.intents().len();
    let ends = async {
        let planned = || scene.events().iter().filter(|event| matches!(event, Event::Planned { .. })).count();
        eventually(|| (planned() == 2).then_some(())).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(intents(), 1, "it waits");
        test_guards::sleep_machine(LONG_MS);
        eventually(|| (intents() == 2).then_some(())).await;
        supervisor.stop("a test");
    };
    tokio::join!(supervisor.run(), ends);
    assert!(told(&scene)[3].starts_with("undone done by "), "{:?}", told(&scene));
    drop(supervisor);
    test_guards::fire_all(&scene.state_dir());
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
