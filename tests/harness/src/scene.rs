//! A test's directory with policies, a configuration and a state directory, and runs of ansai on it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::{Ansai, Invocation, Ran, guest, secret};

const LIMIT: Duration = Duration::from_secs(10 * 60);

/// The directory, which is removed after the test.
///
/// ```no_run
/// use ansai_harness::Scene;
///
/// let scene = Scene::new();
/// scene.guest("healthy");
/// scene.ansai(&["run", "--once", "policies"]).code(0).says("healthy");
/// ```
pub struct Scene {
    dir: TempDir,
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// Creates an empty scene.
    ///
    /// # Panics
    /// If no directory can be created.
    pub fn new() -> Self {
        Scene { dir: tempfile::tempdir().expect("a directory for the scene") }
    }

    /// Path of the directory.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Path of a file in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// The state directory, which ansai creates itself.
    pub fn state_dir(&self) -> PathBuf {
        self.path("state")
    }

    /// Writes a file that only this user can read and write, in directories that only this user can enter.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let parent = path.parent().expect("a file is in a directory");
        std::fs::create_dir_all(parent).expect("the directory");
        std::fs::write(&path, content).expect("the file");
        permit(&path, 0o600);
        permit(parent, 0o700);
        path
    }

    /// Writes a component to `policies/NAME/NAME.wasm`.
    pub fn policy(&self, name: &str, component: &[u8]) -> PathBuf {
        self.write(&format!("policies/{name}/{name}.wasm"), component)
    }

    /// Writes the guest `tests/guests/NAME.wat` as a policy of the same name.
    pub fn guest(&self, name: &str) -> PathBuf {
        self.policy(name, &guest::of_file(name))
    }

    /// Writes `ansai.toml`, for `--config`.
    pub fn configuration(&self, text: &str) -> PathBuf {
        self.write("ansai.toml", text)
    }

    /// Runs ansai until it exits; see [`Scene::command`].
    #[track_caller]
    pub fn ansai(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).run()
    }

    /// ansai with this working directory and state. Its tables are 120 columns wide. The time limit is long, because
    /// compiling is slow on a busy machine.
    pub fn command(&self, arguments: &[&str]) -> Invocation {
        let ansai = Ansai::new().current_dir(self.root()).env("COLUMNS", "120").limit(LIMIT);
        ansai.state_dir(self.state_dir()).args(arguments)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            secret::is_not_below(&self.state_dir());
        }
    }
}

/// A temporary directory in memory if there is one, for thousands of small writes of tests that do not cut the power.
///
/// # Panics
/// If no directory can be created.
pub fn memory_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

/// Sets the permissions of a file or directory.
///
/// # Panics
/// If the system refuses.
pub fn permit(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the permissions");
}
