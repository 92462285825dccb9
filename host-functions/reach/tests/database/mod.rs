//! What the tests of each database need: a scene with a server, calls of it as the host makes them, and what all databases
//! are tested for. The tests of one database say in `crate::scene` which server that is.

pub(crate) mod liars;
pub(crate) mod proposal;
pub(crate) mod reads;
pub(crate) mod refusals;
pub(crate) mod secrets;

use std::sync::Arc;
use std::time::Duration;

use ansai_core::{InstanceName, Refusal, Scope};
use ansai_kit::evaluation_state::Label;
use ansai_kit::target::{Reach, TargetAccess};
use serde_json::{Value, json};

use crate::carrier;
use crate::scene::{HOST, KIND};
use proposal::Proposal;

pub(crate) const DATABASE: &str = "ansai:database/database-probe";
pub(crate) const TEXTS: &str = "ansai:database/database-text-probe";
pub(crate) const SESSIONS: &str = "ansai:database/database-session-actions";

/// A server, and the targets of an instance.
pub(crate) struct Scene<S> {
    pub(crate) server: S,
    pub(crate) reach: Reach,
}

/// Targets of an instance that may use all of them.
pub(crate) fn reach(targets: impl IntoIterator<Item = TargetAccess>) -> Reach {
    let all: Vec<_> = targets.into_iter().map(|target| (target.target.name.clone(), target)).collect();
    let names: Vec<String> = all.iter().map(|(name, _)| name.clone()).collect();
    Reach::new(InstanceName::from_static("keeper"), Arc::new(all.into_iter().collect()), names)
}

/// A target at an address, used as the user of ansai. Its unit and the file system of its data are on this host.
pub(crate) fn target_of(name: &str, address: &str, unit: &str, mount: &str) -> TargetAccess {
    let labels = [("unit", unit), ("mount", mount)];
    let labels = labels.map(|(name, value)| Label { name: name.into(), value: value.into() }).to_vec();
    TargetAccess {
        address: Some(address.to_owned()),
        user: Some("ansai".into()),
        ..TargetAccess::new(name, KIND, labels)
    }
}

/// The first statements of a page of the documentation: they make the user of ansai.
pub(crate) fn statements_of(page: &str) -> &str {
    let statements = page.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next());
    statements.expect("the page has statements")
}

impl<S> Scene<S> {
    pub(crate) fn ask(&self, interface: &str, function: &str, arguments: &Value) -> Result<Value, Refusal> {
        ask(&self.reach, Duration::from_secs(20), interface, function, arguments)
    }

    /// Looks at its server.
    pub(crate) fn look(&self) -> Result<Value, Refusal> {
        self.ask(DATABASE, "look", &json!({"target": "db"}))
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

    /// The kinds of statements that the server counts.
    pub(crate) fn statements(&self) -> Result<Vec<Value>, Refusal> {
        let all = self.ask(TEXTS, "list-statements", &json!({"target": "db"}))?;
        Ok(all["entries"].as_array().unwrap().clone())
    }

    pub(crate) fn step(&self, interface: &str, function: &str, scope: Scope, arguments: Value) -> Proposal<'_> {
        Proposal::new(&self.reach, interface, function, scope, arguments)
    }
}

pub(crate) fn ask(
    reach: &Reach,
    limit: Duration,
    interface: &str,
    function: &str,
    arguments: &Value,
) -> Result<Value, Refusal> {
    carrier::call((&carrier::host(HOST), reach), limit, (interface, function), arguments)
}

/// Looks at one server.
pub(crate) fn look(target: TargetAccess) -> Result<Value, Refusal> {
    ask(&reach([target]), Duration::from_secs(5), DATABASE, "look", &json!({"target": "db"}))
}

/// The value of one of the numbers of a look.
pub(crate) fn number(look: &Value, name: &str) -> Value {
    let found = look["numbers"].as_array().unwrap().iter().find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {look:#}"))["value"].clone()
}
