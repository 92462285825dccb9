//! A process of its own that runs the loop, and dies with SIGKILL.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::scene::Scene;

const PLACE: &str = "ANSAI_TEST_CRASH_PLACE";

/// Where such a process has its scene; `None` in every other.
pub(crate) fn place() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(PathBuf::from)
}

/// Killed and waited for, whatever the test does.
pub(crate) struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs one ignored test of this program over a scene.
pub(crate) fn start(test: &str, scene: &Scene) -> Killed {
    let program = std::env::current_exe().unwrap();
    let child = Command::new(program)
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(PLACE, scene.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Killed(child.unwrap())
}
