//! The state that every policy can use without a grant: context, log, store and series.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use ansai_core::event::Phase;
use ansai_core::{
    Attempt, Limits, Measure, Millis, Observation, Recommendation, Refusal, StepRef, Subject, Timestamp, Value,
};
use serde::{Deserialize, Serialize};

use crate::policy::aggregate::Aggregate;

/// Why an evaluation happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Trigger {
    Schedule,
    Event(Vec<Occurrence>),
    FollowUp,
    Verification,
    ByHand,
}

/// Something that happened, and that the schedule of a policy waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Occurrence {
    pub what: String,
    pub about: Subject,
    pub at: Timestamp,
    pub facts: Vec<Measure>,
}

impl Trigger {
    /// Whether the policy's writes are kept.
    pub fn commits(&self) -> bool {
        matches!(self, Trigger::Schedule | Trigger::Event(_) | Trigger::FollowUp)
    }

    /// Its name in the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Trigger::Schedule => "schedule",
            Trigger::Event(_) => "event",
            Trigger::FollowUp => "follow-up",
            Trigger::Verification => "verification",
            Trigger::ByHand => "by-hand",
        }
    }
}

/// The host's local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct WallClock {
    pub minute_of_day: u32,
    pub weekday: u32,
    pub utc_offset_minutes: i32,
}

/// A name and a value that the operator attached to a host or a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Label {
    pub name: String,
    pub value: String,
}

/// What a policy sees of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Target {
    pub about: Subject,
    pub name: String,
    pub kind: String,
    pub labels: Vec<Label>,
}

impl Target {
    /// A target with its subject: the kind is `target`, because its own kind and address may change.
    pub fn new(name: impl Into<String>, kind: impl Into<String>, labels: Vec<Label>) -> Target {
        let name = name.into();
        Target { about: Subject::new("target", &name), name, kind: kind.into(), labels }
    }
}

/// A target that an instance may use, with the settings that differ for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceTarget {
    /// What the policy sees.
    #[serde(flatten)]
    pub target: Target,
    /// An object in the form of the instance's settings; it has only what the operator set for this target.
    #[serde(default)]
    pub settings: serde_json::Value,
}

/// The answers of `ansai:policy/context`, which stay the same during one evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Context {
    pub now: Timestamp,
    pub local_time: WallClock,
    pub last_evaluated: Option<Timestamp>,
    pub trigger: Trigger,
    pub host: Subject,
    /// The resolved settings: with defaults, sizes in bytes, durations in milliseconds.
    pub settings: Arc<serde_json::Value>,
    /// The scopes as JSON text.
    pub scopes: Arc<str>,
    pub host_facts: Arc<Vec<Measure>>,
    /// In byte order of their names.
    pub labels: Arc<Vec<Label>>,
    /// In byte order of their names.
    pub targets: Arc<Vec<InstanceTarget>>,
    pub open_incidents: Vec<Observation>,
    pub attempts: Vec<Attempt>,
    pub stage: String,
}

impl Context {
    /// A context with nothing but the time, on a schedule.
    pub fn at(now: Timestamp) -> Context {
        Context {
            now,
            local_time: WallClock { minute_of_day: 0, weekday: 0, utc_offset_minutes: 0 },
            last_evaluated: None,
            trigger: Trigger::Schedule,
            host: Context::host_of(&[]),
            settings: Arc::new(serde_json::Value::Object(serde_json::Map::new())),
            scopes: "{}".into(),
            host_facts: Arc::default(),
            labels: Arc::default(),
            targets: Arc::default(),
            open_incidents: Vec::new(),
            attempts: Vec::new(),
            stage: String::new(),
        }
    }

    /// The subject of the host with these facts. Its name is `localhost` if they have no `host-name`, so that a policy
    /// always has a subject for the host as a whole.
    pub fn host_of(facts: &[Measure]) -> Subject {
        let name = facts.iter().find_map(|fact| match &fact.value {
            Value::Text(name) if fact.name == "host-name" => Some(name.as_str()),
            _ => None,
        });
        Subject::new("host", name.unwrap_or("localhost"))
    }
}

