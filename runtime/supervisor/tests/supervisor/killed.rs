//! A process of its own that runs the loop, and dies with SIGKILL when it is dropped.

use std::path::PathBuf;

use ansai_harness::{Daemon, Invocation};

use crate::scene::Scene;

const PLACE: &str = "ANSAI_TEST_CRASH_PLACE";

/// Where such a process has its scene; `None` in every other.
pub(crate) fn place() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(PathBuf::from)
}

/// Runs one ignored test of this program over a scene.
pub(crate) fn start(test: &str, scene: &Scene) -> Daemon {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--exact", test, "--ignored", "--nocapture"];
    Invocation::of(program).args(arguments).env(PLACE, scene.path("")).spawn()
}
