//! What an administrator does to let an action do more by itself: sees its record, changes its level, says what was wrong.

use std::os::unix::fs::{MetadataExt as _, symlink};
use std::time::{Duration, Instant};

use ansai_harness::{Then, requires_root};
use rustix::io::Errno;
use rustix::process::Signal;
use serde_json::Value;

use crate::orders::daemon;
use crate::plans::{Full, LOGS};
use crate::support::*;

/// How long something may take that surely happens.
const LIMIT: Duration = Duration::from_secs(120);
const FILES: &str = "files-actions";

/// A file system that logs fill, and a policy that only observes and frees at once what it removes.
fn observing() -> Full {
    let full = Full::new();
    let text = configuration(&full).replace("mode = \"enforce\"\n", "");
    full.scene.configuration(&text.replace("undo_hours = 48, hold_below_percent = 95", "undo_hours = 0"));
    full
}

fn configuration(full: &Full) -> String {
    std::fs::read_to_string(full.scene.path("ansai.toml")).unwrap()
}

/// The record of the one action.
fn record(full: &Full) -> Value {
    let document = full.ansai(&["promote", "--format", "json"]).code(0).json();
    let schema = serde_json::from_str(include_str!("../../schemas/promote.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let problems: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
    document["actions"][0].clone()
}

fn numbers(full: &Full) -> [u64; 5] {
    let record = record(full)["record"].clone();
    ["proposed", "approved", "applied", "verified", "healed"].map(|name| record[name].as_u64().unwrap())
}

/// The plan of the logs that waits, and its incident.
fn waiting(full: &Full) -> (String, String) {
    let plans = full.ansai(&["plans", "--open", "--format", "json"]).code(0).json();
    let text = |name: &str| plans[0][name].as_str().unwrap_or_else(|| panic!("{plans:#}")).to_owned();
    (text("plan"), text("incident"))
}

#[test]
fn an_action_goes_from_observe_to_a_person_to_healed_and_back() {
    if !requires_root() {
        return;
    }
    let full = observing();
    full.ansai(&["promote"]).code(0).says("observe").says("never proposed in 90 days").says("proposed for 0 of 3");
    full.ansai(&["run", "--once"]).code(3).says("not applied");
    assert_eq!(numbers(&full), [1, 0, 0, 0, 0]);
    full.ansai(&["run", "--once"]).code(3);
    assert_eq!(numbers(&full), [1, 0, 0, 0, 0], "one incident counts once");

    // The record is thin. Nothing is written, with and without --write.
    let before = configuration(&full);
    for more in [&[][..], &["--write"]] {
        let refused = full.ansai(&[&["promote", "disk-space"], more].concat()).code(4);
        refused.says("+mode = \"approve\"").complains("[thin-record]").complains("proposed for 1 of 3 incidents");
    }
    full.ansai(&["promote", "disk-space", FILES, "--to", "enforce", "--write"]).code(4).complains("skips the level");
    full.ansai(&["promote", "disk-space", "--anyway"]).code(0).says("nothing is written");
    assert_eq!(configuration(&full), before);
    full.ansai(&["promote", "disk-space", FILES, "--write", "--anyway"]).code(0).says("+mode = \"approve\"");
    let changed = configuration(&full);
    assert_eq!(changed.replacen("mode = \"approve\"\n", "", 1), before, "one line, and nothing else");
    full.ansai(&["audit", "show"]).says("moves from observe to approve, by ").says("although its record is thin");

    full.ansai(&["run", "--once"]).code(3).says("waits for");
    let (plan, incident) = waiting(&full);
    let shown = full.ansai(&["plan", &plan]).code(0);
    assert!(!shown.stdout.contains("helped"), "it was never tried: {}", shown.stdout);
    full.ansai(&["approve", &plan]).code(0);
    full.ansai(&["run", "--once"]).says("verified: healthy");
    assert!(full.logs() < LOGS);
    assert_eq!(numbers(&full), [1, 1, 1, 1, 1]);
    full.ansai(&["promote", "disk-space"]).code(4).says("verified 1, healed 1").says("helped 1 of 1 time in 90 days");

    // The incident is closed, and can be judged all the same.
    full.ansai(&["feedback", &incident, "--false-alarm", "--note", "nightly import"])
        .code(0)
        .says("is a false alarm, says")
        .says("nightly import");
    full.ansai(&["promote", "disk-space"]).code(4).complains("false alarms: 1 of 1 incidents");
    full.ansai(&["feedback", &incident, "--helpful"]).code(0).says("was helpful");
    let record = record(&full)["record"].clone();
    assert_eq!((&record["false_alarms"], &record["helpful"]), (&0.into(), &1.into()), "the last word counts");
    assert!(record["freed_bytes"].as_u64().unwrap() > 1 << 20, "{record:#}");

    // It fills again: the plan tells what the action achieved.
    full.fill();
    full.ansai(&["run", "--once"]).code(3).says("waits for").says("helped 1 of 1 time in 90 days");
    let (plan, _) = waiting(&full);
    full.ansai(&["plan", &plan]).code(0).says("helped 1 of 1 time in 90 days");

    full.ansai(&["promote", "disk-space", "--to", "observe", "--write"]).code(0).says("+mode = \"observe\"");
    full.ansai(&["run", "--once"]).code(3).says("not applied");
    full.ansai(&["audit", "show"]).says("moves from approve to observe, by ");
}

/// A policy with a finding, and two actions that are granted to it.
fn granted(scene: &Scene) -> String {
    let file = scene.policy("p", &sick("p"));
    let text = format!(
        "[policy.p]\nsource = \"{}\" # mine\n[policy.p.grant]\n\"ansai:files/files-actions\" = {{ roots = [\"/srv\"] }}\n\
         \"ansai:journal/journal-vacuum-actions\" = {{}}\n",
        file.display()
    );
    scene.configuration(&text).to_str().unwrap().to_owned()
}

#[test]
fn a_running_daemon_counts_feedback_and_takes_a_promotion_without_a_signal() {
    let scene = Scene::new();
    let config = granted(&scene);
    let mut running = daemon(&scene, &config);
    running.wait_for_line("opened", LIMIT);
    let status = scene.ansai(&["status", "--format", "json"]).code(3).json();
    let incident = status["incidents"][0]["incident"].as_str().unwrap().to_owned();
    scene.ansai(&["feedback", &incident, "--false-alarm"]).code(0).says("is a false alarm");
    running.wait_for_line("is a false alarm, says", LIMIT);
    let near = scene.ansai(&["feedback", "p/", "--helpful"]).code(2).complains("[unknown-incident]");
    assert!(near.stderr.contains("did you mean p/"), "{near}");
    scene.ansai(&["feedback", "p/", "--helpful", "--false-alarm"]).code(2).complains("cannot be used with");
    scene.ansai(&["feedback", &incident]).code(2).complains("--false-alarm");
    let long = "x".repeat(1_001);
    scene.ansai(&["feedback", &incident, "--helpful", "--note", &long]).code(2).complains("1000 bytes");

    let promote = ["promote", "p", FILES, "--config", &config, "--anyway", "--write"];
    let promoted =
        scene.ansai(&promote).code(0).says("with it, ansai:journal/journal-vacuum-actions moves from observe");
    promoted.says("a running ansai reads it before its next step");
    running.wait_for_line("files-actions moves from observe to approve, by", LIMIT);
    let end = Instant::now() + LIMIT;
    while !scene.ansai(&["status"]).stdout.contains("p (approve)") {
        assert!(Instant::now() < end, "{}", running.transcript());
    }
    running.signal(Signal::TERM);
    running.wait(LIMIT);

    // The same without a daemon.
    scene.ansai(&["feedback", &incident, "--helpful"]).code(0).says("was helpful");
    scene.ansai(&promote).code(0).says("+\"ansai:journal/journal-vacuum-actions\" = { approve = true }");
    let listed = scene.ansai(&["promote", "--config", &config]).code(0);
    listed.says("ansai:files/files-actions: enforce").says("journal-vacuum-actions: approve");
    scene.ansai(&["audit", "show"]).says("was helpful").says("moves from approve to enforce");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("# mine\n") && text.contains("mode = \"enforce\""), "{text}");
}

#[test]
fn what_cannot_be_promoted_is_refused_with_its_code() {
    let scene = Scene::new();
    let config = granted(&scene);
    let before = std::fs::read_to_string(&config).unwrap();
    for (arguments, code, expected) in [
        (&["promote", "q"][..], 2, "[unknown-instance]"),
        (&["promote", "p"], 2, "[unknown-action]"),
        (&["promote", "p", "fils-actions"], 2, "did you mean"),
        (&["promote", "--write"], 2, "INSTANCE"),
        (&["promote", "p", FILES, "--write"], 4, "[thin-record]"),
    ] {
        scene.ansai(&[arguments, &["--config", &config]].concat()).code(code).complains(expected);
    }
    // Grants that another user can change are not made wider.
    let write = ["promote", "p", FILES, "--anyway", "--write", "--config", &config];
    permit(config.as_ref(), 0o666);
    scene.ansai(&write).code(4).complains("[untrusted-configuration]");
    permit(config.as_ref(), 0o640);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before);
    let shown = scene.ansai(&["audit", "show"]);
    assert!(!shown.stdout.contains("moves from"), "{shown}");

    // A link stays a link, and what it leads to keeps its mode.
    let link = scene.path("link.toml");
    symlink("ansai.toml", &link).unwrap();
    let link = link.to_str().unwrap().to_owned();
    scene.ansai(&["promote", "p", FILES, "--anyway", "--write", "--config", &link]).code(0);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&config).unwrap().mode() & 0o777, 0o640);
    assert_eq!(std::fs::read_to_string(&config).unwrap().replacen("mode = \"approve\"\n", "", 1), before);
}