/// A line logged by a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The text, cut to 1 KiB. Pass it through `inert` before showing it.
    pub message: String,
}

/// One sample of a series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Time of the sample.
    pub at: Timestamp,
    /// Finite value.
    pub value: f64,
}

/// The durable store and series of one instance, as committed before this evaluation.
pub trait Memory: Send + Sync {
    /// A value of the store.
    fn get(&self, key: &str) -> Result<Option<String>, Refusal>;
    /// Keys in byte order, with the sizes of their values in bytes.
    fn keys(&self) -> Result<Vec<(String, usize)>, Refusal>;
    /// Samples of a series in this range of time, and hours that begin in it, oldest first.
    fn samples(&self, series: &str, range: Range<Timestamp>) -> Result<Vec<Aggregate>, Refusal>;
    /// Names of the series.
    fn series(&self) -> Result<Vec<String>, Refusal>;
    /// Attempts at findings about a subject since a time, oldest first; the latest `most` of them.
    fn history(&self, about: &Subject, since: Timestamp, most: usize) -> Result<Vec<Attempt>, Refusal>;
}

/// A memory without content.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoMemory;

impl Memory for NoMemory {
    fn get(&self, _key: &str) -> Result<Option<String>, Refusal> {
        Ok(None)
    }
    fn keys(&self) -> Result<Vec<(String, usize)>, Refusal> {
        Ok(Vec::new())
    }
    fn samples(&self, _series: &str, _range: Range<Timestamp>) -> Result<Vec<Aggregate>, Refusal> {
        Ok(Vec::new())
    }
    fn series(&self) -> Result<Vec<String>, Refusal> {
        Ok(Vec::new())
    }
    fn history(&self, _about: &Subject, _since: Timestamp, _most: usize) -> Result<Vec<Attempt>, Refusal> {
        Ok(Vec::new())
    }
}

/// Writes that are kept only if the evaluation succeeds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Writes {
    /// Writes to the store by key; `None` removes the key.
    pub store: BTreeMap<String, Option<String>>,
    /// Writes to series by name.
    pub series: BTreeMap<String, SeriesWrite>,
}

/// The writes of one evaluation to one series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SeriesWrite {
    /// Whether to delete the earlier samples.
    pub reset: bool,
    /// The sample of this evaluation, if there is one.
    pub value: Option<f64>,
}

/// What a policy said through `ansai:policy/advice` in one evaluation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advice {
    /// Recommendations to a person, in order.
    pub recommendations: Vec<Recommendation>,
    /// When to evaluate again, from the end of this evaluation.
    pub look_again: Option<Millis>,
    /// Steps whose failure does not end the plan.
    pub may_fail: BTreeSet<StepRef>,
}

/// State of the base interfaces during one evaluation.
pub struct EvaluationState {
    /// The export that is evaluated.
    pub phase: Phase,
    /// Number of steps proposed so far. The backend counts them.
    pub proposed: StepRef,
    /// What the policy advised so far.
    pub advice: Advice,
    /// The answers of the context.
    pub context: Context,
    /// What earlier evaluations stored.
    pub memory: Arc<dyn Memory>,
    /// Writes of this evaluation.
    pub writes: Writes,
    /// Maximum number of series.
    pub(crate) most_series: u32,
    /// Names of all series, with those that this evaluation writes; `None` before its first write to a series.
    pub(crate) series_names: Option<BTreeSet<String>>,
    /// Logged lines.
    pub log: Vec<LogLine>,
    /// Number of lines dropped because of the limit.
    pub log_dropped: u32,
}

impl EvaluationState {
    /// The state at the start of an evaluation.
    pub fn new(phase: Phase, context: Context, memory: Arc<dyn Memory>) -> Self {
        EvaluationState {
            phase,
            proposed: 0,
            advice: Advice::default(),
            context,
            memory,
            writes: Writes::default(),
            most_series: Limits::default().series,
            series_names: None,
            log: Vec::new(),
            log_dropped: 0,
        }
    }

    /// With the limits of an instance instead of the default ones.
    #[must_use]
    pub fn limited(self, limits: &Limits) -> Self {
        EvaluationState { most_series: limits.series, ..self }
    }
}
