//! A recorded evaluation, exported as a scenario, passes with the recorded component.

use std::path::Path;

use ansai_harness::{Ansai, Ran, Scene, Tmpfs, binary, guest, requires_root};

use crate::scene::{OldLogs, ansai_beside};

fn ids(state: &Path) -> Vec<String> {
    let ran = Ansai::new().args(["recordings", "list", "--format", "json"]).state_dir(state).run();
    let list = ran.expect_code(0).json();
    list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn export(state: &Path, id: &str, arguments: &[&str]) -> Ran {
    Ansai::new().args(["recordings", "export", id]).args(arguments).state_dir(state).run()
}

/// Exports `detect` and `plan` of the built-in policy, from a file system that is really full.
#[test]
fn evaluations_of_the_built_in_policy_become_scenarios() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(32);
    let scene = OldLogs::new(disk.path(), 0.9, || disk.used_share());
    let state = tempfile::tempdir().unwrap();
    for more in [0, 2_000_000] {
        // The second run has an open incident and a store, and another severity: what is the same has no recording.
        std::fs::write(disk.path().join("more"), vec![1; more]).unwrap();
        ansai_beside(&scene.root)
            .args(["run", "--once", "--mode", "observe"])
            .config(&scene.config("enforce", "min_age_hours = 24"))
            .state_dir(state.path())
            .run()
            .expect_code(3);
    }
    let policies = binary::repository().join("policies");
    let ids = ids(state.path());
    assert!(ids.len() >= 4, "{ids:?}");
    let out = tempfile::tempdir().unwrap();
    let mut plans = 0;
    for id in &ids {
        let file = out.path().join(format!("{id}.toml"));
        let file = file.to_str().unwrap();
        export(state.path(), id, &["-o", file, "--policies", policies.to_str().unwrap()]).expect_code(0);
        let ran = Ansai::new().arg("test").arg(policies.join("disk-space")).args(["--scenario", file]).run();
        assert!(ran.expect_code(0).stdout.contains("1 passed, 0 failed"), "{}", ran.stdout);
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains("[settings]") && text.contains("[context]") && text.contains("[scopes]"), "{text}");
        // The whole scope that the policy received, not only the part that it used.
        assert!(text.contains("min_age_hours = 24"), "{text}");
        plans += usize::from(text.contains("[[expect.plan]]") && text.contains("files-actions.remove"));
        // The scenario can fail: the recorded answers matter.
        let healthy = text.replace("available-bytes = ", "available-bytes = 9");
        if healthy != text && !text.contains("[[expect.plan]]") {
            let file = out.path().join("healthy.toml");
            std::fs::write(&file, healthy).unwrap();
            let ran = Ansai::new().arg("test").arg(policies.join("disk-space")).arg("--scenario").arg(&file).run();
            ran.expect_code(1);
        }
    }
    assert!(plans >= 2, "plans are exported with their steps");
}

/// A directory with one recorded evaluation of a test guest.
fn recorded(guest: &str) -> Scene {
    let scene = Scene::new();
    scene.policy("guest", &guest::of_file(guest));
    Ansai::new().args(["run", "--once"]).arg(scene.path("policies")).state_dir(scene.state_dir()).run();
    scene
}

fn export_first(scene: &Scene, arguments: &[&str]) -> Ran {
    let state = scene.state_dir();
    let id = ids(&state).first().expect("a recording").clone();
    export(&state, &id, arguments)
}

#[test]
fn refusals_failures_and_traps_are_exported_too() {
    for name in ["healthy", "outside-grant", "not-granted", "says-it-failed", "panic", "log-flood"] {
        let scene = recorded(name);
        let (out, policies) = (scene.path("out.toml"), scene.path("policies"));
        let (out, policies) = (out.to_str().unwrap(), policies.to_str().unwrap());
        export_first(&scene, &["-o", out, "--policies", policies]).expect_code(0);
        let ran = Ansai::new().arg("test").arg(policies).args(["--scenario", out]).run();
        assert!(ran.expect_code(0).stdout.contains("1 passed, 0 failed"), "{name}: {}", ran.stdout);
    }
}

#[test]
fn an_existing_file_is_not_overwritten() {
    let scene = recorded("healthy");
    let out = scene.path("out.toml");
    std::fs::write(&out, "precious").unwrap();
    let ran = export_first(&scene, &["-o", out.to_str().unwrap()]);
    assert!(ran.expect_code(2).stderr.contains("exists") && ran.stderr.contains("--force"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "precious");
    export_first(&scene, &["-o", out.to_str().unwrap(), "--force"]).expect_code(0);
    assert!(std::fs::read_to_string(&out).unwrap().contains("[expect]"));
    let ran = export_first(&scene, &[]);
    assert!(ran.expect_code(0).stdout.contains("[expect]"), "{}", ran.stdout);
    assert!(ran.stderr.contains("not run: no component here has the digest"), "{}", ran.stderr);
}

#[test]
fn only_recordings_that_match_the_log_are_exported() {
    let scene = recorded("healthy");
    let state = scene.state_dir();
    export(&state, "nothing-of-that-name", &[]).expect_code(2);
    std::fs::remove_dir_all(state.join("audit")).unwrap();
    let ran = export_first(&scene, &[]);
    assert!(ran.expect_code(4).stderr.contains("the audit log does not name recording"), "{}", ran.stderr);
}
