//! What no longer exists closes its incident, and a person is told that it is gone.

use ansai_harness::{Tmpfs, requires_root};

use crate::scene::{OldLogs, ansai_beside, replay_all};

#[test]
fn an_incident_of_a_file_system_that_is_no_longer_mounted_is_gone() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(16);
    let root = disk.path().to_owned();
    let scene = OldLogs::new(&root, 0.96, || disk.used_share());
    let config = scene.config("observe", "min_age_hours = 24");
    let state = tempfile::tempdir().unwrap();
    let run = || {
        ansai_beside(&root).args(["run", "--once", "--format", "json"]).config(&config).state_dir(state.path()).run()
    };
    run().expect_code(3);
    drop(scene);
    drop(disk);
    let ran = run();
    ran.expect_code(0);
    let json = ran.json();
    let findings = json["instances"][0]["findings"].as_array().unwrap();
    let wanted = root.display().to_string();
    let finding = findings.iter().find(|finding| finding["key"] == wanted.as_str()).expect("still there");
    assert_eq!(finding["status"], "gone", "{finding:#}");
    assert!(finding["incident"].is_null(), "it is closed: {finding:#}");
    assert_eq!(json["summary"]["gone"], 1, "{json:#}");
    replay_all(state.path());
}
