//! One engine as a target, and the calls of a policy.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ansai_core::scope::{Switch, TypedField};
use ansai_core::{InstanceName, Refusal, Scope, Timestamp};
use ansai_kit::action::{Action, Applied, Begun, Previewed, Progress, StepContext};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::remote::Parts;
use ansai_kit::target::{Reach, TargetAccess};
use ansai_local::container::fields::{
    CONTAINERS, DANGLING_ONLY, KEEP_TAGS, LABELS, MAX_RESTARTS, MIN_AGE_HOURS, UNNAMED_VOLUMES,
};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Scene {
    pub(crate) address: String,
    pub(crate) scope: Scope,
    /// Added to the clock, in hours.
    pub(crate) later: u64,
    pub(crate) limit: Duration,
}

impl Scene {
    pub(crate) fn new(socket: &Path) -> Scene {
        let scope = Scope::default()
            .with_set(&CONTAINERS, ["*"])
            .with_set(&LABELS, ["heal=*"])
            .with_number(&MAX_RESTARTS, 3)
            .with_number(&MIN_AGE_HOURS, 168)
            .with_number(&KEEP_TAGS, 2)
            .with_number(&DANGLING_ONLY, 1);
        Scene { address: format!("unix://{}", socket.display()), scope, later: 0, limit: LONG }
    }

    pub(crate) fn permit(&mut self, what: &TypedField<Switch>, is_on: bool) {
        self.scope = std::mem::take(&mut self.scope).with_number(what, u64::from(is_on));
    }

    pub(crate) fn opt_in(&mut self) {
        self.permit(&UNNAMED_VOLUMES, true);
    }

    fn reach(&self) -> Reach {
        let access =
            TargetAccess { address: Some(self.address.clone()), ..TargetAccess::new("ct", "container", vec![]) };
        let all = Arc::new([("ct".to_owned(), access)].into());
        Reach::new(InstanceName::from_static("test"), all, ["ct".to_owned()])
    }

    pub(crate) fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap() + self.later * 3_600_000)
    }

    pub(crate) fn probe(&self, function: &str, cursor: Option<&str>) -> Result<Value, Refusal> {
        let arguments = match function {
            "look" => json!({ "target": "ct" }),
            _ => json!({ "target": "ct", "cursor": cursor }),
        };
        let (host, reach, deadline) = (Host::at("/"), self.reach(), Deadline::after(self.limit));
        let ask = ProbeContext { host: &host, scope: &self.scope, reach: &reach, now: self.now(), deadline: &deadline };
        let registry = Registry::of(ansai_local::INTERFACES);
        let (_, function) = registry.find("ansai:container/container-probe", function).unwrap();
        let Body::Remote(body) = function.body else { panic!("not remote") };
        let Parts::One(part) = body.split(&raw(arguments))? else { panic!() };
        (part.call)(&ask).map(|reply| serde_json::from_str(reply.get()).unwrap())
    }

    /// The entries of a list with one page.
    #[track_caller]
    pub(crate) fn list(&self, function: &str) -> Vec<Value> {
        let page = self.probe(function, None).unwrap();
        assert_eq!((&page["complete"], &page["skipped"]), (&json!(true), &json!(0)), "{page:#}");
        page["entries"].as_array().unwrap().clone()
    }

    #[track_caller]
    pub(crate) fn container(&self, name: &str) -> Value {
        self.list("list-containers").into_iter().find(|one| one["name"] == name).unwrap()
    }

    #[track_caller]
    pub(crate) fn identity(&self, name: &str) -> String {
        self.container(name)["identity"].as_str().unwrap().to_owned()
    }

    pub(crate) fn propose(&self, action: &str, mut arguments: Value) -> Result<Step<'_>, Refusal> {
        arguments["target"] = json!("ct");
        arguments["reason"] = json!("a test");
        let registry = Registry::of(ansai_local::INTERFACES);
        let (_, _, action) = registry.action(&format!("ansai:container/{action}")).unwrap();
        let (host, reach, deadline) = (Host::at("/"), self.reach(), Deadline::after(self.limit));
        let ask = ProbeContext { host: &host, scope: &self.scope, reach: &reach, now: self.now(), deadline: &deadline };
        let arguments = raw(arguments);
        let previewed = action.preview(&ask, &arguments, &[])?;
        Ok(Step { scene: self, action, arguments, previewed })
    }

    pub(crate) fn restart(&self, identity: &str) -> Result<Step<'_>, Refusal> {
        self.propose("container-actions.restart", json!({ "container": identity }))
    }

    pub(crate) fn remove_images(&self, dangling_only: bool) -> Result<Step<'_>, Refusal> {
        let arguments = json!({ "min-age-hours": 168, "keep-tags": 2, "dangling-only": dangling_only });
        self.propose("container-cleanup-actions.remove-images", arguments)
    }

    pub(crate) fn remove_volumes(&self) -> Result<Step<'_>, Refusal> {
        self.propose("container-cleanup-actions.remove-unnamed-volumes", json!({ "min-age-hours": 168 }))
    }
}

pub(crate) struct Step<'a> {
    scene: &'a Scene,
    action: &'static dyn Action,
    arguments: Box<RawValue>,
    pub(crate) previewed: Previewed,
}

impl Step<'_> {
    pub(crate) fn act<T>(&self, act: impl FnOnce(&dyn Action, &StepContext<'_>) -> T) -> T {
        let (host, reach, stop) = (Host::at("/"), self.scene.reach(), AtomicBool::new(false));
        let doing = StepContext {
            host: &host,
            scope: &self.scene.scope,
            reach: &reach,
            now: self.scene.now(),
            step_id: "20261129t060000-1-0001-0",
            arguments: &self.arguments,
            targets: &self.previewed.targets,
            stop: &stop,
        };
        act(self.action, &doing)
    }

    /// Begins it and waits for its end.
    pub(crate) fn finish(&self) -> Result<Applied, Refusal> {
        let handle = match self.act(|action, doing| action.begin(doing))? {
            Begun::Finished(applied) => return Ok(applied),
            Begun::Running { handle, .. } => handle,
        };
        let began = Instant::now();
        loop {
            match self.act(|action, doing| action.poll(doing, &handle)) {
                Progress::Finished(applied) => return Ok(applied),
                Progress::Running { note, .. } => assert!(began.elapsed() < LONG, "{note}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

pub(crate) fn raw(value: Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

pub(crate) fn measured(applied: &Applied, name: &str) -> u64 {
    let measure = applied.measures.iter().find(|measure| measure.name == name);
    serde_json::to_value(&measure.unwrap().value).unwrap()["count"].as_u64().unwrap()
}

/// A socket in a directory of its own.
pub(crate) fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("s");
    (directory, socket)
}
