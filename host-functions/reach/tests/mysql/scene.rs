//! A server with a database, and calls of it as the host makes them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ansai_core::{InstanceName, Refusal, Scope, Timestamp};
use ansai_harness::server::Mariadb;
use ansai_kit::action::{Action, Applied, Begun, Previewed, Progress, StepContext};
use ansai_kit::evaluation_state::Label;
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::remote::Parts;
use ansai_kit::target::{Reach, TargetAccess};
use serde_json::value::RawValue;
use serde_json::{Value, json};

pub(crate) const DATABASE: &str = "ansai:database/database-probe";
pub(crate) const TABLES: &str = "ansai:mysql/mysql-probe";
pub(crate) const SESSIONS: &str = "ansai:database/database-session-actions";
pub(crate) const ACTIONS: &str = "ansai:mysql/mysql-actions";

/// The page that says how to make the user of ansai.
const PAGE: &str = include_str!("../../../../runtime/docs/mysql.md");

/// A server, and the targets of an instance.
pub(crate) struct Scene {
    pub(crate) server: Mariadb,
    pub(crate) reach: Reach,
}

/// Targets of an instance that may use all of them.
pub(crate) fn reach(targets: impl IntoIterator<Item = TargetAccess>) -> Reach {
    let all: Vec<_> = targets.into_iter().map(|target| (target.target.name.clone(), target)).collect();
    let names: Vec<String> = all.iter().map(|(name, _)| name.clone()).collect();
    Reach::new(InstanceName::from_static("keeper"), Arc::new(all.into_iter().collect()), names)
}

/// A target at an address, used as the user of ansai.
pub(crate) fn target(name: &str, address: &str) -> TargetAccess {
    let labels = [("unit", "mariadb.service"), ("mount", "/tmp")];
    let labels = labels.map(|(name, value)| Label { name: name.into(), value: value.into() }).to_vec();
    TargetAccess {
        address: Some(address.to_owned()),
        user: Some("ansai".into()),
        ..TargetAccess::new(name, "mysql", labels)
    }
}

impl Scene {
    /// `None` if there is no server: then the test returns.
    pub(crate) fn new() -> Option<Scene> {
        Scene::with(&[])
    }

    pub(crate) fn with(settings: &[&str]) -> Option<Scene> {
        let server = Mariadb::start_with(settings)?;
        server.sql("create user app; create database app; grant all on app.* to app");
        // As the page says, without the password, which tests of it set.
        let user = PAGE.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next());
        server.sql(&user.expect("the page has statements").replace("identified by 'PASSWORD'", ""));
        let reach = reach([target("db", &address(&server))]);
        Some(Scene { server, reach })
    }

    /// Runs statements in the database, as its owner.
    pub(crate) fn app(&self, statements: &str) -> String {
        let ran = self.server.client("app").args(["app", "-e", statements]).run();
        ran.expect_code(0);
        ran.stdout.trim_end_matches('\n').to_owned()
    }

    pub(crate) fn ask(&self, interface: &str, function: &str, arguments: &Value) -> Result<Value, Refusal> {
        ask(&self.reach, Duration::from_secs(20), interface, function, arguments)
    }

    /// All entries of a list.
    pub(crate) fn list(&self, interface: &str, function: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let page = self.ask(interface, function, &json!({"target": "db", "cursor": cursor})).unwrap();
            assert_eq!(page["skipped"], 0, "{page}");
            all.extend(page["entries"].as_array().unwrap().iter().cloned());
            cursor = page["cursor"].clone();
            assert_eq!(page["complete"].as_bool().unwrap(), cursor.is_null());
            if cursor.is_null() {
                return all;
            }
        }
    }

    /// The entry of a list whose field has this value.
    pub(crate) fn find(&self, interface: &str, function: &str, field: &str, value: &str) -> Value {
        let all = self.list(interface, function);
        let found = all.iter().find(|entry| entry[field] == value);
        found.unwrap_or_else(|| panic!("no {field} {value:?} in {all:#?}")).clone()
    }

    pub(crate) fn step(&self, interface: &str, function: &str, scope: Scope, arguments: Value) -> Proposal<'_> {
        let registry = Registry::of(ansai_reach::INTERFACES);
        let (_, function) = registry.find(interface, function).unwrap();
        let Body::Action(action) = function.body else { panic!("not an action") };
        let mut arguments = arguments;
        arguments["reason"] = "a test".into();
        arguments["target"] = "db".into();
        Proposal { scene: self, action, scope, arguments: serde_json::value::to_raw_value(&arguments).unwrap() }
    }
}

