//! A host in a directory, with a journal, an apt cache, and one process that has no files open.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ansai_core::{Refusal, Scope, Timestamp};
use ansai_kit::action::{Action, Applied, Begun, Fate, Proposed, StepContext};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::Registry;
use ansai_kit::target::Reach;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

pub(crate) const ID: &str = "845a9a182bbe4de5a8efdf59181149c3";
pub(crate) const CACHE: &str = "var/cache/apt/archives";

pub(crate) struct Scene {
    _dir: tempfile::TempDir,
    pub(crate) root: PathBuf,
    pub(crate) host: Host,
    pub(crate) step_id: String,
}

/// One of the two actions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verb {
    Vacuum,
    CleanCache,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Verb::Vacuum => "ansai:journal/journal-vacuum-actions.vacuum",
            Verb::CleanCache => "ansai:packages/package-cache-actions.clean-cache",
        }
    }

    fn arguments(self) -> Value {
        match self {
            Verb::Vacuum => json!({ "keep-bytes": 0, "reason": "a test" }),
            Verb::CleanCache => json!({ "manager": "apt", "reason": "a test" }),
        }
    }

    fn action(self) -> &'static dyn Action {
        Registry::of(ansai_local::INTERFACES).action(self.name()).unwrap().2
    }

    pub(crate) fn propose(self, host: &Host) -> Result<Proposed, Refusal> {
        let deadline = Deadline::after(Duration::from_secs(600));
        let ask = ProbeContext {
            host,
            scope: &Scope::default(),
            reach: Reach::none(),
            now: Timestamp::EPOCH,
            deadline: &deadline,
        };
        let arguments: Box<RawValue> = to_raw_value(&self.arguments()).unwrap();
        let previewed = self.action().preview(&ask, &arguments, &[])?;
        Ok(Proposed::new(self.name(), arguments.into(), previewed))
    }

    fn doing<T>(self, host: &Host, id: &str, step: &Proposed, act: impl FnOnce(&StepContext<'_>) -> T) -> T {
        act(&StepContext {
            host,
            scope: &Scope::default(),
            reach: Reach::none(),
            now: Timestamp::EPOCH,
            step_id: id,
            arguments: &step.arguments,
            targets: &step.targets,
            stop: &AtomicBool::new(false),
        })
    }

    pub(crate) fn begin(self, host: &Host, id: &str, step: &Proposed) -> Result<Applied, Refusal> {
        match self.doing(host, id, step, |doing| self.action().begin(doing))? {
            Begun::Finished(applied) => Ok(applied),
            begun => panic!("{begun:?}"),
        }
    }

    pub(crate) fn resolve(self, host: &Host, id: &str, step: &Proposed) -> Result<Applied, Refusal> {
        self.doing(host, id, step, |doing| self.action().resolve(doing))
    }
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene::in_dir(tempfile::tempdir().unwrap())
    }

    pub(crate) fn in_dir(dir: tempfile::TempDir) -> Scene {
        let root = dir.path().canonicalize().unwrap();
        let scene = Scene { _dir: dir, host: Host::at(&root), root, step_id: "plan7-0".into() };
        scene.file("proc/1/mountinfo", b"1 0 0:99999 / / rw - ext4 /dev/a rw\n");
        std::fs::create_dir_all(scene.path("proc/1/fd")).unwrap();
        scene.file("proc/1/maps", b"");
        scene.file("proc/locks", b"");
        std::fs::create_dir_all(scene.machine()).unwrap();
        // So that the journal is never small enough already.
        scene.file(format!("var/log/journal/{ID}.other/system.journal"), &[b'j'; 8192]);
        scene.file("usr/bin/apt-get", b"");
        scene.file(format!("{CACHE}/lock"), b"");
        scene
    }

    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn file(&self, path: impl AsRef<Path>, content: &[u8]) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The directory of the one machine of the journal.
    pub(crate) fn machine(&self) -> PathBuf {
        self.path("var/log/journal").join(ID)
    }

    /// An archived journal file of two blocks.
    pub(crate) fn archived(&self, number: u64) -> PathBuf {
        self.file(self.machine().join(archived(number)), &[b'j'; 8192])
    }

    /// A package archive of two blocks.
    pub(crate) fn package(&self, name: &str) -> PathBuf {
        self.file(format!("{CACHE}/{name}"), &[b'p'; 8192])
    }

    /// Gives the host the processes of this machine.
    pub(crate) fn with_real_processes(self) -> Scene {
        std::fs::remove_dir_all(self.path("proc")).unwrap();
        symlink("/proc", self.path("proc")).unwrap();
        self
    }

    pub(crate) fn protecting(mut self, path: &str) -> Scene {
        self.host = self.host.clone().protecting(path);
        self
    }

    pub(crate) fn vacuum(&self) -> Proposed {
        Verb::Vacuum.propose(&self.host).unwrap()
    }

    pub(crate) fn begin(&self, step: &Proposed) -> Applied {
        Verb::Vacuum.begin(&self.host, &self.step_id, step).unwrap()
    }
}

pub(crate) fn archived(number: u64) -> String {
    format!("system@{ID}-{number:016x}-000660c0079ea9ba.journal")
}

pub(crate) fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// What a preview leaves out, by reason.
pub(crate) fn left(step: &Proposed) -> BTreeMap<&str, u64> {
    step.preview.left_out.iter().map(|left| (left.reason.as_str(), left.items)).collect()
}

/// The one item's reason for being skipped.
pub(crate) fn skipped(applied: &Applied) -> &str {
    match &applied.items[..] {
        [item] => match &item.fate {
            Fate::Skipped(why) => why,
            fate => panic!("{fate:?}"),
        },
        items => panic!("{items:?}"),
    }
}

/// Runs an ignored test of this program in its own mount namespace; its mounts end with it.
pub(crate) fn in_a_namespace(test: &str) {
    if !ansai_harness::requires_root() {
        return;
    }
    let ran = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored"])
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && text.contains("1 passed"), "{text}");
}
