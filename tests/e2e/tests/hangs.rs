//! The real daemon next to a file system whose server is dead.

use std::time::Duration;

use ansai_harness::{Fuse, Tmpfs, with_own_mounts};
use rustix::process::Signal;

use crate::scene::{ansai, config, write_old};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_full_disk_is_healed_beside_a_dead_mount_and_sigterm_ends_the_daemon() {
    with_own_mounts("hangs::a_full_disk_is_healed_beside_a_dead_mount_and_sigterm_ends_the_daemon", || {
        let disk = Tmpfs::new(32);
        std::fs::create_dir(disk.path().join("log")).unwrap();
        for index in 0..60 {
            write_old(&disk.path().join(format!("log/app.log.{index}")), 512 << 10, 100);
        }
        let state = tempfile::tempdir().unwrap();
        // It ignores the mounts of now, so not these two.
        let config = config(disk.path(), "enforce", "min_age_hours = 24");
        let (before, after) = (Fuse::dead(), Fuse::new());
        let mut daemon = ansai().args(["run", "--mode", "enforce"]).config(&config).state_dir(state.path()).spawn();
        // One is dead when ansai starts, the other one dies while it runs.
        daemon.wait_for_line("started", SOON);
        after.die();
        daemon.wait_for_line("verified: healthy", SOON);
        assert!(disk.used_share() < 0.8, "{}", disk.used_share());
        // Threads still wait for the dead mounts.
        daemon.signal(Signal::TERM);
        daemon.wait(SOON).expect_code(0);
        let once = ansai().args(["run", "--once", "--mode", "observe", "--format", "json"]);
        let once = once.config(&config).state_dir(state.path()).run();
        for silent in [before.path(), after.path()] {
            assert!(once.stdout.contains(&silent.display().to_string()), "{}\n{}", once.stdout, once.stderr);
        }
    });
}

/// Would break: a state directory or a configuration that is read on the thread that starts.
#[test]
fn a_state_directory_or_configuration_on_a_dead_mount_ends_the_start() {
    with_own_mounts("hangs::a_state_directory_or_configuration_on_a_dead_mount_ends_the_start", || {
        let (fuse, disk, state) = (Fuse::dead(), Tmpfs::new(32), tempfile::tempdir().unwrap());
        let config = config(disk.path(), "observe", "min_age_hours = 24");
        let ran = ansai().args(["run", "--once"]).config(&config).state_dir(fuse.path().join("directory")).run();
        ran.expect_code(1);
        assert!(ran.stderr.contains("error[state-directory]"), "{}", ran.stderr);
        assert!(ran.stderr.contains("its file system does not answer"), "{}", ran.stderr);
        let far = fuse.path().join("file");
        let ran = ansai().args(["run", "--once", "--config", far.to_str().unwrap()]).state_dir(state.path()).run();
        ran.expect_code(1);
        assert!(ran.stderr.contains("error[file-access]"), "{}", ran.stderr);
        assert!(ran.stderr.contains("its file system does not answer"), "{}", ran.stderr);
        fuse.revive();
    });
}
