//! The format of a scenario file.
#![expect(clippy::disallowed_methods, reason = "an adapter to scenario files")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use ansai_config::{Diagnostics, Report};
use ansai_core::{Attempt, Code, Measure, Observation, Refusal, Subject, Timestamp, codes};
use ansai_kit::evaluation_state::{InstanceTarget, Label, Target, Trigger, WallClock};
use serde::Deserialize;
use serde_json::Value;

use super::form;

/// Maximum size of a scenario file, in bytes.
pub const MOST_BYTES: u64 = 1 << 20;
/// Maximum number of values in a scenario file. The parser needs many bytes for each.
const MOST_VALUES: usize = 200_000;

/// A scenario as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What the scenario tests, in one sentence.
    pub description: String,
    /// Settings, as an operator writes them.
    #[serde(default)]
    pub settings: serde_json::Map<String, Value>,
    /// What the host tells the policy.
    #[serde(default)]
    pub context: ScenarioContext,
    /// Limits of the evaluation that differ from the manifest's, in the same form.
    pub limits: Option<Value>,
    /// Grants by interface, each a table or a list of tables. If absent: everything that the manifest requests, with the
    /// scopes that its author suggests.
    pub scopes: Option<BTreeMap<String, Value>>,
    /// Values that the policy stored earlier.
    #[serde(default)]
    pub store: BTreeMap<String, String>,
    /// Series that the policy stored earlier.
    #[serde(default)]
    pub series: Vec<SeededSeries>,
    /// Replies of the host.
    #[serde(default)]
    pub reply: Vec<CannedReply>,
    /// Faults. A fault takes precedence over a reply.
    #[serde(default)]
    pub fault: Vec<Fault>,
    /// The expected result.
    pub expect: Expected,
    #[serde(skip)]
    pub(crate) file: String,
    #[serde(skip)]
    pub(crate) text: String,
}

/// What the host tells the policy.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct ScenarioContext {
    pub now: Option<Timestamp>,
    pub local_time: Option<WallClock>,
    pub last_evaluated: Option<Timestamp>,
    pub trigger: Option<Trigger>,
    /// The host as a whole; by default the one that `host_facts` name.
    pub host: Option<Subject>,
    pub stage: String,
    pub host_facts: Vec<Measure>,
    pub open_incidents: Vec<Observation>,
    pub attempts: Vec<Attempt>,
    pub labels: Vec<Label>,
    pub targets: Vec<SeededTarget>,
    /// Earlier attempts, also at findings that are closed.
    pub history: Vec<SeededAttempt>,
}

/// A target that the policy may use.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct SeededTarget {
    pub name: String,
    pub kind: String,
    /// By default the subject that a host gives a target of this name.
    pub about: Option<Subject>,
    #[serde(default)]
    pub labels: Vec<Label>,
    /// Settings that differ for this target.
    #[serde(default)]
    pub settings: Value,
}

impl SeededTarget {
    /// The target as a host has it.
    pub(crate) fn on_host(&self) -> InstanceTarget {
        let mut target = Target::new(&self.name, &self.kind, self.labels.clone());
        target.about = self.about.clone().unwrap_or(target.about);
        InstanceTarget { target, settings: self.settings.clone() }
    }
}

/// An earlier attempt at a finding about a subject.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct SeededAttempt {
    pub about: Subject,
    #[serde(flatten)]
    pub attempt: Attempt,
}

/// A series, with times relative to `now`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct SeededSeries {
    pub name: String,
    /// Milliseconds relative to now (at most 0), and the value.
    pub samples: Vec<(i64, f64)>,
}

/// A reply to calls that match.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CannedReply {
    /// Full name of the function: `ansai:disk/disk-probe.list-filesystems`.
    pub call: String,
    /// Arguments that must be equal; others may have any value.
    pub arguments: Option<Value>,
    /// Number of calls that it answers; unlimited if absent.
    pub times: Option<u32>,
    /// The answer. For an action, only the fields that differ from an empty preview.
    pub ok: Option<Value>,
    /// A refusal instead of an answer, whatever is granted.
    pub refusal: Option<Refusal>,
}

/// A fault for calls that match.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// As in a reply.
    pub call: String,
    /// Kind of the fault.
    pub kind: FaultKind,
    /// As in a reply.
    pub arguments: Option<Value>,
    /// As in a reply.
    pub times: Option<u32>,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Refused: it could not be read now.
    Unavailable,
    /// Refused: no grant covers it.
    Denied,
    /// Refused: no answer in time.
    TimedOut,
    /// Answered with a reply that exceeds the size limit for all replies of one evaluation by one byte. The policy gets
    /// it and pays for it, and every later call is refused with `over-budget`.
    Huge,
    /// Answered with a reply that says it is incomplete: `complete` is false, `skipped` is at least 1.
    Incomplete,
}

/// The expected result.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// One entry for each observation, in order, with the fields that must be equal.
    pub observations: Option<Vec<Value>>,
    /// The expected failure instead: a case of `failure`, or a part of the evaluation's error message.
    pub failure: Option<Value>,
    /// What the policy advises in addition to its answer. If absent, it is not compared.
    pub advice: Option<Value>,
    /// Findings for which `plan` is evaluated.
    #[serde(default)]
    pub plan: Vec<ExpectedPlan>,
}

/// An expected plan.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedPlan {
    /// Key of an unhealthy observation; or a whole observation, for which `plan` is evaluated without `detect`.
    pub finding: Value,
    /// Fields that must be equal; texts must be contained.
    pub decision: Option<Value>,
    /// One entry for each step, in order, with the fields that must be equal.
    pub steps: Option<Vec<Value>>,
    /// The expected failure instead of a decision and steps, as in [`Expected`].
    pub failure: Option<Value>,
    /// As in [`Expected`]; texts must be contained.
    pub advice: Option<Value>,
}

impl ExpectedPlan {
    /// Key of the observation.
    pub(crate) fn key(&self) -> &str {
        let key = self.finding.get("key").unwrap_or(&self.finding);
        key.as_str().unwrap_or_default()
    }
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// All problems, each with line and caret.
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
        // One of these is before every value.
        if text.bytes().filter(|byte| matches!(byte, b'=' | b',' | b'[' | b'{')).count() > MOST_VALUES {
            let mut report = Report::new(file, "");
            let (message, hint) = (format!("more than {MOST_VALUES} values"), "is this the right file?".to_owned());
            report.error(codes::TOO_MANY_VALUES, None, &message, Some(hint));
            report.finish()?;
        }
        let mut scenario: Scenario = toml::from_str(text).map_err(|error| form::explained(file, text, &error))?;
        file.clone_into(&mut scenario.file);
        text.clone_into(&mut scenario.text);
        Ok(scenario)
    }

    /// Returns `full-var` for `scenarios/full-var.toml`.
    pub fn name(path: &Path) -> String {
        path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }
}
