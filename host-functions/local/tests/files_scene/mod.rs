//! The fixture of all tests of `ansai:files`: a directory of files, a scope, and a clock that is ahead.
#![allow(clippy::disallowed_methods, dead_code, unreachable_pub, reason = "tests; each file uses its part")]

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ansai_core::scope::{NumberType, Switch, TypedField};
use ansai_core::{Preview, Refusal, Scope, Timestamp};
use ansai_kit::action::{Action, Applied, Begun, Fate, Item, Proposed, StepContext};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::target::Reach;
use ansai_local::files::QUARANTINE_EXPIRY;
use ansai_local::files::fields::{
    HOLD_BELOW_PERCENT, MAX_BYTES, MAX_FILES, MIN_AGE_HOURS, PERMANENT, ROOTS, UNDO_HOURS,
};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

pub const HOUR: u64 = 3_600_000;

pub struct Scene {
    _dir: Option<tempfile::TempDir>,
    pub path: PathBuf,
    pub root: String,
    pub host: Host,
    pub scope: Scope,
    pub now: u64,
    pub step_id: String,
    pub stop: AtomicBool,
}

impl Scene {
    pub fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        Scene { _dir: Some(dir), ..Scene::at(&path) }
    }

    /// A separate host in a directory. Its only process has no files open, so that no use is unknown.
    pub fn fixture() -> Scene {
        Scene::fixture_in(tempfile::tempdir().unwrap())
    }

    pub fn fixture_in(dir: tempfile::TempDir) -> Scene {
        let path = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(path.join("data")).unwrap();
        std::fs::create_dir_all(path.join("proc/1/fd")).unwrap();
        std::fs::write(path.join("proc/1/maps"), "").unwrap();
        std::fs::write(path.join("proc/locks"), "").unwrap();
        let scene = Scene::at(&path.join("data"));
        let scope = scene.scope.clone().with_set(&ROOTS, ["/data"]);
        Scene { _dir: Some(dir), host: Host::at(&path), root: "/data".into(), scope, ..scene }
    }

    pub fn at(path: &Path) -> Scene {
        let root = path.to_str().unwrap().to_owned();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let scope = Scope::default()
            .with_set(&ROOTS, [root.clone()])
            .with_number(&MIN_AGE_HOURS, 24)
            .with_number(&MAX_FILES, 10_000)
            .with_number(&MAX_BYTES, 10 << 30)
            .with_number(&UNDO_HOURS, 24)
            .with_number(&HOLD_BELOW_PERCENT, 100)
            .with_switch(&PERMANENT, true);
        Scene {
            _dir: None,
            path: path.to_owned(),
            root,
            host: Host::at("/"),
            scope,
            // New files are older than any age that these tests ask for.
            now: now + 400 * 24 * HOUR,
            step_id: "plan7-0".into(),
            stop: AtomicBool::new(false),
        }
    }

    pub fn with<T: NumberType>(mut self, field: &TypedField<T>, bound: u64) -> Scene {
        self.scope = self.scope.with_number(field, bound);
        self
    }

    pub fn switched(mut self, field: &TypedField<Switch>, is_on: bool) -> Scene {
        self.scope = self.scope.with_switch(field, is_on);
        self
    }

    /// Creates a file with this many bytes, whose mtime is this many hours ago.
    pub fn file(&self, name: impl AsRef<Path>, bytes: usize, hours: u64) -> PathBuf {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content: Vec<u8> = (0..bytes).map(|n| b"content "[n % 8]).collect();
        std::fs::write(&path, content).unwrap();
        age(&path, self.now - hours * HOUR);
        path
    }

    pub fn selection(&self, globs: &[&str]) -> Value {
        json!({
            "root": self.root, "globs": globs, "exclude": [], "min-age-hours": 24, "min-bytes": 0, "max-files": 0,
            "enough-bytes": 0,
        })
    }

    /// A query without a least age and a least size.
    pub fn query(&self, globs: &[&str]) -> Value {
        json!({ "root": self.root, "globs": globs, "exclude": [], "min-age-hours": 0, "min-bytes": 0 })
    }

    pub fn propose(&self, verb: &str, arguments: Value, earlier: &[Proposed]) -> Result<Proposed, Refusal> {
        let arguments = to_raw_value(&arguments).unwrap();
        let deadline = Deadline::after(Duration::from_secs(600));
        let ask = ProbeContext {
            host: &self.host,
            scope: &self.scope,
            reach: Reach::none(),
            now: Timestamp::from_millis(self.now),
            deadline: &deadline,
        };
        let previewed =
            action(verb).preview(&ask, &arguments, &earlier.iter().cloned().map(Arc::new).collect::<Vec<_>>())?;
        Ok(Proposed::new(full_name(verb), arguments.into(), previewed))
    }

    pub fn select(&self, verb: &str, what: Value) -> Result<Proposed, Refusal> {
        self.propose(verb, json!({ "what": what, "reason": "a test" }), &[])
    }

    fn doing<'a>(&'a self, step: &'a Proposed) -> StepContext<'a> {
        StepContext {
            host: &self.host,
            scope: &self.scope,
            reach: Reach::none(),
            now: Timestamp::from_millis(self.now),
            step_id: &self.step_id,
            arguments: &step.arguments,
            targets: &step.targets,
            stop: &self.stop,
        }
    }

    pub fn begin(&self, step: &Proposed) -> Result<Applied, Refusal> {
        match verb(step).begin(&self.doing(step))? {
            Begun::Finished(applied) => Ok(applied),
            begun => panic!("{begun:?}"),
        }
    }

    /// What a step uses of its bounds: files and bytes.
    pub fn amounts(&self, step: &Proposed, treated: Option<&[Item]>) -> Vec<u64> {
        verb(step).amounts(&step.targets, treated).unwrap().iter().map(|amount| amount.number).collect()
    }

    pub fn undo(&self, step: &Proposed, items: &[Item]) -> Result<Applied, Refusal> {
        verb(step).undo(&self.doing(step), items)
    }

    pub fn resolve(&self, step: &Proposed) -> Result<Applied, Refusal> {
        verb(step).resolve(&self.doing(step))
    }

    pub fn probe(&self, function: &str, arguments: Value) -> Result<Value, Refusal> {
        self.probe_within(Duration::from_secs(600), function, arguments)
    }

    /// The same with this much time for the call.
    pub fn probe_within(&self, time: Duration, function: &str, arguments: Value) -> Result<Value, Refusal> {
        let registry = Registry::of(ansai_local::INTERFACES);
        let (Body::Probe(body) | Body::Scan(body)) = registry.find("ansai:files/files-probe", function).unwrap().1.body
        else {
            panic!("{function} is no probe");
        };
        let deadline = Deadline::after(time);
        let ask = ProbeContext {
            host: &self.host,
            scope: &self.scope,
            reach: Reach::none(),
            now: Timestamp::from_millis(self.now),
            deadline: &deadline,
        };
        let reply = body.answer(&ask, &to_raw_value(&arguments).unwrap())?;
        Ok(serde_json::from_str(reply.get()).unwrap())
    }

    /// Everything below the root, except the quarantine.
    pub fn tree(&self) -> Tree {
        tree(&self.path)
    }
}

