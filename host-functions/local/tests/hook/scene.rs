//! Hooks of an operator, and the calls of a policy.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ansai_core::hook::{Does, Hook, HookCall, Linked, Method, Template};
use ansai_core::scope::{Hooks, TypedField};
use ansai_core::{Millis, Preview, Refusal, Scope, Timestamp};
use ansai_kit::action::{Action, Applied, Begun, Item, Previewed, Progress, StepContext};
use ansai_kit::hook::{AllHooks, HookAccess};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::remote::Parts;
use ansai_kit::secret::SecretSource;
use ansai_kit::target::Reach;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Longer than any test.
pub(crate) const LONG: Duration = Duration::from_secs(60);

const HOOKS: TypedField<Hooks> = TypedField::set("hooks", "");

/// A directory with programs, and the hooks that run them.
pub(crate) struct Scene {
    directory: tempfile::TempDir,
    hooks: RefCell<BTreeMap<String, HookAccess>>,
    pub(crate) untrusted: Option<&'static str>,
    /// Whether all hooks are granted.
    pub(crate) is_granted: bool,
    pub(crate) now: Timestamp,
    pub(crate) stop: AtomicBool,
}

/// The user of the tests; another one than root if they run as root.
pub(crate) fn user() -> String {
    if rustix::process::geteuid().is_root() {
        return "nobody".to_owned();
    }
    let uid = rustix::process::geteuid().as_raw().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.split(':').nth(2) == Some(&uid)).unwrap();
    line.split(':').next().unwrap().to_owned()
}

pub(crate) fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

pub(crate) fn command(words: &[&str]) -> HookCall {
    HookCall::Command { words: words.iter().map(|word| template(word)).collect(), user: user() }
}

pub(crate) fn hook(does: Does, call: HookCall) -> Hook {
    let limit = Millis::new(LONG.as_millis() as u64);
    Hook { does, call, limit, parameters: BTreeMap::new(), undo: None, check: None, touches: Vec::new() }
}

pub(crate) fn url(method: Method, text: &str) -> HookCall {
    let shown = template(text.split('?').next().unwrap());
    HookCall::Url { method, url: template(text), shown, secret_header: None }
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir(directory.path().join("open")).unwrap();
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(directory.path().join("open"), open).unwrap();
        let (hooks, now) = (RefCell::default(), Timestamp::EPOCH);
        Scene { directory, hooks, untrusted: None, is_granted: true, now, stop: AtomicBool::new(false) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A place where the programs may write.
    pub(crate) fn open(&self, name: &str) -> PathBuf {
        self.path("open").join(name)
    }

    /// Writes a program; `HERE` is the place where it may write.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let text = text.replace("HERE", self.path("open").to_str().unwrap());
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub(crate) fn add(&self, name: &str, hook: Hook) {
        self.hooks.borrow_mut().insert(name.to_owned(), HookAccess { hook, secret: None });
    }

    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut HookAccess)) {
        change(self.hooks.borrow_mut().get_mut(name).unwrap());
    }

    /// Adds a script as a hook of its name.
    pub(crate) fn add_script(&self, name: &str, does: Does, text: &str) {
        let path = self.script(name, text);
        self.add(name, hook(does, command(&[path.to_str().unwrap()])));
    }

    /// With a parameter `pool`, which is `blue` or `green`.
    pub(crate) fn add_pool(&self, name: &str, words: &[&str], text: &str) {
        let path = self.script(name, text);
        let words: Vec<&str> = [path.to_str().unwrap()].into_iter().chain(words.iter().copied()).collect();
        let mut hook = hook(Does::Acts, command(&words));
        hook.parameters.insert("pool".into(), vec!["blue".into(), "green".into()]);
        self.add(name, hook);
    }

    pub(crate) fn limit(&self, name: &str, ms: u64) {
        self.change(name, |access| access.hook.limit = Millis::new(ms));
    }

    pub(crate) fn undo(&self, name: &str, text: &str, words: &[&str]) {
        let path = self.script(&format!("{name}-undo"), text);
        let words: Vec<&str> = [path.to_str().unwrap()].into_iter().chain(words.iter().copied()).collect();
        let call = command(&words);
        self.change(name, |access| access.hook.undo = Some(Linked::Own(call)));
    }

    /// A secret in a file that only its owner reads.
    pub(crate) fn secret(&self, name: &str, text: &str) -> SecretSource {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        SecretSource::File(path)
    }

    fn granted(&self) -> Scope {
        let names: Vec<String> = self.hooks.borrow().keys().filter(|_| self.is_granted).cloned().collect();
        Scope::default().with_set(&HOOKS, names)
    }

    pub(crate) fn reach(&self) -> Reach {
        Reach::default().hooking(AllHooks::new(self.hooks.borrow().clone()).untrusted(self.untrusted))
    }

    /// Asks as the host does, until this time.
    pub(crate) fn ask_until(&self, name: &str, parameters: Value, deadline: &Deadline) -> Result<Value, Refusal> {
        let (host, reach, scope) = (Host::at("/"), self.reach(), Scope::default());
        let ask = ProbeContext { host: &host, scope: &scope, reach: &reach, now: self.now, deadline };
        let registry = Registry::of(ansai_local::INTERFACES);
        let (_, function) = registry.find("ansai:hook/hook-probe", "ask").unwrap();
        let Body::Remote(body) = function.body else { panic!("not remote") };
        let Parts::One(part) = body.split(&raw(json!({ "hook": name, "parameters": parameters })))? else { panic!() };
        // As the host does before the call.
        reach.call_limit(&part.server)?;
        (part.call)(&ask).map(|reply| serde_json::from_str(reply.get()).unwrap())
    }

    pub(crate) fn ask(&self, name: &str) -> Result<Value, Refusal> {
        self.ask_until(name, json!([]), &Deadline::after(LONG))
    }

    pub(crate) fn step(&self, function: &str, arguments: Value) -> Step<'_> {
        let registry = Registry::of(ansai_local::INTERFACES);
        let (_, _, action) = registry.action(&format!("ansai:hook/hook-actions.{function}")).unwrap();
        Step { scene: self, action, arguments: raw(arguments), targets: raw(json!(null)) }
    }

    pub(crate) fn run_step(&self, name: &str, parameters: Value) -> Step<'_> {
        self.step("run", json!({ "hook": name, "parameters": parameters, "reason": "to test" }))
    }

    /// Previews and runs a hook without parameters.
    #[track_caller]
    pub(crate) fn run(&self, name: &str) -> Applied {
        let mut step = self.run_step(name, json!([]));
        step.preview().unwrap();
        step.finish().unwrap()
    }
}

