//! ansai is killed while a hook runs.

use ansai_core::Outcome;
use ansai_core::hook::Does;
use ansai_harness::Invocation;
use serde_json::json;

use crate::scene::{LONG, Scene, has_ended, process_in};

/// Where the child process writes.
const PLACE: &str = "ANSAI_TEST_HOOK";

#[test]
fn what_a_child_does() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let scene = Scene::new();
    let text = format!("echo $$ > HERE/hook; cp HERE/hook {}/hook; exec sleep 1000", place.display());
    scene.add_script("hangs", Does::Acts, &text);
    let _ = scene.run("hangs");
}

/// Would break: a command that goes on without anybody who knows of it, or an outcome that is made up.
#[test]
fn a_killed_ansai_leaves_no_command_behind_and_does_not_know_the_outcome() {
    let place = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(place.path(), open).unwrap();
    let mut child = Invocation::of(std::env::current_exe().unwrap())
        .args(["--exact", "killed::what_a_child_does", "--nocapture"])
        .env(PLACE, place.path())
        .spawn();
    let command = process_in(&place.path().join("hook"));
    assert!(!has_ended(command));
    child.signal(rustix::process::Signal::KILL);
    child.wait(LONG);
    let began = std::time::Instant::now();
    while !has_ended(command) {
        assert!(began.elapsed() < LONG, "the command goes on");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let scene = Scene::new();
    scene.add_script("hangs", Does::Acts, "touch HERE/ran");
    scene.undo("hangs", "touch HERE/undone", &[]);
    let mut step = scene.run_step("hangs", json!([]));
    step.preview().unwrap();
    let resolved = step.resolve().unwrap();
    assert_eq!((resolved.outcome, resolved.items.len()), (Outcome::Unknown, 0));
    assert!(resolved.detail.contains("unknown"), "{}", resolved.detail);
    assert!(!scene.open("ran").exists() && !scene.open("undone").exists(), "it only looks");
}
