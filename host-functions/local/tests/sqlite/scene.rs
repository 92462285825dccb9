//! A directory of another user with databases, and the calls of a policy.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ansai_core::{Preview, Refusal, Scope, Timestamp};
use ansai_kit::action::{Action, Applied, Begun, Item, Previewed, StepContext};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::program::ITSELF;
use ansai_kit::registry::{Body, Registry};
use ansai_kit::target::Reach;
use ansai_local::sqlite::fields::{MAX_BYTES, ROOTS};
use rusqlite::Connection;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Longer than any test.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// Who owns the databases if the tests run as root: no user of this machine.
const OTHER: u32 = 12_345;

/// Starts the process that opens databases: this program, with this test.
#[test]
#[ignore = "run by the other tests, as the owner of a database"]
fn the_child() {
    std::process::exit(ansai_local::sqlite::child::run().into());
}

pub(crate) struct Scene {
    directory: tempfile::TempDir,
    pub(crate) uid: u32,
    pub(crate) most_bytes: u64,
    pub(crate) host: Host,
    pub(crate) stop: AtomicBool,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let own = rustix::process::geteuid().as_raw();
        let uid = if own == 0 { OTHER } else { own };
        let scene = Scene { directory, uid, most_bytes: 1 << 30, host: Host::at("/"), stop: AtomicBool::new(false) };
        for name in ["data", "copies"] {
            std::fs::create_dir(scene.top(name)).unwrap();
            scene.give(&scene.top(name));
        }
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let arguments = ["--exact", "scene::the_child", "--ignored", "--nocapture", "--test-threads=1"];
            ansai_local::sqlite::run_child_as(ITSELF.into(), arguments.map(Into::into).into());
        });
        scene
    }

    pub(crate) fn top(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.top("data").join(name)
    }

    pub(crate) fn give(&self, path: &Path) {
        chown(path, Some(self.uid), Some(self.uid)).unwrap();
    }

    /// Makes a database by these statements, and gives it and what is beside it to its user.
    pub(crate) fn make(&self, name: &str, sql: &str) -> PathBuf {
        let path = self.path(name);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        self.give(&path);
        path
    }

    /// A table `t` with so many rows of half a kilobyte.
    pub(crate) fn make_rows(&self, name: &str, rows: u32, before: &str) -> PathBuf {
        self.make(name, &format!("{before}; CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT); {}", insert(rows)))
    }

    pub(crate) fn granted(&self) -> Scope {
        let roots = [self.top("data"), self.top("copies")].map(|path| path.to_str().unwrap().to_owned());
        Scope::default().with_set(&ROOTS, roots).with_number(&MAX_BYTES, self.most_bytes)
    }

    pub(crate) fn look_until(&self, path: &Path, depth: &str, deadline: &Deadline) -> Result<Value, Refusal> {
        let (scope, reach) = (self.granted(), Reach::none());
        let ask = ProbeContext { host: &self.host, scope: &scope, reach, now: Timestamp::EPOCH, deadline };
        let registry = Registry::of(ansai_local::INTERFACES);
        let (_, function) = registry.find("ansai:sqlite/sqlite-probe", "look").unwrap();
        let Body::Scan(body) = function.body else { panic!("not a scan") };
        let arguments = raw(json!({"path": path, "depth": depth}));
        body.answer(&ask, &arguments).map(|reply| serde_json::from_str(reply.get()).unwrap())
    }

    pub(crate) fn look(&self, path: &Path, depth: &str) -> Result<Value, Refusal> {
        self.look_until(path, depth, &Deadline::after(LONG))
    }

    pub(crate) fn step(&self, function: &str, path: &Path) -> Step<'_> {
        let registry = Registry::of(ansai_local::INTERFACES);
        let (_, _, action) = registry.action(&format!("ansai:sqlite/sqlite-actions.{function}")).unwrap();
        let arguments = match function {
            "checkpoint" => json!({"path": path, "reason": "to test"}),
            "vacuum" => json!({"path": path, "within": 30_000, "reason": "to test"}),
            _ => json!({"path": path, "into": self.top("copies"), "within": 30_000, "reason": "to test"}),
        };
        Step { scene: self, action, arguments: raw(arguments), targets: raw(Value::Null) }
    }

    /// Previews and does it.
    #[track_caller]
    pub(crate) fn run(&self, function: &str, path: &Path) -> Applied {
        let mut step = self.step(function, path);
        step.preview().unwrap();
        step.begin().unwrap()
    }

    /// The only complete copy.
    #[track_caller]
    pub(crate) fn copy(&self) -> PathBuf {
        let all = names(&self.top("copies"));
        assert_eq!(all.len(), 1, "{all:?}");
        self.top("copies").join(&all[0])
    }
}

/// So many rows of half a kilobyte for `t`.
pub(crate) fn insert(rows: u32) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO t(text) SELECT printf('%08d', i) || hex(zeroblob(250)) FROM n;"
    )
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut all: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    all
}

/// One number that a statement selects, in a database that is only read.
pub(crate) fn number(path: &Path, sql: &str) -> i64 {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

pub(crate) fn raw(value: Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

/// A step, with what the host remembers of it.
pub(crate) struct Step<'a> {
    scene: &'a Scene,
    action: &'static dyn Action,
    pub(crate) arguments: Box<RawValue>,
    pub(crate) targets: Box<RawValue>,
}

impl Step<'_> {
    pub(crate) fn previewed(&mut self) -> Result<Previewed, Refusal> {
        let (scope, reach, deadline) = (self.scene.granted(), Reach::none(), Deadline::after(LONG));
        let now = Timestamp::from_millis(1_790_000_000_000);
        let ask = ProbeContext { host: &self.scene.host, scope: &scope, reach, now, deadline: &deadline };
        let previewed = self.action.preview(&ask, &self.arguments, &[])?;
        self.targets = previewed.targets.clone();
        Ok(previewed)
    }

    pub(crate) fn preview(&mut self) -> Result<Preview, Refusal> {
        self.previewed().map(|previewed| previewed.preview)
    }

    fn doing<T>(&self, act: impl FnOnce(&'static dyn Action, &StepContext<'_>) -> T) -> T {
        let scope = self.scene.granted();
        let doing = StepContext {
            host: &self.scene.host,
            scope: &scope,
            reach: Reach::none(),
            now: Timestamp::EPOCH,
            step_id: "20261129t120000-1-0001-0",
            arguments: &self.arguments,
            targets: &self.targets,
            stop: &self.scene.stop,
        };
        act(self.action, &doing)
    }

    pub(crate) fn begin(&self) -> Result<Applied, Refusal> {
        self.doing(|action, doing| action.begin(doing)).map(|begun| match begun {
            Begun::Finished(applied) => applied,
            Begun::Running { .. } => panic!("it runs on"),
        })
    }

    pub(crate) fn undo(&self, items: &[Item]) -> Result<Applied, Refusal> {
        self.doing(|action, doing| action.undo(doing, items))
    }

    pub(crate) fn resolve(&self) -> Result<Applied, Refusal> {
        self.doing(|action, doing| action.resolve(doing))
    }
}
