//! The file.
#![expect(clippy::disallowed_methods, reason = "an adapter to scenario files")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use ansai_config::{Diagnostics, Report};
use ansai_core::{Attempt, Code, Instant, Measure, Observation, Refusal, codes};
use ansai_kit::evaluation_state::{Trigger, WallClock};
use serde::Deserialize;
use serde_json::Value;

use super::form;

/// A larger scenario is not read.
pub const MOST_BYTES: u64 = 1 << 20;

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
    /// Limits of the evaluation where they are not the manifest's, in its form.
    pub limits: Option<Value>,
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
    /// What goes wrong on the way; wins over the replies.
    #[serde(default)]
    pub fault: Vec<Fault>,
    /// What must come of it.
    pub expect: Expected,
    #[serde(skip)]
    pub(crate) file: String,
    #[serde(skip)]
    pub(crate) text: String,
}

/// What the host knows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct ScenarioContext {
    pub now: Option<Instant>,
    pub local_time: Option<WallClock>,
    pub last_evaluated: Option<Instant>,
    pub trigger: Option<Trigger>,
    pub stage: String,
    pub host_facts: Vec<Measure>,
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
    /// Or why there is none, given whatever is granted.
    pub refusal: Option<Refusal>,
}

/// Something that goes wrong with calls that match.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// As in a reply.
    pub call: String,
    /// What goes wrong.
    pub kind: FaultKind,
    /// As in a reply.
    pub arguments: Option<Value>,
    /// As in a reply.
    pub times: Option<u32>,
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Refused: it could not be read now.
    Unavailable,
    /// Refused: no grant covers it.
    Denied,
    /// Refused: there was no answer in time.
    TimedOut,
    /// Answered with the reply, which is a byte larger than all replies of one evaluation may be together: the policy
    /// gets it, pays for it, and every later call is refused with `over-budget`.
    Huge,
    /// Answered with the reply, which says that something was left out: `complete` is false, `skipped` at least 1.
    Incomplete,
}

/// What must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// One for each observation, in order: what must be equal in it.
    pub observations: Option<Vec<Value>>,
    /// Or the failure: a case of `failure`, or a part of the message with which the evaluation ends.
    pub failure: Option<Value>,
    /// Findings to plan for.
    #[serde(default)]
    pub plan: Vec<ExpectedPlan>,
}

/// A plan that must be proposed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedPlan {
    /// Key of an unhealthy observation; or a whole observation, about which `plan` is asked without `detect`.
    pub finding: Value,
    /// What must be equal; texts must be contained.
    pub decision: Option<Value>,
    /// One for each step, in order: what must be equal in it.
    pub steps: Option<Vec<Value>>,
    /// Instead of a decision and steps, as in [`Expected`].
    pub failure: Option<Value>,
}

impl ExpectedPlan {
    /// The key of what it is about.
    pub(crate) fn key(&self) -> &str {
        let key = self.finding.get("key").unwrap_or(&self.finding);
        key.as_str().unwrap_or_default()
    }
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, with line and caret.
    pub fn load(path: &Path) -> Result<Scenario, Diagnostics> {
        let file = path.display().to_string();
        let whole = |code: Code, message: String, hint: Option<&str>| {
            let mut report = Report::new(&file, "");
            report.error(code, None, &message, hint.map(str::to_owned));
            report.finish().err().unwrap_or_default()
        };
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| whole(codes::FILE_ACCESS, format!("cannot be read: {error}"), None))?;
        if bytes.len() as u64 > MOST_BYTES {
            let message = format!("larger than {} KiB", MOST_BYTES >> 10);
            return Err(whole(
                codes::FILE_TOO_LARGE,
                message,
                Some("a scenario is a few KiB: is this the right file?"),
            ));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Scenario::parse(&file, &text),
            Err(error) => {
                let message = format!("byte {} is not UTF-8", error.utf8_error().valid_up_to());
                Err(whole(codes::NOT_UTF_8, message, Some("save the file as UTF-8")))
            }
        }
    }

    /// Reads text; `file` is for messages.
    ///
    /// # Errors
    /// As [`Scenario::load`].
    pub fn parse(file: &str, text: &str) -> Result<Scenario, Diagnostics> {
        let mut scenario: Scenario = toml::from_str(text).map_err(|error| form::explained(file, text, &error))?;
        file.clone_into(&mut scenario.file);
        text.clone_into(&mut scenario.text);
        Ok(scenario)
    }

    /// `full-var` of `scenarios/full-var.toml`.
    pub fn name(path: &Path) -> String {
        path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }
}
