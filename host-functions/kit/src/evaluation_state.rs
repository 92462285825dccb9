//! The part of an evaluation that every policy sees without a grant: context, log, store and series.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_core::{Attempt, Instant, Measure, Observation, Refusal};
use serde::{Deserialize, Serialize};

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
    /// Whether what the policy stores is kept.
    pub fn commits(&self) -> bool {
        matches!(self, Trigger::Schedule | Trigger::Event(_))
    }

    /// For the audit log.
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

/// What `ansai:policy/context` answers, the same throughout one evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Context {
    pub now: Instant,
    pub local_time: WallClock,
    pub last_evaluated: Option<Instant>,
    pub trigger: Trigger,
    /// Resolved: defaults in, sizes in bytes, durations in milliseconds.
    pub settings: Arc<serde_json::Value>,
    /// JSON text.
    pub scopes: Arc<str>,
    pub host_facts: Arc<Vec<Measure>>,
    pub open_incidents: Vec<Observation>,
    pub attempts: Vec<Attempt>,
    pub stage: String,
}

/// A line that a policy wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// As written, cut to 1 KiB; make it inert before showing it.
    pub message: String,
}

/// One sample of a series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was taken.
    pub at: Instant,
    /// Finite.
    pub value: f64,
}

/// The durable store and series of one instance, as committed before this evaluation.
pub trait Memory: Send + Sync {
    /// A value of the store.
    fn get(&self, key: &str) -> Result<Option<String>, Refusal>;
    /// Keys and sizes of the values, in byte order.
    fn keys(&self) -> Result<Vec<(String, usize)>, Refusal>;
    /// Samples since an instant, oldest first.
    fn samples(&self, series: &str, since: Instant) -> Result<Vec<Sample>, Refusal>;
    /// Names of the series.
    fn series(&self) -> Result<Vec<String>, Refusal>;
}

/// A memory without anything in it.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoMemory;

impl Memory for NoMemory {
    fn get(&self, _key: &str) -> Result<Option<String>, Refusal> {
        Ok(None)
    }
    fn keys(&self) -> Result<Vec<(String, usize)>, Refusal> {
        Ok(Vec::new())
    }
    fn samples(&self, _series: &str, _since: Instant) -> Result<Vec<Sample>, Refusal> {
        Ok(Vec::new())
    }
    fn series(&self) -> Result<Vec<String>, Refusal> {
        Ok(Vec::new())
    }
}

/// A write that waits for the evaluation to succeed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Writes {
    /// Store: `None` removes.
    pub store: BTreeMap<String, Option<String>>,
    /// Series: `None` appended nothing; the flag says that what came before is forgotten.
    pub series: BTreeMap<String, SeriesWrite>,
}

/// What an evaluation did to one series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SeriesWrite {
    /// Forget what came before.
    pub reset: bool,
    /// This evaluation's sample.
    pub value: Option<f64>,
}

/// State of the base interfaces during one evaluation.
pub struct EvaluationState {
    /// What the host knows.
    pub context: Context,
    /// What was committed before.
    pub memory: Arc<dyn Memory>,
    /// What this evaluation wrote.
    pub writes: Writes,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// Lines that were too many.
    pub log_dropped: u32,
}

impl EvaluationState {
    /// At the start of an evaluation.
    pub fn new(context: Context, memory: Arc<dyn Memory>) -> Self {
        EvaluationState { context, memory, writes: Writes::default(), log: Vec::new(), log_dropped: 0 }
    }
}
