//! What the service manager hears, from a test that takes its place.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use ansai_harness::{Ext4, Scene, requires_root};
use rustix::process::Signal;

use super::LIMIT;

struct Manager(UnixDatagram);

impl Manager {
    fn next(&self, within: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(within)).unwrap();
        let mut buffer = [0; 4_096];
        let length = self.0.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    /// The messages up to the first that begins so.
    #[track_caller]
    fn until(&self, start: &str) -> Vec<String> {
        let (began, mut heard) = (Instant::now(), Vec::new());
        while !heard.last().is_some_and(|message: &String| message.starts_with(start)) {
            assert!(began.elapsed() < LIMIT, "no {start} in {heard:#?}");
            heard.extend(self.next(Duration::from_secs(1)));
        }
        heard
    }
}

/// A scene with one guest as its policy, and its manager.
fn scene(guest: &str) -> (Scene, Manager) {
    let scene = Scene::new();
    scene.guest(guest);
    scene.configuration(&format!("[policy.{guest}]\nsource = \"policies/{guest}\"\nevery = \"1s\"\n"));
    let socket = UnixDatagram::bind(scene.path("notify")).unwrap();
    (scene, Manager(socket))
}

#[test]
fn readiness_reload_and_stop_are_told_in_order() {
    let (scene, manager) = scene("key-with-escapes");
    let run = scene.command(&["run", "--config", "ansai.toml"]).env("NOTIFY_SOCKET", scene.path("notify"));
    let mut daemon = run.spawn();
    assert_eq!(manager.until("READY=1"), ["READY=1"], "it is the first message");
    assert!(scene.state_dir().join("control.sock").exists(), "the control socket listens by then");
    let state = manager.until("STATUS=unhealthy").pop().unwrap();
    assert_eq!(state, "STATUS=unhealthy: 1 open incident");

    daemon.signal(Signal::HUP);
    let reloading = manager.until("RELOADING=1").pop().unwrap();
    let micros = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!(micros.parse::<u64>().unwrap() > 0);
    manager.until("READY=1");
    manager.until("STATUS=unhealthy");

    // One that is refused: it is ready again as well, or systemd would think that it reloads for ever.
    scene.configuration("[policy.key-with-escapes]\nevery = 1\n");
    daemon.signal(Signal::HUP);
    manager.until("RELOADING=1");
    manager.until("READY=1");
    manager.until("STATUS=unhealthy");
    daemon.signal(Signal::TERM);
    manager.until("STOPPING=1\nSTATUS=stopping: SIGTERM");
    daemon.wait(LIMIT).expect_code(0);
}

#[test]
fn without_a_watchdog_or_with_that_of_another_process_there_are_no_pings() {
    let (scene, manager) = scene("key-with-escapes");
    let run = scene.command(&["run", "--config", "ansai.toml"]).env("NOTIFY_SOCKET", scene.path("notify"));
    let mut daemon = run.env("WATCHDOG_USEC", "1000").env("WATCHDOG_PID", "1").spawn();
    let heard = manager.until("STATUS=unhealthy");
    assert!(!heard.iter().any(|message| message.contains("WATCHDOG")), "{heard:?}");
    daemon.signal(Signal::TERM);
    let heard = manager.until("STOPPING=1");
    assert!(!heard.iter().any(|message| message.contains("WATCHDOG")), "{heard:?}");
    daemon.wait(LIMIT).expect_code(0);
}

/// A file system that does not write. It writes again when this is dropped.
struct Frozen<'a>(&'a Ext4);

impl Frozen<'_> {
    fn of(disk: &Ext4) -> Frozen<'_> {
        assert!(Command::new("fsfreeze").arg("--freeze").arg(disk.path()).status().unwrap().success());
        Frozen(disk)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        let thawed = Command::new("fsfreeze").arg("--unfreeze").arg(self.0.path()).status();
        assert!(thawed.is_ok_and(|status| status.success()));
    }
}

/// Would break: pings by a timer of their own.
#[test]
fn pings_stop_while_the_disk_of_the_state_hangs_and_come_again_when_it_answers() {
    if !requires_root() {
        return;
    }
    let disk = Ext4::new(64);
    let (scene, manager) = scene("healthy");
    let run = ansai_harness::Ansai::new().current_dir(scene.root()).args(["run", "--config", "ansai.toml"]);
    let run = run.state_dir(disk.path().join("state")).env("NOTIFY_SOCKET", scene.path("notify"));
    let mut daemon = run.env("WATCHDOG_USEC", "4000000").spawn();
    manager.until("WATCHDOG=1");
    manager.until("WATCHDOG=1");
    let frozen = Frozen::of(&disk);
    // Five pings would fit.
    let began = Instant::now();
    while manager.next(Duration::from_secs(5)).is_some() {
        assert!(began.elapsed() < LIMIT, "it still says that it lives");
    }
    drop(frozen);
    manager.until("WATCHDOG=1");
    daemon.signal(Signal::TERM);
    daemon.wait(LIMIT).expect_code(0);
}
