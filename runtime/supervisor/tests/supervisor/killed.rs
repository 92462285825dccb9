//! A separate process that runs the loop; SIGKILL ends it when this is dropped.

use std::path::PathBuf;

use ansai_harness::{Daemon, Invocation};

use crate::scene::Scene;

pub(crate) const PLACE: &str = "ANSAI_TEST_CRASH_PLACE";

/// The scene of such a process; `None` in any other process.
pub(crate) fn place() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(PathBuf::from)
}

/// Starts one ignored test of this program on a scene.
pub(crate) fn start(test: &str, scene: &Scene) -> Daemon {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--exact", test, "--ignored", "--nocapture"];
    Invocation::of(program).args(arguments).env(PLACE, scene.path("")).spawn()
}
