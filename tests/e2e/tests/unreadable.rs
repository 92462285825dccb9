//! What cannot be read never counts as healthy.

use ansai_harness::{Tmpfs, requires_root};

use crate::scene::{OldLogs, ansai_beside, replay_all};

#[test]
fn an_incident_of_a_target_that_cannot_be_read_any_more_stays_open_as_unknown() {
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
    ran.expect_code(5);
    let json = ran.json();
    let findings = json["instances"][0]["findings"].as_array().unwrap();
    let wanted = root.display().to_string();
    let finding = findings.iter().find(|finding| finding["key"] == wanted.as_str()).expect("still there");
    assert!(finding["status"]["unknown"].is_string(), "{finding:#}");
    assert!(finding["incident"].is_string(), "still open: {finding:#}");
    replay_all(state.path());
}
