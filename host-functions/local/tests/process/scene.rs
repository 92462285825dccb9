//! A host of files, and calls.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ansai_core::{Never, Refusal, Scope, Timestamp};
use ansai_kit::action::{Action, Applied, Begun, Proposed, StepContext};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::target::Reach;
use ansai_local::process::SIGNALS;
use ansai_local::service::fields::UNITS;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

pub(crate) const BOOT: &str = "0a1b-2c3d";

pub(crate) fn everything() -> Scope {
    Scope::default().with_set(&UNITS, ["*"]).with_set(&SIGNALS, ["hup", "usr1", "usr2", "term"])
}

pub(crate) fn call(host: &Host, scope: &Scope, function: &str, arguments: &Value) -> Result<Value, Refusal> {
    call_within(host, scope, Duration::from_secs(60), function, arguments)
}

pub(crate) fn call_within(
    host: &Host,
    scope: &Scope,
    limit: Duration,
    function: &str,
    arguments: &Value,
) -> Result<Value, Refusal> {
    let deadline = Deadline::after(limit);
    let ask = ProbeContext { host, scope, reach: Reach::none(), now: Timestamp::EPOCH, deadline: &deadline };
    let registry = Registry::of(ansai_local::INTERFACES);
    let (interface, function) = function.split_once('.').unwrap();
    let package = if interface == "service-probe" { "service" } else { "process" };
    let (_, function) = registry.find(format!("ansai:{package}/{interface}"), function).unwrap();
    let (Body::Probe(body) | Body::Scan(body)) = function.body else { panic!("not a probe") };
    let arguments: Box<RawValue> = to_raw_value(arguments).unwrap();
    body.answer(&ask, &arguments).map(|reply| serde_json::from_str(reply.get()).unwrap())
}

fn send() -> &'static dyn Action {
    Registry::of(ansai_local::INTERFACES).action("ansai:process/process-actions.send").unwrap().2
}

pub(crate) fn propose(host: &Host, scope: &Scope, process: &str, signal: &str) -> Result<Proposed, Refusal> {
    let deadline = Deadline::after(Duration::from_secs(60));
    let reach = Reach::default().never_touching(Arc::new(Never::default()));
    let ask = ProbeContext { host, scope, reach: &reach, now: Timestamp::EPOCH, deadline: &deadline };
    let arguments = to_raw_value(&json!({ "process": process, "signal": signal, "reason": "a test" })).unwrap();
    let previewed = send().preview(&ask, &arguments, &[])?;
    Ok(Proposed::new("ansai:process/process-actions.send", arguments.into(), previewed))
}

pub(crate) fn begin(host: &Host, scope: &Scope, step: &Proposed) -> Result<Applied, Refusal> {
    let doing = StepContext {
        host,
        scope,
        reach: Reach::none(),
        now: Timestamp::EPOCH,
        step_id: "20261129t060000-1-0001-0",
        arguments: &step.arguments,
        targets: &step.targets,
        stop: &AtomicBool::new(false),
    };
    match send().begin(&doing)? {
        Begun::Finished(applied) => Ok(applied),
        Begun::Running { .. } => panic!("a signal does not run on"),
    }
}

/// A host of files.
pub(crate) struct Files {
    pub(crate) root: tempfile::TempDir,
}

pub(crate) struct FakeProcess<'a> {
    pub(crate) pid: u32,
    pub(crate) name: &'a str,
    pub(crate) started: u64,
    pub(crate) anonymous_kib: u64,
    pub(crate) cgroup: &'a str,
}

impl Files {
    pub(crate) fn new(files: &[(&str, &str)]) -> Files {
        let host = Files { root: tempfile::tempdir().unwrap() };
        host.write("proc/stat", "cpu  1 2 3 4\nbtime 1000000\n");
        host.write("proc/sys/kernel/random/boot_id", &format!("{BOOT}\n"));
        for (path, text) in files {
            host.write(path, text);
        }
        host
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.path(path)).unwrap();
    }

    pub(crate) fn host(&self) -> Host {
        Host::at(self.root.path())
    }

    pub(crate) fn process(&self, process: &FakeProcess<'_>) {
        let FakeProcess { pid, name, started, anonymous_kib, cgroup } = process;
        let stat =
            format!("{pid} ({name}) S 1 {pid} 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 3 0 {started} 1000 200 1844674\n");
        self.write(&format!("proc/{pid}/stat"), &stat);
        let status = format!(
            "Name:\tx\nUid:\t0\t33\t0\t0\nVmRSS:\t{} kB\nRssAnon:\t{anonymous_kib} kB\nVmSwap:\t8 kB\n",
            anonymous_kib + 100
        );
        self.write(&format!("proc/{pid}/status"), &status);
        self.write(&format!("proc/{pid}/cgroup"), cgroup);
        std::fs::create_dir_all(self.path(&format!("proc/{pid}/fd"))).unwrap();
        self.write(&format!("proc/{pid}/fd/0"), "");
    }

    /// The run of a unit, as systemd tells.
    pub(crate) fn run(&self, unit: &str, invocation: &str) {
        let directory = self.path("run/systemd/units");
        std::fs::create_dir_all(&directory).unwrap();
        let link = directory.join(format!("invocation:{unit}"));
        let _absent = std::fs::remove_file(&link);
        symlink(Path::new(invocation), link).unwrap();
    }

    /// A service of version 2 with its memory controller.
    pub(crate) fn unified(&self, place: &str, anonymous: u64) {
        self.write("sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
        let file = |name: &str, text: &str| self.write(&format!("sys/fs/cgroup/{place}/{name}"), text);
        file("cgroup.procs", "");
        file("memory.stat", &format!("anon {anonymous}\nfile 9000\nkernel 500\nshmem 1000\n"));
        file("memory.current", "20000\n");
        file("memory.swap.current", "300\n");
        file("memory.high", "max\n");
        file("memory.max", "1048576\n");
        file("memory.events", "low 0\nhigh 2\nmax 3\noom 1\noom_kill 4\noom_group_kill 9\n");
        file(
            "memory.pressure",
            "some avg10=50.00 avg60=0 avg300=0 total=9000\nfull avg10=25.00 avg60=0 avg300=0 total=7000\n",
        );
        file("cpu.stat", "usage_usec 5000\nuser_usec 1\nnr_throttled 1\nthrottled_usec 2000\n");
        file("pids.current", "7\n");
    }

    pub(crate) fn look(&self, unit: &str) -> Result<Value, Refusal> {
        let about = json!({ "about": { "kind": "unit", "name": unit } });
        call(&self.host(), &everything(), "cgroup-probe.look", &about)
    }

    pub(crate) fn list(&self, globs: &[&str]) -> Result<Value, Refusal> {
        let arguments = json!({ "globs": globs, "cursor": null });
        call(&self.host(), &everything(), "cgroup-probe.list-usages", &arguments)
    }
}

/// The names of a page.
pub(crate) fn names(page: &Value) -> Vec<&str> {
    page["entries"].as_array().unwrap().iter().map(|entry| entry["about"]["name"].as_str().unwrap()).collect()
}
