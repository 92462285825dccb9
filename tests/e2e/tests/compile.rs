//! Compiled policies on disk are mapped, or copied if mapping is not possible.

use std::collections::BTreeSet;
use std::os::unix::fs::DirEntryExt as _;
use std::time::Duration;

use ansai_harness::{Ansai, Daemon, Tmpfs, binary, requires_root};

const SOON: Duration = Duration::from_secs(60);

/// Starts the daemon with this state; returns whether it mapped a file of compiled code from there for execution. Only a
/// daemon that runs guest code itself does.
fn started(state: &std::path::Path, isolation: &str) -> (Daemon, bool) {
    let policy = binary::policy("disk-space");
    let place = tempfile::tempdir().unwrap();
    let config = place.path().join("ansai.toml");
    let granted = "[policy.disk-space.grant]\n\"ansai:disk/disk-probe\" = {}\n";
    std::fs::write(&config, format!("[daemon]\nisolation = \"{isolation}\"\n[policy.disk-space]\n{granted}")).unwrap();
    let daemon = Ansai::new().args(["run"]).arg(policy.parent().unwrap()).arg("--config").arg(&config);
    let daemon = daemon.state_dir(state).spawn();
    daemon.wait_for_line("started", SOON);
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", daemon.pid)).unwrap();
    let mapped = maps.lines().any(|line| line.contains(" r-xp ") && line.contains("/compiled/"));
    (daemon, mapped)
}

/// The files of compiled code. Another compilation would replace them.
fn kept(state: &std::path::Path) -> BTreeSet<(std::ffi::OsString, u64)> {
    let entries = std::fs::read_dir(state.join("compiled")).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name(), entry.ino())).collect()
}

#[test]
fn compiled_code_is_mapped_from_the_cache() {
    let state = tempfile::tempdir().unwrap();
    assert!(started(state.path(), "thread").1);
    let first = kept(state.path());
    assert!(started(state.path(), "thread").1);
    assert!(!started(state.path(), "process").1, "the code of a policy is mapped in the process of ansai");
    assert_eq!(kept(state.path()), first);
}

#[test]
fn a_noexec_state_directory_works() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(32);
    let remounted = std::process::Command::new("mount").args(["-o", "remount,noexec"]).arg(disk.path()).status();
    assert!(remounted.unwrap().success());
    assert!(!started(disk.path(), "thread").1);
    let first = kept(disk.path());
    assert_eq!(first.len(), 4, "code, its MAC, the verification and the key");
    assert!(!started(disk.path(), "thread").1);
    assert_eq!(kept(disk.path()), first, "found, not compiled again");
}
