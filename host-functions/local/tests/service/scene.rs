//! A host with a real systemd, whose bus is reached through the files of its process 1.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ansai_core::{Never, Outcome, Refusal, Scope, Timestamp};
use ansai_harness::SystemdHost;
use ansai_kit::action::{Action, Applied, Begun, Progress, Proposed, StepContext};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::target::Reach;
use ansai_local::service::fields::{MAX_RESTARTS, UNITS};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

/// How long something may take that surely happens.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Scene {
    pub(crate) inside: SystemdHost,
    pub(crate) host: Host,
    pub(crate) scope: Scope,
}

/// The name of a file, and its lines.
pub(crate) type UnitFile = (&'static str, &'static str);

pub(crate) fn everything() -> Scope {
    Scope::default().with_set(&UNITS, ["*"]).with_number(&MAX_RESTARTS, 3)
}

/// The time of this machine, which a systemd of a test shares.
#[allow(clippy::disallowed_methods, reason = "tests")]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap())
}

pub(crate) fn call(
    host: &Host,
    scope: &Scope,
    limit: Duration,
    function: &str,
    arguments: &Value,
) -> Result<Value, Refusal> {
    let deadline = Deadline::after(limit);
    let ask = ProbeContext { host, scope, reach: Reach::none(), now: now(), deadline: &deadline };
    let registry = Registry::of(ansai_local::INTERFACES);
    let (_, function) = registry.find("ansai:service/service-probe", function).unwrap();
    let Body::Probe(body) = function.body else { panic!("not a probe") };
    let arguments: Box<RawValue> = to_raw_value(arguments).unwrap();
    body.answer(&ask, &arguments).map(|reply| serde_json::from_str(reply.get()).unwrap())
}

fn action(verb: &str) -> &'static dyn Action {
    Registry::of(ansai_local::INTERFACES).action(&format!("ansai:service/service-actions.{verb}")).unwrap().2
}

/// What a step needs, with `reason`.
fn with_reason(mut arguments: Value) -> Box<RawValue> {
    arguments["reason"] = json!("a test");
    to_raw_value(&arguments).unwrap()
}

pub(crate) fn propose(host: &Host, scope: &Scope, verb: &str, arguments: Value) -> Result<Proposed, Refusal> {
    let deadline = Deadline::after(PATIENCE);
    let reach = Reach::default().never_touching(Arc::new(Never::default()));
    let ask = ProbeContext { host, scope, reach: &reach, now: now(), deadline: &deadline };
    let arguments = with_reason(arguments);
    let previewed = action(verb).preview(&ask, &arguments, &[])?;
    Ok(Proposed::new(format!("ansai:service/service-actions.{verb}"), arguments.into(), previewed))
}

pub(crate) fn doing<T>(
    host: &Host,
    scope: &Scope,
    step: &Proposed,
    act: impl FnOnce(&dyn Action, &StepContext<'_>) -> T,
) -> T {
    let verb = step.action.rsplit('.').next().unwrap();
    let context = StepContext {
        host,
        scope,
        reach: Reach::none(),
        now: now(),
        step_id: "20261129t060000-1-0001-0",
        arguments: &step.arguments,
        targets: &step.targets,
        stop: &AtomicBool::new(false),
    };
    act(action(verb), &context)
}

/// Begins a step and waits for its end.
pub(crate) fn finish(host: &Host, scope: &Scope, step: &Proposed) -> Result<Applied, Refusal> {
    let handle = match doing(host, scope, step, |action, doing| action.begin(doing))? {
        Begun::Finished(applied) => return Ok(applied),
        Begun::Running { handle, .. } => handle,
    };
    let began = Instant::now();
    loop {
        match doing(host, scope, step, |action, doing| action.poll(doing, &handle)) {
            Progress::Finished(applied) => return Ok(applied),
            Progress::Running { note, .. } => assert!(began.elapsed() < PATIENCE, "{note}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Scene {
    pub(crate) fn new(units: &[UnitFile], binds: &[(&Path, &str)]) -> Scene {
        let inside = SystemdHost::start(binds);
        let scene = Scene { host: Host::at(inside.root()), inside, scope: everything() };
        // Not in /etc: a unit there cannot be masked.
        let directory = scene.inside.root().join("usr/local/lib/systemd/system");
        std::fs::create_dir_all(&directory).unwrap();
        for (name, lines) in units {
            std::fs::write(directory.join(name), lines).unwrap();
        }
        scene.run("systemctl daemon-reload");
        scene
    }

    /// Runs a script inside that must succeed.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) {
        self.inside.exec(&["sh", "-c", script]).expect_code(0);
    }

    /// Runs a script inside.
    pub(crate) fn try_run(&self, script: &str) {
        self.inside.exec(&["sh", "-c", script]);
    }

    #[track_caller]
    pub(crate) fn look(&self, name: &str) -> Value {
        self.probe("look", &json!({ "name": name })).unwrap()
    }

    /// Waits for a state.
    #[track_caller]
    pub(crate) fn wait_for(&self, name: &str, active: &str) -> Value {
        let began = Instant::now();
        loop {
            let unit = self.look(name);
            if unit["active"] == active {
                return unit;
            }
            assert!(began.elapsed() < PATIENCE, "{unit}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn probe(&self, function: &str, arguments: &Value) -> Result<Value, Refusal> {
        call(&self.host, &self.scope, PATIENCE, function, arguments)
    }

    pub(crate) fn propose(&self, verb: &str, arguments: Value) -> Result<Proposed, Refusal> {
        propose(&self.host, &self.scope, verb, arguments)
    }

    pub(crate) fn finish(&self, step: &Proposed) -> Result<Applied, Refusal> {
        finish(&self.host, &self.scope, step)
    }

    /// Proposes a step, does it, and returns its outcome.
    #[track_caller]
    pub(crate) fn outcome(&self, verb: &str, arguments: Value) -> Outcome {
        let applied = self.finish(&self.propose(verb, arguments).unwrap()).unwrap();
        applied.outcome
    }

    /// The arguments of a restart of what runs or failed now.
    #[track_caller]
    pub(crate) fn restart(&self, name: &str) -> Value {
        json!({ "unit": name, "invocation": self.look(name)["invocation"] })
    }
}

impl Scene {
    /// Waits for a state, although the bus may not answer at first.
    #[track_caller]
    pub(crate) fn wait_for_again(&self, name: &str, active: &str) -> Value {
        let began = Instant::now();
        loop {
            match self.probe("look", &json!({ "name": name })) {
                Ok(unit) if unit["active"] == active => return unit,
                other => assert!(began.elapsed() < PATIENCE, "{other:?}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
