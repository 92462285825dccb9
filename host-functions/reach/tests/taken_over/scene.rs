//! A supervisor with a process that was taken over.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ansai_core::{InstanceName, Refusal, Scope, Timestamp};
use ansai_harness::Invocation;
use ansai_kit::action::{Action, Applied, Begun, Previewed, StepContext};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::secret::SecretSource;
use ansai_kit::target::{Reach, TargetAccess};
use ansai_reach::process::{IDLE, ReachProcess};
use base64::Engine as _;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::carrier;
use crate::manner::Manner;

pub(crate) const SECRET: &str = "correct-horse-7f3a";
/// Longer than any test.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// So short that it is over while the process is silent.
pub(crate) const SHORT: Duration = Duration::from_millis(100);

pub(crate) struct Scene {
    pub(crate) process: ReachProcess,
    host: Host,
    reach: Reach,
    _place: tempfile::TempDir,
}

pub(crate) fn encoded(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

impl Scene {
    pub(crate) fn new(manner: Manner) -> Scene {
        Scene::idle(manner, IDLE)
    }

    pub(crate) fn idle(manner: Manner, idle: Duration) -> Scene {
        Scene::at(manner, idle, "127.0.0.1:1", None)
    }

    /// With a target at this address. `user` is what the process is told: a directory of secrets by default.
    pub(crate) fn at(manner: Manner, idle: Duration, address: &str, user: Option<String>) -> Scene {
        let process = ReachProcess::new(carrier::start(&format!("{manner:?}")), idle);
        let mode = std::fs::Permissions::from_mode(0o700);
        let place = tempfile::Builder::new().permissions(mode).tempdir_in("/var/tmp").unwrap();
        let [file, state] = ["secret", "state"].map(|name| place.path().join(name));
        std::fs::write(&file, SECRET).unwrap();
        std::fs::create_dir(&state).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let target = TargetAccess {
            address: Some(address.into()),
            // What the process tries to read.
            user: Some(user.unwrap_or_else(|| state.to_str().unwrap().into())),
            secret: Some(SecretSource::File(file)),
            ..TargetAccess::new("db", "postgresql", vec![])
        };
        let all = Arc::new([("db".to_owned(), target)].into());
        let reach = Reach::new(InstanceName::from_static("keeper"), all, ["db".to_owned()]);
        let host = Host::at("/").carried_by(Arc::new(process.clone()));
        Scene { process, host, reach, _place: place }
    }

    pub(crate) fn look(&self, limit: Duration) -> Result<Value, Refusal> {
        let look = ("ansai:database/database-probe", "look");
        carrier::call((&self.host, &self.reach), limit, look, &json!({"target": "db"}))
    }

    fn action() -> &'static dyn Action {
        carrier::registry().action("ansai:database/database-session-actions.terminate").unwrap().2
    }

    fn arguments(about: &Value) -> Box<RawValue> {
        let arguments = json!({"target": "db", "session": "7/1/-", "reason": about.to_string()});
        to_raw_value(&arguments).unwrap()
    }

    /// The preview of a step that claims to be about this.
    pub(crate) fn preview(&self, about: &Value) -> Result<Previewed, Refusal> {
        let (deadline, scope, now) = (Deadline::after(LONG), Scope::default(), Timestamp::EPOCH);
        let ask = ProbeContext { host: &self.host, scope: &scope, reach: &self.reach, now, deadline: &deadline };
        Scene::action().preview(&ask, &Scene::arguments(about), &[])
    }

    pub(crate) fn begin(&self) -> Applied {
        let (scope, stop) = (Scope::default(), AtomicBool::new(false));
        let doing = StepContext {
            host: &self.host,
            scope: &scope,
            reach: &self.reach,
            now: Timestamp::EPOCH,
            step_id: "plan-1",
            arguments: &Scene::arguments(&json!({})),
            targets: &to_raw_value(&json!({})).unwrap(),
            stop: &stop,
        };
        match Scene::action().begin(&doing).unwrap() {
            Begun::Finished(applied) => applied,
            Begun::Running { .. } => panic!("it runs"),
        }
    }

    pub(crate) fn kill(&self) {
        let process = self.process.id().unwrap().to_string();
        Invocation::of("kill").args(["-KILL", &process]).run().code(0);
    }
}
