//! The real daemon.

use std::time::Duration;

use ansai_harness::{Tmpfs, requires_root};
use rustix::process::Signal;

use crate::scene::{ansai, ansai_beside, config, replay_all, write_old};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_disk_that_fills_while_it_runs_is_healed_and_sigterm_ends_it_in_order() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(32);
    std::fs::create_dir(disk.path().join("log")).unwrap();
    let state = tempfile::tempdir().unwrap();
    let config = config(disk.path(), "enforce", "min_age_hours = 24");
    let mut daemon =
        ansai_beside(disk.path()).args(["run", "--mode", "enforce"]).config(&config).state_dir(state.path()).spawn();
    daemon.wait_for_line("started", SOON);

    // A second one with the same state refuses to start, and names the reason.
    let second = ansai().args(["run", "--once"]).config(&config).state_dir(state.path()).run();
    assert_ne!(second.code, 0);
    assert!(second.stderr.contains("another ansai"), "{}", second.stderr);

    for index in 0..60 {
        write_old(&disk.path().join(format!("log/app.log.{index}")), 512 << 10, 100);
    }
    let full = disk.used_share();
    assert!(full > 0.9, "{full}");
    daemon.wait_for_line("verified: healthy", SOON);
    assert!(disk.used_share() < 0.8, "{}", disk.used_share());

    // The disk fills up again, and the daemon is asked to stop in the middle of a pass.
    for index in 0..60 {
        write_old(&disk.path().join(format!("log/again.log.{index}")), 512 << 10, 100);
    }
    daemon.signal(Signal::TERM);
    let ended = daemon.wait(SOON);
    ended.expect_code(0);
    replay_all(state.path());
    let shown = ansai().args(["audit", "show"]).state_dir(state.path()).run();
    assert!(shown.stdout.contains("stopped"), "{}", shown.stdout);
}

/// A policy that runs once an hour: whatever it does after the start, an event caused.
#[test]
fn a_running_daemon_is_woken_by_a_file_and_by_a_person() {
    let disk = tempfile::tempdir().unwrap();
    let root = disk.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("log")).unwrap();
    let state = tempfile::tempdir().unwrap();
    let watched = root.join("deployed");
    let config = config(&root, "observe", "min_age_hours = 24")
        .replace("every = \"1s\"", &format!("every = \"1h\"\nwatch = [{{ file = {watched:?} }}]"));
    let mut daemon = ansai().arg("run").config(&config).state_dir(state.path()).spawn();
    daemon.wait_for_line("started", SOON);
    let woken = ansai().args(["wake", "disk-space"]).config(&config).state_dir(state.path()).run();
    woken.expect_code(0);
    let unknown = ansai().args(["wake", "dsik-space"]).config(&config).state_dir(state.path()).run();
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
    assert!(unknown.stderr.contains("unknown-instance"), "{}", unknown.stderr);
    let of_events = || {
        let exported = ansai().args(["audit", "export"]).state_dir(state.path()).run();
        exported.stdout.lines().filter(|line| line.contains("\"trigger\":\"event\"")).count()
    };
    let until = |count: usize| {
        let began = std::time::Instant::now();
        while of_events() < count {
            assert!(began.elapsed() < SOON);
            std::fs::write(&watched, "v2").unwrap();
        }
    };
    until(1);
    until(2);
    daemon.signal(Signal::TERM);
    daemon.wait(SOON).expect_code(0);
    replay_all(state.path());
}
