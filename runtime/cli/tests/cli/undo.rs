//! `ansai undo`: through the running daemon and without one, with a look beforehand, and for other users.

use ansai_harness::{Daemon, requires_root};
use rustix::process::Signal;

use crate::orders::{LIMIT, as_nobody, controlled, daemon, group_of_nobody};
use crate::plans::{AHEAD_HOURS, Full, LOGS};
use crate::support::*;

const UNKNOWN: &str = "20260101t000000-000-0000";

/// A file system on which one plan was applied; since then, the policy only observes.
fn applied() -> (Full, String) {
    let full = Full::new();
    full.ansai(&["run", "--once"]).says("quarantined");
    assert!(full.logs() < LOGS);
    let plan = full.plan();
    let text = std::fs::read_to_string(full.scene.path("ansai.toml")).unwrap();
    full.scene.configuration(&text.replace("mode = \"enforce\"", "mode = \"observe\""));
    (full, plan)
}

/// A daemon that has the state directory. Requests wait until it listens.
pub(crate) fn running(full: &Full) -> Daemon {
    let daemon = full.scene.command(&["run", "--config", "ansai.toml"]).clock_offset_hours(AHEAD_HOURS).spawn();
    daemon.wait_for_line("started: ", LIMIT);
    daemon
}

/// Would break: an undo that needs the state for itself, or that ends the run of the daemon in the audit log.
#[test]
fn a_running_daemon_undoes_a_plan() {
    if !requires_root() {
        return;
    }
    let (full, plan) = applied();
    let mut daemon = running(&full);
    full.ansai(&["pause", "1h", "--reason", "looking into it"]).code(0);
    full.ansai(&["undo", &plan, "--step", "99"]).code(2).complains("[unknown-plan]").complains("has no step 99");
    full.ansai(&["undo", UNKNOWN]).code(2).complains("[unknown-plan]").complains("no plan 2026");
    full.ansai(&["undo", "../../etc"]).code(2).complains("[unknown-plan]");
    let undone = full.ansai(&["undo", &plan]).code(0).says("reverted: restored").says("touches");
    assert!(undone.stdout.contains("undo until 20"), "{undone}");
    assert_eq!(full.logs(), LOGS);
    full.ansai(&["undo", &plan]).code(0).says("nothing to do: step 0 is already undone");
    full.ansai(&["undo", &plan, "--step", "0"]).code(4).says("refused: step 0 is already undone");
    full.ansai(&["audit", "show", "--plan", &plan]).code(0).says("restored").says("(uid 0)");
    let told = full.ansai(&["audit", "show"]).code(0);
    assert!(!told.stdout.contains("stopped: the undoing ended"), "the daemon goes on: {told}");
    full.ansai(&["status"]).says("paused until");
    daemon.signal(Signal::TERM);
    daemon.wait(LIMIT);
    full.ansai(&["audit", "verify"]).code(0);
}

/// Would break: a look that changes something, or that says something else than the undo then does.
#[test]
fn a_dry_run_says_what_would_be_undone_and_changes_nothing() {
    if !requires_root() {
        return;
    }
    let (full, plan) = applied();
    let left = full.logs();
    let records = || full.ansai(&["audit", "export"]).code(0).stdout.lines().count();
    let look = |is_undone: bool| {
        let dry = full.ansai(&["undo", &plan, "--dry-run"]).code(0);
        match is_undone {
            false => dry.says("would restore").says("undo until 20").says(&format!("run `ansai undo {plan}`")),
            true => dry.says("nothing to do: step 0 is already undone").says("nothing that can be undone"),
        }
    };
    let before = records();
    look(false);
    full.ansai(&["undo", UNKNOWN, "--dry-run"]).code(2).complains("[unknown-plan]");
    full.ansai(&["undo", &plan, "--dry-run", "--step", "99"]).code(2).complains("has no step 99");
    let ungranted = full.scene.command(&["undo", &plan, "--dry-run"]).clock_offset_hours(AHEAD_HOURS).run();
    ungranted.code(4).says("refused: denied: undo needs the grants of disk-space: pass --config FILE");
    assert_eq!(records(), before, "nothing is recorded");

    let daemon = running(&full);
    look(false);
    let json = full.ansai(&["undo", &plan, "--dry-run", "--format", "json"]).code(0).json();
    let restores = |step: &serde_json::Value| {
        step["outlook"]["what"] == "restores" && step["items"].as_u64().is_some_and(|items| items > 0)
    };
    assert!(json["format"] == 1 && json["undo"]["steps"].as_array().unwrap().iter().any(restores), "{json:#}");
    assert_eq!(full.logs(), left, "nothing is restored");
    full.ansai(&["undo", &plan]).code(0).says("reverted: restored");
    assert_eq!(full.logs(), LOGS);
    look(true);
    drop(daemon);
}

/// Would break: grants of the start instead of those of now.
#[test]
fn a_daemon_undoes_by_the_grants_of_now_from_a_file_that_nobody_else_can_write() {
    if !requires_root() {
        return;
    }
    let (full, plan) = applied();
    let left = full.logs();
    let daemon = running(&full);
    let file = full.scene.path("ansai.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let granted = format!("files-actions\" = {{ roots = [\"{}\"]", full.disk.path().display());
    assert!(text.contains(&granted), "{text}");
    for (changed, mode, expected) in [
        (text.replace(&granted, "files-actions\" = { roots = [\"/nowhere\"]"), 0o600, "denied"),
        (format!("{text}\n[nonsense"), 0o600, "is not valid"),
        (text.clone(), 0o666, "writable by other users"),
    ] {
        std::fs::write(&file, changed).unwrap();
        permit(&file, mode);
        // Without `--config`: the command would refuse such a file itself.
        let refused = full.scene.command(&["undo", &plan]).clock_offset_hours(AHEAD_HOURS).run();
        refused.code(4).says("refused: ").says(expected);
        assert_eq!(full.logs(), left, "{expected}");
    }
    std::fs::write(&file, &text).unwrap();
    permit(&file, 0o600);
    full.ansai(&["undo", &plan]).code(0).says("reverted: restored");
    drop(daemon);
}

/// Would break: an undo by a user who may only read, or a look that needs the right to change.
#[test]
fn who_may_read_may_look_and_only_operators_undo() {
    if !requires_root() {
        return;
    }
    let Some(group) = group_of_nobody() else { return };
    for (key, may_look, may_undo) in [("group", true, false), ("operators", true, true), ("", false, false)] {
        let scene = Scene::new();
        let config = controlled(&scene, key, &group, &quiet("p"));
        let _running = daemon(&scene, &config);
        let run = |arguments: &[&str]| as_nobody(&scene, arguments).arg("--config").arg(&config).limit(LIMIT).run();
        // Who may do it is told that there is no such plan.
        let expect = |ran: Ran, may: bool| match may {
            true => ran.code(2).complains("[unknown-plan]"),
            false => ran.code(4).complains("[control-refused]"),
        };
        expect(run(&["undo", UNKNOWN, "--dry-run"]), may_look);
        expect(run(&["undo", UNKNOWN]), may_undo);
    }
}
