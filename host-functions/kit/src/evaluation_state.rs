//! The state that every policy can use without a grant: context, log, store and series.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use ansai_core::{Attempt, Limits, Measure, Observation, Refusal, Timestamp};
use serde::{Deserialize, Serialize};

use crate::policy::aggregate::Aggregate;

/// Why an evaluation happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Trigger {
    Schedule,
    Event(Vec<Measure>),
    Verification,
    ByHand,
}

impl Trigger {
    /// Whether the policy's writes are kept.
    pub fn commits(&self) -> bool {
        matches!(self, Trigger::Schedule | Trigger::Event(_))
    }

    /// Its name in the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Trigger::Schedule => "schedule",
            Trigger::Event(_) => "event",
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

/// The answers of `ansai:policy/context`, which stay the same during one evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Context {
    pub now: Timestamp,
    pub local_time: WallClock,
    pub last_evaluated: Option<Timestamp>,
    pub trigger: Trigger,
    /// The resolved settings: with defaults, sizes in bytes, durations in milliseconds.
    pub settings: Arc<serde_json::Value>,
    /// The scopes as JSON text.
    pub scopes: Arc<str>,
    pub host_facts: Arc<Vec<Measure>>,
    pub open_incidents: Vec<Observation>,
    pub attempts: Vec<Attempt>,
    pub stage: String,
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

/// State of the base interfaces during one evaluation.
pub struct EvaluationState {
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
    pub fn new(context: Context, memory: Arc<dyn Memory>) -> Self {
        EvaluationState {
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
