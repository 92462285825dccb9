//! Secrets of targets are in no file that ansai writes and in nothing that it prints.

use std::time::Duration;

use ansai_harness::scene::permit;
use ansai_harness::search::files_with;
use ansai_harness::secret::{self, SECRET};
use ansai_harness::{Invocation, Ran, Scene, binary};
use rustix::process::Signal;

/// A healthy policy that may use a target of each kind of secret.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.guest("healthy");
    scene.write("credentials/cache", SECRET);
    scene.write("secrets/main-db.secret", format!("{SECRET}\n"));
    let file = scene.path("secrets/main-db.secret");
    scene.configuration(&format!(
        r#"[host]
labels = {{ role = "web" }}
[target.main-db]
kind = "postgresql"
address = "db.example.org:5432"
user = "ansai"
secret = {{ file = {file:?} }}
[target.cache]
kind = "redis"
secret = {{ credential = "cache" }}
[policy.healthy.grant]
"ansai:disk/disk-probe" = {{}}
[policy.healthy.target]
main-db = {{}}
cache = {{}}
"#
    ));
    scene
}

fn run(scene: &Scene, arguments: &[&str]) -> Ran {
    let ran = scene.command(arguments).env("CREDENTIALS_DIRECTORY", scene.path("credentials"));
    let ran = ran.arg("--config").arg(scene.path("ansai.toml")).run();
    secret::is_not_below(&scene.state_dir());
    ran
}

#[test]
fn a_run_leaves_no_secret_behind() {
    let scene = scene();
    for format in ["text", "json"] {
        run(&scene, &["run", "policies", "--once", "-vv", "--format", format]).expect_code(0);
        run(&scene, &["check", "policies", "--format", format]).expect_code(0);
    }
    assert!(scene.path("state/recordings").exists(), "there is something to search");
    // The search finds what is there.
    assert_eq!(files_with(scene.root(), SECRET.as_bytes()).len(), 2);
    for command in [&["recordings", "list"][..], &["audit", "show"]] {
        scene.command(command).run().expect_code(0);
    }
}

#[test]
fn a_secret_that_others_can_read_is_a_problem_for_check_and_a_warning_at_the_start() {
    let scene = scene();
    let file = scene.path("secrets/main-db.secret");
    permit(&file, 0o644);
    let shown = std::fs::canonicalize(&file).unwrap();
    let (shown, problem) = (shown.display(), "the secret of target `main-db` cannot be used: ");
    let checked = run(&scene, &["check"]);
    checked.expect_code(2);
    for words in ["[secret-exposed]", problem, "ansai.toml:7:1", &format!("chmod 600 {shown}")] {
        assert!(checked.stderr.contains(words), "{words}:\n{}\n{}", checked.stdout, checked.stderr);
    }
    let document = run(&scene, &["check", "--format", "json"]).json();
    let entries = document["checked"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["name"] == "[target.main-db], postgresql").unwrap();
    assert_eq!((&entry["ok"], entry["problem"].is_object()), (&false.into(), true), "{entry:#}");
    let started = run(&scene, &["run", "policies", "--once"]);
    started.expect_code(0);
    assert!(started.stderr.contains("warning[secret-exposed]"), "{}", started.stderr);

    permit(&file, 0o600);
    let alone = scene.command(&["check", "policies", "--config", "ansai.toml"]).run();
    alone.expect_code(0);
    assert!(alone.stdout.contains("warning[no-credential]"), "{}\n{}", alone.stdout, alone.stderr);
}

#[test]
fn a_secret_in_the_configuration_itself_is_refused_and_not_shown() {
    for text in [
        format!("[target.a]\nkind = \"x\"\nsecret = \"{SECRET}\"\n"),
        format!("[target.a]\nkind = \"x\"\naddress = \"https://me:{SECRET}@h/\"\n"),
        format!("[target.a]\nkind = \"x\"\npassword = \"{SECRET}\"\n"),
        format!("[target.a]\nkind = \"x\"\nsecret = {SECRET}\n"),
    ] {
        let scene = Scene::new();
        scene.guest("healthy");
        scene.configuration(&text);
        for arguments in [&["check"][..], &["check", "--format", "json"], &["run", "policies", "--once", "-vv"]] {
            run(&scene, arguments).expect_code(2);
        }
    }
}

/// Raises the limit for core dumps as far as possible, then becomes the rest of its arguments.
const WITH_CORE_DUMPS: &str = "ulimit -S -c $(ulimit -H -c); exec \"$@\"";

#[test]
fn a_crash_leaves_no_core_dump() {
    let scene = scene();
    let kept = scene.path("kept");
    std::fs::create_dir(&kept).unwrap();
    let shell = Invocation::of("sh").args(["-c", WITH_CORE_DUMPS, "sh"]).current_dir(&kept);
    let command = shell.arg(binary::ansai()).args(["run"]).arg(scene.path("policies"));
    let mut daemon = command.arg("--config").arg(scene.path("ansai.toml")).state_dir(scene.state_dir()).spawn();
    daemon.wait_for_line("started", Duration::from_secs(30));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.pid)).unwrap();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    let soft = limit.split_whitespace().next().unwrap();
    assert!(["0", "1"].contains(&soft), "{limits}");
    daemon.signal(Signal::ABORT);
    daemon.wait(Duration::from_secs(30));
    let left: Vec<_> = std::fs::read_dir(&kept).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
