//! Reads the audit log, plans and state from their files.

use std::collections::BTreeMap;
use std::path::Path;

use ansai_harness::{Ansai, Ran};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// The events of a verified audit log, oldest first.
pub(crate) struct Log(Vec<Value>);

/// A step: plan and number.
pub(crate) type StepId = (String, u64);

impl Log {
    pub(crate) fn read(state_dir: &Path) -> Log {
        let ask = |verb| -> Ran { Ansai::new().args(["audit", verb, "--format", "json"]).state_dir(state_dir).run() };
        let verified = ask("verify");
        verified.expect_code(0);
        let exported = ask("export");
        exported.expect_code(0);
        let lines = exported.stdout.lines().filter(|line| line.contains("\"record\""));
        Log(lines.map(|line| serde_json::from_str::<Value>(line).unwrap()["record"].clone()).collect())
    }

    pub(crate) fn of<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |record| record["event"] == event)
    }

    /// Number of events of this kind for each step.
    pub(crate) fn count(&self, event: &str) -> BTreeMap<StepId, usize> {
        let mut count = BTreeMap::new();
        for record in self.of(event) {
            *count.entry(step_id(record)).or_default() += 1;
        }
        count
    }

    /// The incident of a plan; none for the host's own actions.
    pub(crate) fn incident_of(&self, plan: &str) -> Option<String> {
        self.of("planned").find(|planned| planned["plan"] == plan)?["incident"].as_str().map(str::to_owned)
    }

    /// Plans with actions, by incident, each with its start time.
    pub(crate) fn attempts(&self) -> BTreeMap<String, Vec<(String, u64)>> {
        let mut attempts: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
        for intent in self.of("intent") {
            let plan = text(&intent["plan"]);
            let Some(incident) = self.incident_of(&plan) else { continue };
            let begun = attempts.entry(incident).or_default();
            if begun.iter().all(|(known, _)| *known != plan) {
                begun.push((plan, intent["at"].as_u64().unwrap()));
            }
        }
        attempts
    }
}

pub(crate) fn step_id(record: &Value) -> StepId {
    (text(&record["plan"]), record["step"].as_u64().unwrap())
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A measure of an outcome.
pub(crate) fn measure(outcome: &Value, name: &str) -> u64 {
    let measures = outcome["measures"].as_array().unwrap();
    measures.iter().filter(|one| one["name"] == name).map(|one| one["value"]["count"].as_u64().unwrap()).sum()
}

/// The targets of a step, checked against its intent.
pub(crate) fn targets(state_dir: &Path, intent: &Value) -> Value {
    let (plan, step) = step_id(intent);
    let packed = std::fs::File::open(state_dir.join(format!("plans/{plan}.plan.zst")));
    let packed = packed.unwrap_or_else(|error| panic!("an intent without its plan {plan}: {error}"));
    let plain = zstd::decode_all(packed).unwrap();
    assert_eq!(hex::encode(Sha256::digest(&plain)), text(&intent["plan_sha256"]), "the intent is about another plan");
    let file: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&plain).unwrap();
    let steps: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(file["steps"].get()).unwrap();
    let targets = steps[usize::try_from(step).unwrap()]["targets"].get();
    assert_eq!(hex::encode(Sha256::digest(targets)), text(&intent["targets_sha256"]), "the intent is about others");
    serde_json::from_str(targets).unwrap()
}

/// The rows of one table in SQLite as text, after an integrity check.
pub(crate) fn rows(state_dir: &Path, query: &str) -> Vec<String> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(state_dir.join("state.db"), flags).unwrap();
    let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let mut statement = database.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}
