//! `pause`, `silence`, `resume`, `pauses` and `status` of the real program: with a daemon, without one, with one that is
//! stopped, and for other users.

use std::time::{Duration, Instant};

use ansai_harness::{Daemon, Invocation, requires_root};
use rustix::process::Signal;

use crate::support::*;

/// How long something may take that surely happens.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// A configuration with one policy.
pub(crate) fn configured(scene: &Scene, more: &str, component: &[u8]) -> String {
    let file = scene.policy("p", component);
    let config = scene.configuration(&format!("{more}\n[policy.p]\nsource = \"{}\"\n", file.display()));
    config.to_str().unwrap().to_owned()
}

/// A daemon that answers.
pub(crate) fn daemon(scene: &Scene, config: &str) -> Daemon {
    let running = scene.command(&["run", "--config", config]).spawn();
    let end = Instant::now() + LIMIT;
    while !scene.ansai(&["pauses", "--config", config, "--format", "json"]).stdout.contains("\"running\": true") {
        assert!(Instant::now() < end, "{}", running.transcript());
        std::thread::sleep(Duration::from_millis(50));
    }
    running
}

#[test]
fn without_a_daemon_an_order_is_stored_for_the_next_start() {
    let scene = Scene::new();
    scene.ansai(&["pauses"]).code(1).complains("[not-running]");
    scene.ansai(&["status"]).code(1).complains("[not-running]");
    scene.ansai(&["resume"]).code(2).complains("[nothing-to-resume]").complains("ansai pauses");
    let paused = scene.ansai(&["pause", "p", "2h", "--reason", "kernel update"]).code(0);
    paused.says("p is paused until").says("(2 h left): kernel update, by").says("no ansai runs: this is stored");
    scene.ansai(&["silence", "/var", "7d", "--reason", "a new disk"]).code(0).says("key /var are silenced until");
    scene.ansai(&["pauses"]).code(0).says("p is paused").says("/var").says("no ansai runs: this is what it left");
    let json = scene.ansai(&["pauses", "--format", "json"]).code(0).json();
    assert_eq!((&json["format"], &json["running"], &json["answer"]), (&1.into(), &false.into(), &"orders".into()));
    assert_eq!(json["pauses"][0]["reason"], "kernel update");
    scene.ansai(&["audit", "show"]).code(0).says("p is paused until").says("/var are silenced");
    scene.ansai(&["resume", "p"]).code(0).says("p is no longer paused");
    scene.ansai(&["resume", "/var"]).code(0).says("key /var are no longer silenced");
    scene.ansai(&["pauses"]).code(0).says("nothing is paused, silenced or stopped");
    scene.ansai(&["audit", "show"]).says("is no longer paused: ended by");
}

#[test]
fn nothing_is_retried_that_is_not_left_to_a_person() {
    let scene = Scene::new();
    let retried = scene.ansai(&["retry", "/var\u{1b}[31m"]).code(2);
    retried.complains("[nothing-to-retry]").complains("ansai status");
    let config = configured(&scene, "", &quiet("p"));
    let running = daemon(&scene, &config);
    scene.ansai(&["retry", "p", "--config", &config]).code(2).complains("[nothing-to-retry]");
    drop(running);
}

#[test]
fn what_is_mistyped_is_told() {
    let scene = Scene::new();
    let config = configured(&scene, "", &quiet("p"));
    for (arguments, expected) in [
        (&["pause", "1h"][..], "--reason"),
        (&["pause", "p", "--reason", "x"], "DURATION"),
        (&["pause", "30", "--reason", "x"], "with a unit"),
        (&["pause", "P!", "1h", "--reason", "x"], "not a valid name"),
        (&["pause", "1h", "--reason", " "], "[bad-order]"),
        (&["pause", "32d", "--reason", "x"], "[bad-order]"),
        (&["pause", "q", "1h", "--reason", "x", "--config", &config], "[unknown-instance]"),
        (&["silence", "", "1h", "--reason", "x"], "[bad-order]"),
        (&["resume", "nothing"], "[nothing-to-resume]"),
    ] {
        scene.ansai(arguments).code(2).complains(expected);
    }
}