pub(crate) fn address(server: &Mariadb) -> String {
    format!("mysql://127.0.0.1:{}/app", server.port())
}

pub(crate) fn ask(
    reach: &Reach,
    limit: Duration,
    interface: &str,
    function: &str,
    arguments: &Value,
) -> Result<Value, Refusal> {
    let (host, deadline, scope) = (Host::at("/"), Deadline::after(limit), Scope::default());
    let ask = ProbeContext { host: &host, scope: &scope, reach, now: Timestamp::EPOCH, deadline: &deadline };
    let registry = Registry::of(ansai_reach::INTERFACES);
    let (_, function) = registry.find(interface, function).unwrap();
    let Body::Remote(body) = function.body else { panic!("not a call of a server") };
    let Parts::One(part) = body.split(&serde_json::value::to_raw_value(arguments).unwrap())? else {
        panic!("several servers")
    };
    (part.call)(&ask).map(|reply| serde_json::from_str(reply.get()).unwrap())
}

/// A step that is about to be proposed.
pub(crate) struct Proposal<'s> {
    scene: &'s Scene,
    action: &'static dyn Action,
    pub(crate) scope: Scope,
    arguments: Box<RawValue>,
}

static GO_ON: AtomicBool = AtomicBool::new(false);

impl Proposal<'_> {
    pub(crate) fn preview(&self) -> Result<Previewed, Refusal> {
        let (host, deadline) = (Host::at("/"), Deadline::after(Duration::from_secs(20)));
        let (reach, now) = (&self.scene.reach, Timestamp::EPOCH);
        let ask = ProbeContext { host: &host, scope: &self.scope, reach, now, deadline: &deadline };
        self.action.preview(&ask, &self.arguments, &[])
    }

    pub(crate) fn doing<T>(&self, targets: &RawValue, work: impl FnOnce(&dyn Action, &StepContext<'_>) -> T) -> T {
        let host = Host::at("/");
        let doing = StepContext {
            host: &host,
            scope: &self.scope,
            reach: &self.scene.reach,
            now: Timestamp::EPOCH,
            step_id: "plan-1",
            arguments: &self.arguments,
            targets,
            stop: &GO_ON,
        };
        work(self.action, &doing)
    }

    pub(crate) fn begin(&self, targets: &RawValue) -> Result<Begun, Refusal> {
        self.doing(targets, |action, doing| action.begin(doing))
    }

    /// Waits for a step.
    pub(crate) fn wait(&self, targets: &RawValue, begun: Begun) -> (Applied, Vec<String>) {
        let handle = match begun {
            Begun::Finished(applied) => return (applied, Vec::new()),
            Begun::Running { handle, .. } => handle,
        };
        let (mut notes, began) = (Vec::new(), Instant::now());
        loop {
            match self.doing(targets, |action, doing| action.poll(doing, &handle)) {
                Progress::Finished(applied) => return (applied, notes),
                Progress::Running { note, .. } => notes.push(note),
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{notes:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Previews and applies it.
    pub(crate) fn apply(&self) -> Applied {
        let previewed = self.preview().unwrap();
        let begun = self.begin(&previewed.targets).unwrap();
        self.wait(&previewed.targets, begun).0
    }
}
