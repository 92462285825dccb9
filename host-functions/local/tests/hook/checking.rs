//! `check`: holds until a hook is healthy.

use ansai_core::hook::{Does, Linked};
use ansai_core::{Millis, Outcome, Refusal};
use ansai_kit::action::{Begun, Progress};
use serde_json::json;
use serde_json::value::RawValue;

use crate::scene::{Scene, Step};

fn check<'a>(scene: &'a Scene, name: &str, within: u64) -> Step<'a> {
    scene.step("check", json!({ "hook": name, "parameters": [], "within": within, "reason": "to test" }))
}

fn begun(step: &mut Step<'_>) -> Box<RawValue> {
    step.preview().unwrap();
    let Begun::Running { handle, limit } = step.begin().unwrap() else { panic!("it has ended") };
    assert!(limit > Millis::new(10_000));
    handle
}

#[test]
fn it_waits_until_the_hook_is_healthy() {
    let mut scene = Scene::new();
    scene.add_script("ready", Does::Reads, "test -e HERE/ready || { echo still warming up; exit 1; }; echo fine");
    let mut step = check(&scene, "ready", 10_000);
    let preview = step.preview().unwrap();
    assert_eq!((preview.items, preview.takes), (0, Some(Millis::new(10_000))));
    assert!(preview.sample[0].starts_with("ready is healthy within 10 s, says `/"), "{:?}", preview.sample);
    let handle = begun(&mut step);
    let Progress::Running { note, again_in } = step.poll(&handle) else { panic!("not yet") };
    assert_eq!((note.as_str(), again_in), ("ready is not healthy: still warming up", Millis::new(1_000)));
    std::fs::write(scene.open("ready"), "").unwrap();
    let Progress::Finished(applied) = step.poll(&handle) else { panic!("it is healthy") };
    assert_eq!((applied.outcome, applied.detail.as_str()), (Outcome::Done, "ready is healthy: fine"));
    std::fs::remove_file(scene.open("ready")).unwrap();
    scene.now = ansai_core::Timestamp::EPOCH + Millis::new(10_000);
    let mut step = check(&scene, "ready", 10_000);
    step.preview().unwrap();
    let Progress::Finished(applied) = step.poll(&handle) else { panic!("its time is over") };
    assert_eq!(applied.outcome, Outcome::Failed);
    assert!(matches!(&applied.reason, Some(Refusal::TimedOut(why)) if why.contains("still warming up")));
}

/// Would break: a check for which an answer that says nothing, or none at all, is a good one.
#[test]
fn what_cannot_be_told_is_not_healthy() {
    let scene = Scene::new();
    for (text, part) in [
        ("echo unsure; exit 3", "does not say whether it is healthy: unsure"),
        ("kill -9 $$", "does not say"),
        ("echo '{\"healthy\": false}'", "is not healthy"),
        ("exec sleep 1000", "did not end within"),
    ] {
        scene.add_script("sick", Does::Reads, text);
        scene.limit("sick", 400);
        let mut step = check(&scene, "sick", 10_000);
        let handle = begun(&mut step);
        let Progress::Running { note, .. } = step.poll(&handle) else { panic!("{text}") };
        assert!(note.contains(part), "{text}: {note}");
    }
    // Its program is gone, and may come back: the check goes on until its time is over.
    let mut step = check(&scene, "sick", 10_000);
    let handle = begun(&mut step);
    std::fs::remove_file(scene.path("sick")).unwrap();
    assert!(matches!(step.poll(&handle), Progress::Running { note, .. } if note.contains("program-start")));
}

#[test]
fn a_hook_that_acts_is_checked_by_its_check() {
    let scene = Scene::new();
    scene.add_script("acts", Does::Acts, "touch HERE/acted");
    assert!(matches!(check(&scene, "acts", 1_000).preview(), Err(Refusal::Unsupported(_))));
    scene.add_script("well", Does::Reads, "echo well");
    scene.change("acts", |access| access.hook.check = Some(Linked::Hook("well".into())));
    let mut step = check(&scene, "acts", 1_000);
    let handle = begun(&mut step);
    assert!(matches!(step.poll(&handle), Progress::Finished(applied) if applied.outcome == Outcome::Done));
    assert!(!scene.open("acted").exists());
    assert!(matches!(step.resolve(), Ok(applied) if applied.outcome == Outcome::Failed));
    assert!(matches!(check(&scene, "acts", 3_600_001).preview(), Err(Refusal::Invalid(_))));
    assert!(matches!(check(&scene, "acts", u64::MAX).preview(), Err(Refusal::Invalid(_))));
}

#[test]
fn a_check_that_was_exchanged_does_not_begin_and_a_bad_handle_is_unknown() {
    let scene = Scene::new();
    scene.add_script("well", Does::Reads, "echo well");
    let mut step = check(&scene, "well", 1_000);
    step.preview().unwrap();
    scene.script("well", "exit 0 # always");
    assert!(matches!(step.begin(), Err(Refusal::Changed(_))));
    for handle in [json!({}), json!({ "hook": "well", "parameters": [], "until": 0, "more": 1 }), json!([])] {
        let Progress::Finished(applied) = step.poll(&crate::scene::raw(handle)) else { panic!() };
        assert_eq!(applied.outcome, Outcome::Unknown);
    }
}

/// Would break: a check that goes on after a restart, which authorizes nothing, and runs what nobody has approved.
#[test]
fn a_check_ends_if_its_hook_is_not_granted_any_more_or_is_another_one() {
    let mut scene = Scene::new();
    scene.add_script("sick", Does::Reads, "echo ran >> HERE/ran; exit 1");
    let mut step = check(&scene, "sick", 10_000);
    let (handle, targets) = (begun(&mut step), step.targets.clone());
    assert!(matches!(step.poll(&handle), Progress::Running { .. }));
    scene.is_granted = false;
    let mut step = check(&scene, "sick", 10_000);
    step.targets = targets.clone();
    let Progress::Finished(applied) = step.poll(&handle) else { panic!("it is not granted") };
    assert_eq!(applied.outcome, Outcome::Failed);
    assert!(matches!(&applied.reason, Some(Refusal::Denied(why)) if why == "the hook sick is not granted any more"));
    scene.is_granted = true;
    scene.add_script("sick", Does::Reads, "echo other >> HERE/ran; exit 0");
    let mut step = check(&scene, "sick", 10_000);
    step.targets = targets;
    let Progress::Finished(applied) = step.poll(&handle) else { panic!("it is another one") };
    assert_eq!(applied.outcome, Outcome::Failed);
    assert!(matches!(&applied.reason, Some(Refusal::Changed(why)) if why.contains("sick")));
    assert_eq!(std::fs::read_to_string(scene.open("ran")).unwrap(), "ran\n");
}

#[test]
fn a_stop_ends_the_look_and_leaves_the_check() {
    let scene = Scene::new();
    scene.add_script("hangs", Does::Reads, "exec sleep 1000");
    let mut step = check(&scene, "hangs", 60_000);
    let handle = begun(&mut step);
    scene.stop();
    assert!(matches!(step.poll(&handle), Progress::Running { .. }));
    let on_stop = step.doing(|action, _| action.on_stop());
    assert_eq!(on_stop, ansai_kit::action::OnStop::Leave);
}