#[test]
fn a_daemon_does_it_at_once_and_keeps_it() {
    let scene = Scene::new();
    let config = configured(&scene, "", &quiet("p"));
    let mut running = daemon(&scene, &config);
    let paused = scene.ansai(&["pause", "30m", "--reason", "kernel update"]).code(0).says("every instance is paused");
    assert!(!paused.stdout.contains("no ansai runs"), "{paused}");
    running.wait_for_line("every instance is paused until", LIMIT);
    scene.ansai(&["pause", "q", "1h", "--reason", "x"]).code(2).complains("[unknown-instance]");
    let status =
        scene.ansai(&["status"]).code(0).says("healthy").says("every instance is paused until").says("p (observe):");
    assert!(!status.stdout.contains("no ansai runs"), "{status}");
    let json = scene.ansai(&["status", "--format", "json"]).code(0).json();
    let schema = serde_json::from_str(include_str!("../../schemas/status.schema.json")).unwrap();
    let problems: Vec<_> =
        jsonschema::draft202012::new(&schema).unwrap().iter_errors(&json).map(|e| e.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
    running.signal(Signal::TERM);
    running.wait(LIMIT);
    scene.ansai(&["status"]).code(0).says("no ansai runs").says("every instance is paused until");
    let mut running = daemon(&scene, &config);
    scene.ansai(&["resume"]).code(0).says("every instance is no longer paused");
    running.wait_for_line("no longer paused: ended by", LIMIT);
    running.signal(Signal::TERM);
    running.wait(LIMIT);
}

/// A run with `--once` listens too, for as long as it takes.
#[test]
fn an_incident_is_shown_silenced_and_shown_again() {
    let scene = Scene::new();
    let config = configured(&scene, "", &sick("p"));
    let running = daemon(&scene, &config);
    running.wait_for_line("opened", LIMIT);
    let json = scene.ansai(&["status", "--format", "json"]).code(3).json();
    let key = json["incidents"][0]["key"].as_str().unwrap();
    scene.ansai(&["status"]).code(3).says("unhealthy: 1 open incident").says("next: nothing: observe mode");
    scene.ansai(&["silence", key, "1h", "--reason", "known"]).code(0).says("silences 1 open incident");
    let silenced = scene.ansai(&["status"]).code(0).says("healthy: 1 silenced").says("next: silenced until");
    assert!(!silenced.stdout.contains('\u{1b}') && silenced.stdout.lines().all(|line| line.chars().count() <= 120));
    scene.ansai(&["resume", key]).code(0);
    scene.ansai(&["status"]).code(3);
}

/// Stopped, as by a debugger or a hanging disk: the kernel takes the connection all the same.
#[test]
fn a_daemon_that_hangs_is_a_typed_error() {
    let scene = Scene::new();
    let config = configured(&scene, "", &quiet("p"));
    let mut running = daemon(&scene, &config);
    running.signal(Signal::STOP);
    scene.ansai(&["status"]).code(1).complains("[not-answering]").complains("restart it");
    running.signal(Signal::CONT);
    scene.ansai(&["status"]).code(0);
    running.signal(Signal::TERM);
    running.wait(LIMIT);
}

/// A daemon that is killed leaves its socket.
#[test]
fn after_a_crash_the_state_answers_and_the_next_daemon_listens() {
    let scene = Scene::new();
    let config = configured(&scene, "", &quiet("p"));
    daemon(&scene, &config).killed();
    assert!(scene.state_dir().join("control.sock").exists());
    scene.ansai(&["pause", "1h", "--reason", "x"]).code(0).says("no ansai runs");
    scene.ansai(&["status"]).code(0).says("no ansai runs");
    drop(daemon(&scene, &config));
}

/// The same command as user and group 65534.
pub(crate) fn as_nobody(scene: &Scene, arguments: &[&str]) -> Invocation {
    let who = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    Invocation::of("setpriv")
        .current_dir("/")
        .env("COLUMNS", "120")
        .args(who)
        .arg(env!("CARGO_BIN_EXE_ansai"))
        .args(arguments)
        .arg("--state-dir")
        .arg(scene.state_dir())
}

/// The name of group 65534; `None`, with a word about it, on a host that has none.
pub(crate) fn group_of_nobody() -> Option<String> {
    let groups = std::fs::read_to_string("/etc/group").unwrap();
    let found = groups.lines().find_map(|line| line.strip_suffix(":x:65534:").map(str::to_owned));
    if found.is_none() {
        eprintln!("skipped: /etc/group names no group 65534");
    }
    found
}

/// A configuration that everybody can read, with a socket that everybody can reach; `key` of `[control]` is this group,
/// unless it is empty.
pub(crate) fn controlled(scene: &Scene, key: &str, group: &str, component: &[u8]) -> String {
    let groups = if key.is_empty() { String::new() } else { format!("{key} = \"{group}\"\n") };
    let control = format!("[control]\nsocket = \"{}/run/control.sock\"\n{groups}", scene.root().display());
    let config = configured(scene, &control, component);
    permit(scene.root(), 0o755);
    permit(std::path::Path::new(&config), 0o644);
    config
}

#[test]
fn other_users_may_do_what_their_group_may() {
    if !requires_root() {
        return;
    }
    let Some(group) = group_of_nobody() else { return };
    for (key, may_read, may_change) in [("group", true, false), ("operators", true, true), ("", false, false)] {
        let scene = Scene::new();
        let config = controlled(&scene, key, &group, &quiet("p"));
        let _running = daemon(&scene, &config);
        let run = |arguments: &[&str]| as_nobody(&scene, arguments).arg("--config").arg(&config).limit(LIMIT).run();
        let expect = |ran: ansai_harness::Ran, may: bool| match may {
            true => ran.code(0),
            false => ran.code(4).complains("[control-refused]"),
        };
        expect(run(&["status"]), may_read);
        let paused = expect(run(&["pause", "1h", "--reason", "x"]), may_change);
        assert_eq!(paused.stdout.contains("(uid 65534)"), may_change, "{paused}");
        let json = scene.ansai(&["pauses", "--config", &config, "--format", "json"]).code(0).json();
        assert_eq!(json["pauses"].as_array().unwrap().len(), usize::from(may_change), "{json}");
    }
}
