//! The real daemon next to a file system whose server is dead, and next to a system bus that never answers.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ansai_harness::{Fuse, Tmpfs, binary, with_own_mounts};
use rustix::process::Signal;

use crate::scene::{ansai, config, write_old};

const SOON: Duration = Duration::from_secs(30);
/// The bus may take 5 s for each call of the policy.
const LATER: Duration = Duration::from_secs(120);

/// A system bus that accepts connections and never answers, on a machine that systemd seems to run. Needs a mount
/// namespace.
fn silent_bus() {
    let mounted = Command::new("mount").args(["-t", "tmpfs", "ansai-test", "/run"]).status().unwrap();
    assert!(mounted.success());
    for directory in ["/run/dbus", "/run/systemd/system"] {
        std::fs::create_dir_all(directory).unwrap();
    }
    let listener = UnixListener::bind(Path::new("/run/dbus/system_bus_socket")).unwrap();
    std::thread::spawn(move || {
        let mut connections = Vec::new();
        for connection in listener.incoming() {
            connections.push(connection);
        }
    });
}

/// An instance that asks the bus each second.
fn services() -> String {
    let source = binary::policy("service-failure");
    format!(
        "[policy.services]\nsource = {:?}\nevery = \"1s\"\n[policy.services.grant]\n\
         \"ansai:service/service-probe\" = {{ units = [\"*.service\"] }}\n",
        source.parent().unwrap()
    )
}

/// Would break: one thread for all that asks, an evaluation that waits for the bus for ever, a stop that does.
#[test]
fn a_full_disk_is_healed_beside_a_silent_bus_and_sigterm_ends_the_daemon() {
    with_own_mounts("hangs::a_full_disk_is_healed_beside_a_silent_bus_and_sigterm_ends_the_daemon", || {
        silent_bus();
        let disk = Tmpfs::new(32);
        std::fs::create_dir(disk.path().join("log")).unwrap();
        for index in 0..60 {
            write_old(&disk.path().join(format!("log/app.log.{index}")), 512 << 10, 100);
        }
        let state = tempfile::tempdir().unwrap();
        let config = format!("{}{}", config(disk.path(), "enforce", "min_age_hours = 24"), services());
        let mut daemon = ansai().args(["run", "--mode", "enforce"]).config(&config).state_dir(state.path()).spawn();
        daemon.wait_for_line("does not answer in time", LATER);
        daemon.wait_for_line("verified: healthy", LATER);
        assert!(disk.used_share() < 0.8, "{}", disk.used_share());
        // A call still waits for the bus.
        daemon.signal(Signal::TERM);
        daemon.wait(SOON).expect_code(0);

        let once = ansai().args(["run", "--once", "--mode", "observe", "--format", "json"]);
        let json = once.config(&config).state_dir(state.path()).run().json();
        let instances = json["instances"].as_array().unwrap();
        let of = |name: &str| instances.iter().find(|one| one["instance"] == name).unwrap().to_string();
        assert!(of("services").contains("does not answer in time"), "{json:#}");
        assert!(of("disk-space").contains("\"healthy\""), "{json:#}");
    });
}

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