fn action(verb: &str) -> &'static dyn Action {
    // Actions of the host itself are not in the list.
    let of_host = Registry::of(&[&QUARANTINE_EXPIRY]);
    let name = full_name(verb);
    Registry::of(ansai_local::INTERFACES).action(&name).or_else(|| of_host.action(&name)).unwrap().2
}

fn full_name(verb: &str) -> String {
    let interface = if verb == "reclaim" { "quarantine-actions" } else { "files-actions" };
    format!("ansai:files/{interface}.{verb}")
}

fn verb(step: &Proposed) -> &'static dyn Action {
    action(step.action.rsplit_once('.').unwrap().1)
}

/// By path: mode, owner, times and content.
pub type Tree = BTreeMap<PathBuf, (u32, u32, u32, i64, i64, Vec<u8>)>;

pub fn tree(path: &Path) -> Tree {
    let mut found = BTreeMap::new();
    let mut todo = vec![path.to_owned()];
    while let Some(directory) = todo.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap() == ".ansai-quarantine" {
                continue;
            }
            let data = path.symlink_metadata().unwrap();
            let content = match () {
                () if data.is_file() => std::fs::read(&path).unwrap(),
                () if data.is_symlink() => std::fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec(),
                () => Vec::new(),
            };
            let mtime = if data.is_dir() { (0, 0) } else { (data.mtime(), data.mtime_nsec()) };
            found.insert(path.clone(), (data.mode(), data.uid(), data.gid(), mtime.0, mtime.1, content));
            if data.is_dir() {
                todo.push(path);
            }
        }
    }
    found
}

/// Sets atime and mtime, milliseconds since the epoch.
pub fn age(path: &Path, at: u64) {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
    let time = Timespec { tv_sec: (at / 1000) as i64, tv_nsec: 456_789 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

pub fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

pub fn left(preview: &Preview) -> BTreeMap<String, u64> {
    preview.left_out.iter().map(|left| (left.reason.clone(), left.items)).collect()
}

pub fn fates(applied: &Applied) -> Vec<(&str, &Fate)> {
    applied.items.iter().map(|item| (item.target.as_str(), &item.fate)).collect()
}

pub fn names(step: &Proposed) -> Vec<String> {
    let targets: Value = serde_json::from_str(step.targets.get()).unwrap();
    targets["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

/// Whether this test can run, because it needs root. If not, prints that it is skipped; in CI, fails.
pub fn is_root() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "this test needs root, and CI has to run it");
    std::io::Write::write_all(&mut std::io::stderr(), b"skipped: it needs root to mount\n").unwrap();
    false
}

pub fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A mount that is unmounted when this is dropped.
pub struct Mounted(pub PathBuf);

impl Mounted {
    pub fn new(arguments: &[&str], point: &Path) -> Mounted {
        std::fs::create_dir_all(point).unwrap();
        run("mount", &[arguments, &[point.to_str().unwrap()]].concat());
        Mounted(point.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

pub fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}