pub(crate) fn raw(value: Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

/// A step, with what the host remembers of it.
pub(crate) struct Step<'a> {
    scene: &'a Scene,
    action: &'static dyn Action,
    arguments: Box<RawValue>,
    pub(crate) targets: Box<RawValue>,
}

impl Step<'_> {
    pub(crate) fn preview_with(&mut self, scope: &Scope) -> Result<Previewed, Refusal> {
        let (host, reach, deadline) = (Host::at("/"), self.scene.reach(), Deadline::after(LONG));
        let ask = ProbeContext { host: &host, scope, reach: &reach, now: self.scene.now, deadline: &deadline };
        let previewed = self.action.preview(&ask, &self.arguments, &[])?;
        self.targets = previewed.targets.clone();
        Ok(previewed)
    }

    /// With the defaults of the scope.
    pub(crate) fn previewed(&mut self) -> Result<Previewed, Refusal> {
        let (entry, _) = Registry::of(ansai_local::INTERFACES).find("ansai:hook/hook-actions", "run").unwrap();
        let none = Scope::default();
        self.preview_with(&Scope::in_force(entry.interface.fields, &none, &none))
    }

    pub(crate) fn preview(&mut self) -> Result<Preview, Refusal> {
        self.previewed().map(|previewed| previewed.preview)
    }

    pub(crate) fn doing<T>(&self, act: impl FnOnce(&'static dyn Action, &StepContext<'_>) -> T) -> T {
        let (host, reach, scope) = (Host::at("/"), self.scene.reach(), self.scene.granted());
        let doing = StepContext {
            host: &host,
            scope: &scope,
            reach: &reach,
            now: self.scene.now,
            step_id: "20261129t120000-1-0001-0",
            arguments: &self.arguments,
            targets: &self.targets,
            stop: &self.scene.stop,
        };
        act(self.action, &doing)
    }

    pub(crate) fn begin(&self) -> Result<Begun, Refusal> {
        self.doing(|action, doing| action.begin(doing))
    }

    pub(crate) fn finish(&self) -> Result<Applied, Refusal> {
        self.begin().map(|begun| match begun {
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

    pub(crate) fn poll(&self, handle: &RawValue) -> Progress {
        self.doing(|action, doing| action.poll(doing, handle))
    }
}

impl Scene {
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// The process of this id, once a program has written it to a file.
pub(crate) fn process_in(path: &Path) -> rustix::process::Pid {
    let began = std::time::Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(path)
            && text.ends_with('\n')
        {
            return rustix::process::Pid::from_raw(text.trim().parse().unwrap()).unwrap();
        }
        assert!(began.elapsed() < LONG, "no id in {}", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process has ended; a zombie has.
pub(crate) fn has_ended(process: rustix::process::Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.as_raw_pid()));
    status.map_or(true, |text| text.lines().any(|line| line.starts_with("State:\tZ") || line.starts_with("State:\tX")))
}
