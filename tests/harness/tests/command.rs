//! Programs run, are waited for, and never keep running.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use std::panic::catch_unwind;
use std::path::Path;
use std::time::Duration;

use ansai_harness::{Invocation, until, until_ok};
use rustix::process::Signal;

const LIMIT: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Invocation {
    Invocation::of("/bin/sh").arg("-c").arg(script)
}

#[test]
fn code_and_both_streams_are_kept() {
    let ran = shell("echo '{\"a\": 1}'; echo oops >&2; exit 3").run();
    assert_eq!(ran.expect_code(3).json()["a"], 1);
    assert_eq!(ran.stderr, "oops\n");
    assert_eq!(shell("kill -TERM $$").run().code, 128 + 15);
}

#[test]
fn another_exit_code_fails_with_the_output() {
    let ran = shell("echo why >&2; exit 1").run();
    let failure = catch_unwind(|| ran.expect_code(0).code).unwrap_err();
    assert!(failure.downcast_ref::<String>().unwrap().contains("why"));
}

#[test]
fn the_users_environment_is_hidden() {
    let ran = shell("echo $HOME; env | grep -E '^(XDG|ANSAI)_'").run();
    let home = ran.stdout.trim();
    assert_ne!(Some(home), std::env::var("HOME").ok().as_deref());
    assert!(!Path::new(home).exists(), "the home goes with the run");
    assert_eq!(ran.code, 1, "no such variable: {}", ran.stdout);
}

#[test]
fn a_configuration_is_a_file_of_the_run() {
    let ran = shell("cat \"$2\"; echo $1").arg("name").config("mode = \"observe\"\n").run();
    assert_eq!(ran.stdout, "mode = \"observe\"\n--config\n");
}

#[test]
fn a_limit_ends_the_program_and_what_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("child");
    let run = shell("sleep 1000 & echo $! > \"$1\"; wait").arg("name").arg(&file).limit(Duration::from_secs(1));
    let failure = catch_unwind(std::panic::AssertUnwindSafe(|| run.run())).unwrap_err();
    assert!(failure.downcast_ref::<String>().unwrap().contains("still running"));
    assert_gone(&std::fs::read_to_string(file).unwrap());
}

#[test]
fn a_daemon_is_watched_signalled_and_waited_for() {
    let mut daemon = shell(
        "trap 'echo reloaded; n=$((n+1)); [ $n -lt 2 ] || exit 7' HUP; echo up >&2; while :; do sleep 0.05; done",
    )
    .spawn();
    assert_eq!(daemon.wait_for_line("up", LIMIT), "up");
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("reloaded", LIMIT);
    daemon.signal(Signal::HUP);
    daemon.wait_for_nth_line(2, "reloaded", LIMIT);
    daemon.wait(LIMIT).expect_code(7);
}

#[test]
fn a_missing_line_fails_as_soon_as_the_program_ends() {
    let daemon = shell("echo other").spawn();
    let failure = catch_unwind(std::panic::AssertUnwindSafe(|| daemon.wait_for_line("up", LIMIT))).unwrap_err();
    assert!(failure.downcast_ref::<String>().unwrap().contains("the program ended"));
}

#[test]
fn a_dropped_daemon_is_gone() {
    let daemon = shell("echo up; exec sleep 1000").spawn();
    daemon.wait_for_line("up", LIMIT);
    let pid = daemon.pid.to_string();
    drop(daemon);
    assert_gone(&pid);
}

#[test]
fn only_a_running_program_is_killed() {
    shell("exec sleep 1000").spawn().killed();
    let mut ended = shell("exit 0").spawn();
    until("it ends", LIMIT, || ended.has_ended().then_some(()));
    assert!(catch_unwind(std::panic::AssertUnwindSafe(|| ended.killed())).is_err());
}

#[test]
fn what_does_not_come_fails_with_what_was_seen() {
    let mut looks = 0..3;
    assert_eq!(until("the third look", LIMIT, || looks.next().filter(|look| *look == 2)), 2);
    let failure = catch_unwind(|| until_ok("a file", Duration::ZERO, || Err::<(), _>("no directory".to_owned())));
    let failure = failure.unwrap_err();
    assert!(failure.downcast_ref::<String>().unwrap().ends_with("a file: no directory"));
}

/// The process was killed, but its new parent may not have waited for it yet.
fn assert_gone(pid: &str) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.trim())).unwrap_or_default();
    assert!(status.is_empty() || status.contains("State:\tZ") || status.contains("State:\tX"), "{status}");
}
