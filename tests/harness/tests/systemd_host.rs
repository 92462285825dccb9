//! The disposable host runs a real systemd, and leaves nothing behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use std::time::{Duration, Instant};

use ansai_harness::{SystemdHost, requires_root};

#[test]
fn systemd_host_boots_runs_units_and_ends() {
    if !requires_root() {
        return;
    }
    let shared = tempfile::tempdir().unwrap();
    std::fs::write(shared.path().join("from-outside"), "hello").unwrap();
    let host = SystemdHost::start(&[(shared.path(), "/srv/shared")]);

    assert_eq!(host.exec(&["systemctl", "is-system-running"]).expect_code(0).stdout.trim(), "running");
    assert_eq!(host.exec(&["cat", "/srv/shared/from-outside"]).stdout, "hello");
    host.exec(&["sh", "-c", "echo hi > /srv/shared/from-inside"]).expect_code(0);
    assert_eq!(std::fs::read_to_string(shared.path().join("from-inside")).unwrap(), "hi\n");

    let failing = ["systemd-run", "--wait", "--quiet", "--unit=crash", "sh", "-c", "echo broken >&2; exit 7"];
    host.exec(&failing).expect_code(7);
    host.exec(&["journalctl", "--sync"]).expect_code(0);
    let journal = host.exec(&["journalctl", "--unit=crash", "--output=cat", "--no-pager"]);
    assert!(journal.stdout.contains("broken"), "{journal:?}");
    assert_eq!(host.exec(&["systemctl", "is-failed", "crash"]).stdout.trim(), "failed");
    assert!(host.root().join("srv/shared/from-inside").exists());

    let process = format!("/proc/{}", host.process());
    drop(host);
    let end = Instant::now() + Duration::from_secs(20);
    while std::fs::exists(&process).unwrap() {
        assert!(Instant::now() < end, "process 1 of the host lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains("ansai-systemd-"), "{mounts}");
}

#[test]
fn systemd_hosts_do_not_see_each_other() {
    if !requires_root() {
        return;
    }
    let (one, other) = (SystemdHost::start(&[]), SystemdHost::start(&[]));
    one.exec(&["touch", "/etc/only-here"]).expect_code(0);
    other.exec(&["test", "-e", "/etc/only-here"]).expect_code(1);
    one.exec(&["systemd-run", "--unit=only-here", "sleep", "1000"]).expect_code(0);
    assert_ne!(other.exec(&["systemctl", "is-active", "only-here"]).stdout.trim(), "active");
}
