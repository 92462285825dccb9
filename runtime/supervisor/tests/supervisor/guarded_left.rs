//! Steps for a time that ansai could not end, and left to their guard: others may use what they changed, as while they last.

use std::time::Duration;

use ansai_core::{Millis, Mode, OnFailure, Outcome, RetryPolicy};
use ansai_supervisor::Supervisor;
use ansai_supervisor::authority::Fixed;

use crate::guarded::{LONG_MS, killed_at, told};
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