/// Would break: an instance that nobody can stop from acting while its state is damaged.
#[test]
fn going_down_to_observe_works_while_the_state_is_damaged() {
    let scene = Scene::new();
    let config = granted(&scene);
    scene.ansai(&["promote", "p", FILES, "--anyway", "--write", "--config", &config]).code(0);
    std::fs::write(scene.state_dir().join("state.db"), "this is no database").unwrap();
    for file in ["state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(scene.state_dir().join(file));
    }
    let promote = |to| scene.ansai(&["promote", "p", FILES, "--to", to, "--anyway", "--write", "--config", &config]);
    let refused = promote("enforce");
    assert_ne!(refused.code, 0, "{refused}");
    assert!(std::fs::read_to_string(&config).unwrap().contains("mode = \"approve\""));
    let done = promote("observe").code(0);
    done.complains("what the actions achieved is unknown").complains("the audit log does not have this");
    assert!(!std::fs::read_to_string(&config).unwrap().contains("mode = \"approve\""));
}

/// Every call that changes or syncs something beside the configuration, killed before it or failing: the file is the old one
/// or the new one, and the next run goes on.
#[test]
fn a_kill_or_an_error_at_any_call_leaves_the_old_file_or_the_new_one() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new();
    let before = std::fs::read_to_string(granted(&scene)).unwrap();
    let etc = scene.path("etc");
    std::fs::create_dir(&etc).unwrap();
    let file = etc.join("ansai.toml");
    let write = ["promote", "p", FILES, "--anyway", "--write", "--config", file.to_str().unwrap()];
    let mut points = 0;
    for then in [Then::Kill, Then::Fail(Errno::NOSPC)] {
        for wanted in 0.. {
            std::fs::write(&file, &before).unwrap();
            let mut seen = 0;
            let ran = scene.command(&write).run_stopping(|call| {
                let is_here = call.paths.iter().any(|path| path.starts_with(&etc));
                seen += usize::from(is_here);
                if is_here && seen == wanted + 1 { then } else { Then::Go }
            });
            let text = std::fs::read_to_string(&file).unwrap();
            let is_new = text.replacen("mode = \"approve\"\n", "", 1) == before && text != before;
            assert!(text == before || is_new, "point {wanted} of {then:?}: {text}");
            if seen <= wanted {
                assert!(ran.code == 0 && is_new, "{ran}");
                break;
            }
            assert_ne!(ran.code, 0, "point {wanted} of {then:?}: {ran}");
            points += 1;
        }
    }
    // Create, owner or mode, write, sync, rename, sync of the directory: each was tried.
    assert!(points >= 8, "{points}");
    let names: Vec<_> = std::fs::read_dir(&etc).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(names, ["ansai.toml"], "nothing is left");
}
