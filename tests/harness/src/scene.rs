//! A directory of a test's own: policies, a configuration and a place for state, and ansai over them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::{Ansai, Invocation, Ran, guest};

const LIMIT: Duration = Duration::from_secs(10 * 60);

/// The directory; it goes with the test.
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
    /// With nothing in it.
    ///
    /// # Panics
    /// When no directory can be made.
    pub fn new() -> Self {
        Scene { dir: tempfile::tempdir().expect("a directory for the scene") }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Where ansai keeps its state; it makes the directory itself.
    pub fn state_dir(&self) -> PathBuf {
        self.path("state")
    }

    /// Writes a file that only this user can read and write, in directories that only this user can enter.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let parent = path.parent().expect("a file is in a directory");
        std::fs::create_dir_all(parent).expect("the directory");
        std::fs::write(&path, content).expect("the file");
        permit(&path, 0o600);
        permit(parent, 0o700);
        path
    }

    /// `policies/NAME/NAME.wasm`.
    pub fn policy(&self, name: &str, component: &[u8]) -> PathBuf {
        self.write(&format!("policies/{name}/{name}.wasm"), component)
    }

    /// The guest `tests/guests/NAME.wat` as a policy of the same name.
    pub fn guest(&self, name: &str) -> PathBuf {
        self.policy(name, &guest::of_file(name))
    }

    /// Writes `ansai.toml`, for `--config`.
    pub fn configuration(&self, text: &str) -> PathBuf {
        self.write("ansai.toml", text)
    }

    /// Runs ansai to its end; see [`Scene::command`].
    #[track_caller]
    pub fn ansai(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).run()
    }

    /// ansai with this working directory and this state. Its tables are 120 columns wide. It may take long: compiling
    /// does on a busy machine.
    pub fn command(&self, arguments: &[&str]) -> Invocation {
        let ansai = Ansai::new().current_dir(self.root()).env("COLUMNS", "120").limit(LIMIT);
        ansai.state_dir(self.state_dir()).args(arguments)
    }
}

/// Sets the permissions of a file or directory.
///
/// # Panics
/// When the system refuses.
pub fn permit(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the permissions");
}
