//! Targets, and calls as the host makes them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ansai_core::{InstanceName, Refusal, Scope, Timestamp};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::Body;
use ansai_kit::remote::Parts;
use ansai_kit::secret::SecretSource;
use ansai_kit::target::{Reach, TargetAccess};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::carrier;

/// Longer than any test.
pub const LONG: Duration = Duration::from_secs(600);
/// So short that it is over while a server hangs.
pub const SHORT: Duration = Duration::from_millis(200);

pub struct Scene {
    pub host: Host,
    place: tempfile::TempDir,
    targets: BTreeMap<String, TargetAccess>,
}

impl Scene {
    pub fn new() -> Scene {
        // Nobody else can write a directory above it.
        let mode = std::fs::Permissions::from_mode(0o700);
        let place = tempfile::Builder::new().permissions(mode).tempdir_in("/var/tmp").unwrap();
        Scene { host: carrier::host(place.path()), place, targets: BTreeMap::new() }
    }

    /// With the target `site`.
    pub fn with(address: &str) -> Scene {
        let mut scene = Scene::new();
        scene.target("site", address);
        scene
    }

    pub fn path(&self) -> &Path {
        self.place.path()
    }

    pub fn target(&mut self, name: &str, address: &str) {
        let access = TargetAccess { address: Some(address.into()), ..TargetAccess::new(name, "http", Vec::new()) };
        self.targets.insert(name.to_owned(), access);
    }

    pub fn change(&mut self, name: &str, change: impl FnOnce(&mut TargetAccess)) {
        change(self.targets.get_mut(name).unwrap());
    }

    /// Gives the target `site` a user, if there is one, and a secret.
    pub fn login(&mut self, user: Option<&str>, secret: &str) {
        let file: PathBuf = self.path().join("secret");
        std::fs::write(&file, secret).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        self.change("site", |site| {
            (site.user, site.secret) = (user.map(str::to_owned), Some(SecretSource::File(file)));
        });
    }

    pub fn reach(&self) -> Reach {
        let names = self.targets.keys().filter(|name| *name != "forbidden").cloned();
        Reach::new(InstanceName::from_static("web"), Arc::new(self.targets.clone()), names)
    }

    /// The answers to these requests.
    pub fn look(&self, requests: &Value, limit: Duration) -> Result<Vec<Value>, Refusal> {
        let registry = carrier::registry();
        let (_, function) = registry.find("ansai:http/http-probe", "look").unwrap();
        let Body::Remote(body) = function.body else { panic!("not a call of servers") };
        let arguments = RawValue::from_string(json!({ "requests": requests }).to_string()).unwrap();
        let Parts::Each(parts) = body.split(&arguments)? else { panic!("not a batch") };
        let (scope, reach, deadline) = (Scope::default(), self.reach(), Deadline::after(limit));
        let now = Timestamp::from_millis(1_700_000_000_000);
        let context = ProbeContext { host: &self.host, scope: &scope, reach: &reach, now, deadline: &deadline };
        let answer = |part: ansai_kit::remote::Part| (part.call)(&context).or_else(part.refused).unwrap();
        Ok(parts.into_iter().map(|part| serde_json::from_str(answer(part).get()).unwrap()).collect())
    }

    /// The answer of `site` to GET.
    pub fn get(&self, path: &str) -> Value {
        self.ask(json!({ "target": "site", "path": path, "method": "get", "contains": null }), LONG)
    }

    /// The answer to one request.
    pub fn ask(&self, request: Value, limit: Duration) -> Value {
        self.look(&json!([request]), limit).unwrap().remove(0)
    }
}

/// `status`, `no-answer` with its cause, or `refused` with its kind.
pub fn outcome(answer: &Value) -> (String, Value) {
    let (kind, value) = answer["outcome"].as_object().unwrap().iter().next().unwrap();
    let value = match kind.as_str() {
        "no-answer" => value["why"].clone(),
        "refused" => value.as_object().unwrap().keys().next().unwrap().clone().into(),
        _ => value.clone(),
    };
    (kind.clone(), value)
}

pub fn no_answer(why: &str) -> (String, Value) {
    ("no-answer".into(), why.into())
}

pub fn refused(why: &str) -> (String, Value) {
    ("refused".into(), why.into())
}

pub fn status(status: u16) -> (String, Value) {
    ("status".into(), status.into())
}
