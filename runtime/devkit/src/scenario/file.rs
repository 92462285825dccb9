//! The file.
#![expect(clippy::disallowed_methods, reason = "an adapter to scenario files")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ansai_core::{Attempt, Instant, Observation, Refusal};
use serde::Deserialize;
use serde_json::Value;

/// A larger scenario is not read.
pub const MOST_BYTES: u64 = 1 << 20;

/// A scenario that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What.
        error: std::io::Error,
    },
    /// It is too large.
    #[error("{0}: larger than {MOST_BYTES} bytes")]
    TooLarge(PathBuf),
    /// It is not in the form; the message shows line and caret.
    #[error("{path}:\n{message}")]
    Form {
        /// Where.
        path: PathBuf,
        /// What.
        message: String,
    },
}

/// A scenario as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One sentence.
    pub description: String,
    /// As an operator writes them.
    #[serde(default)]
    pub settings: serde_json::Map<String, Value>,
    /// What the host knows.
    #[serde(default)]
    pub context: ScenarioContext,
    /// Grants by interface; absent, everything that the manifest asks for, as its author suggests.
    pub scopes: Option<BTreeMap<String, serde_json::Map<String, Value>>>,
    /// What the policy stored before.
    #[serde(default)]
    pub store: BTreeMap<String, String>,
    /// Its series.
    #[serde(default)]
    pub series: Vec<SeededSeries>,
    /// What the host answers.
    #[serde(default)]
    pub reply: Vec<CannedReply>,
    /// What must come of it.
    pub expect: Expected,
}

/// What the host knows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct ScenarioContext {
    pub now: Option<Instant>,
    pub trigger: Option<ansai_host_functions::base::Trigger>,
    pub stage: String,
    pub open_incidents: Vec<Observation>,
    pub attempts: Vec<Attempt>,
}

/// A series, with times relative to `now`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct SeededSeries {
    pub name: String,
    /// Milliseconds from now, not above 0, and the value.
    pub samples: Vec<(i64, f64)>,
}

/// A reply to calls that match.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CannedReply {
    /// `ansai:disk/disk-probe.list-filesystems`.
    pub call: String,
    /// What must be equal in the call's arguments; the rest may be anything.
    pub arguments: Option<Value>,
    /// How often it answers; without end when absent.
    pub times: Option<u32>,
    /// The answer; of an action, what differs from an empty preview.
    pub ok: Option<Value>,
    /// Or why there is none.
    pub refusal: Option<Refusal>,
}

/// What must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// One for each observation, in order: what must be equal in it.
    pub observations: Option<Vec<Value>>,
    /// Or the failure.
    pub failure: Option<Value>,
    /// Findings to plan for.
    #[serde(default)]
    pub plan: Vec<ExpectedPlan>,
}

/// A plan that must be proposed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedPlan {
    /// Key of an unhealthy observation.
    pub finding: String,
    /// What must be equal; texts must be contained.
    pub decision: Value,
    /// One for each step, in order: what must be equal in it.
    pub steps: Vec<Value>,
}

impl Scenario {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
        let io = |error| ScenarioError::Io { path: path.to_owned(), error };
        let mut text = String::new();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
            .map_err(io)?;
        if read as u64 > MOST_BYTES {
            return Err(ScenarioError::TooLarge(path.to_owned()));
        }
        Scenario::parse(path, &text)
    }

    /// Reads text; `path` is for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Scenario, ScenarioError> {
        let form = |message: String| ScenarioError::Form { path: path.to_owned(), message };
        let scenario: Scenario = toml::from_str(text).map_err(|error| form(error.to_string()))?;
        if let Some(reply) = scenario.reply.iter().find(|reply| reply.ok.is_some() == reply.refusal.is_some()) {
            return Err(form(format!("the reply to {} needs either `ok` or `refusal`", reply.call)));
        }
        if scenario.expect.observations.is_some() == scenario.expect.failure.is_some() {
            return Err(form("`expect` needs either `observations` or `failure`".into()));
        }
        Ok(scenario)
    }

    /// `full-var` of `scenarios/full-var.toml`.
    pub fn name(path: &Path) -> String {
        path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }
}
