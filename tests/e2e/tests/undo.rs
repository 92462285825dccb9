//! Compressed or quarantined files are restored byte for byte, with owner, mode and times.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use ansai_harness::{Ext4, requires_root};

use crate::scene::{AHEAD_HOURS, ansai_beside, config_with, finding, replay_all, set_modified, write_old};

fn describe(path: &Path) -> (Vec<u8>, u32, u32, u32, i64, i64) {
    let meta = std::fs::symlink_metadata(path).unwrap();
    let content = std::fs::read(path).unwrap();
    (content, meta.mode(), meta.uid(), meta.gid(), meta.mtime(), meta.mtime_nsec())
}

fn run_and_undo(disk: &Ext4, file: &Path, action: &str, logs_older_than: &str) {
    let before = describe(file);
    let state = tempfile::tempdir().unwrap();
    // At a warning, removed files are quarantined: usage is below `hold_below_percent`.
    let grant = "min_age_hours = 24, undo_hours = 48, hold_below_percent = 95";
    let config = config_with(disk.path(), "enforce", grant, logs_older_than);
    let ran = ansai_beside(disk.path())
        .args(["run", "--once", "--format", "json", "--mode", "enforce"])
        .config(&config)
        .state_dir(state.path())
        .run();
    let finding = finding(&ran, disk.path());
    assert!(!file.exists(), "{finding:#}");
    let plan = &finding["plans"][0];
    let steps = plan["steps"].as_array().unwrap();
    let done = steps.iter().any(|step| step["action"].as_str().unwrap().ends_with(action) && step["outcome"] == "done");
    assert!(done, "{plan:#}");
    let id = plan["plan"].as_str().unwrap();
    let undone = ansai_beside(disk.path()).args(["undo", id]).config(&config).state_dir(state.path()).run();
    undone.expect_code(0);
    assert!(describe(file) == before, "{}", undone.stdout);
    replay_all(state.path());
}

fn prepare(disk: &Ext4, name: &str) -> std::path::PathBuf {
    std::fs::create_dir(disk.path().join("log")).unwrap();
    let file = disk.path().join("log").join(name);
    let line = "2026-01-01 00:00:00 something happened that is worth a line of text\n";
    std::fs::write(&file, line.repeat(80_000)).unwrap();
    rustix::fs::chown(&file, Some(rustix::fs::Uid::from_raw(12_345)), Some(rustix::fs::Gid::from_raw(54_321))).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    set_modified(&file, std::time::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 123_456_789));
    // Files that no policy touches, to reach the usage level.
    for index in 0.. {
        if disk.used_share() > 0.83 {
            break;
        }
        write_old(&disk.path().join(format!("ballast-{index}")), 1 << 20, 1);
    }
    file
}

#[test]
fn a_compressed_log_is_restored() {
    if !requires_root() {
        return;
    }
    let disk = Ext4::new(64);
    let file = prepare(&disk, "app.log.1");
    // Not old enough to be removed.
    run_and_undo(&disk, &file, "compress", "3650 days");
}

#[test]
fn a_quarantined_log_is_restored() {
    if !requires_root() {
        return;
    }
    let disk = Ext4::new(64);
    // Already compressed, so it can only be removed.
    let file = prepare(&disk, "app.log.1.gz");
    run_and_undo(&disk, &file, "remove", "30 days");
}

#[test]
fn a_quarantined_log_is_removed_when_its_time_is_over() {
    if !requires_root() {
        return;
    }
    let disk = Ext4::new(64);
    let file = prepare(&disk, "app.log.1.gz");
    let state = tempfile::tempdir().unwrap();
    let config =
        config_with(disk.path(), "enforce", "min_age_hours = 24, undo_hours = 48, hold_below_percent = 95", "30 days");
    let run = |hours| {
        ansai_beside(disk.path())
            // The clock jumps from run to run here, and the operator knows it.
            .args(["run", "--once", "--mode", "enforce", "--accept-clock"])
            .config(&config)
            .state_dir(state.path())
            .clock_offset_hours(AHEAD_HOURS + hours)
            .run()
    };
    run(0);
    assert!(!file.exists());
    let held = disk.used_share();
    run(47);
    assert!((disk.used_share() - held).abs() < 0.02, "it waits for its time");
    run(49);
    assert!(disk.used_share() < held - 0.05, "{held} -> {}", disk.used_share());
    let audit = ansai_beside(disk.path()).args(["audit", "show"]).state_dir(state.path()).run();
    assert!(audit.stdout.contains("expire-held") && audit.stdout.contains("expired 1 file"), "{}", audit.stdout);
}
