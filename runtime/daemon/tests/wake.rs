//! Waking an instance of a daemon that starts, and of one that ends meanwhile. What it has locked is the audit log.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::path::Path;
use std::time::{Duration, Instant};

use ansai_audit::{Log, Options};
use ansai_core::{InstanceName, codes};
use ansai_daemon::Error;
use ansai_daemon::wake::wake;
use ansai_harness::Scene;

/// Longer than it takes until `wake` has looked for a daemon.
const A_MOMENT: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(60);

/// Locks the state directory as a daemon does.
fn lock(scene: &Scene) -> Log {
    Log::open(scene.state_dir().join("audit"), Options::default()).unwrap().0
}

/// Wakes `one` while `during` runs.
fn waking(scene: &Scene, during: impl FnOnce()) -> Result<(), Error> {
    let state_dir = scene.state_dir();
    std::thread::scope(|scope| {
        let woken = scope.spawn(|| wake(&state_dir, &InstanceName::from_static("one")));
        during();
        woken.join().unwrap()
    })
}

#[track_caller]
fn wait_for(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn made(scene: &Scene) -> std::path::PathBuf {
    let state_dir = scene.state_dir();
    private(&state_dir);
    state_dir.join("wake")
}

fn private(path: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).unwrap();
}

/// Would break: a refusal because the daemon has not made its directory yet.
#[test]
fn a_request_waits_for_a_daemon_that_starts() {
    let scene = Scene::new();
    let requests = made(&scene);
    let _log = lock(&scene);
    let heard = || {
        std::thread::sleep(A_MOMENT);
        private(&requests);
        wait_for(|| requests.join("one").exists());
        std::fs::remove_file(requests.join("one")).unwrap();
    };
    waking(&scene, heard).unwrap();
}

/// Would break: a request that waits for a daemon that is gone, or that wakes the next one.
#[test]
fn a_request_is_taken_back_when_the_daemon_ends() {
    let scene = Scene::new();
    let requests = made(&scene);
    private(&requests);
    let log = lock(&scene);
    let ends = || {
        wait_for(|| requests.join("one").exists());
        drop(log);
    };
    let refused = waking(&scene, ends).unwrap_err();
    assert_eq!(refused.code(), codes::NOT_RUNNING, "{refused}");
    assert_eq!(requests.read_dir().unwrap().count(), 0);
}

/// A daemon that is reloaded lets go of its state directory for a moment.
#[test]
fn a_request_outlives_a_reload() {
    let scene = Scene::new();
    let requests = made(&scene);
    private(&requests);
    let log = lock(&scene);
    let reloads = || {
        wait_for(|| requests.join("one").exists());
        drop(log);
        let _again = lock(&scene);
        std::thread::sleep(A_MOMENT);
        std::fs::remove_file(requests.join("one")).unwrap();
        // Held until it is heard.
        std::thread::sleep(A_MOMENT);
    };
    waking(&scene, reloads).unwrap();
}
