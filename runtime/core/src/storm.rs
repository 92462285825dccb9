//! The storm breaker: when too much breaks at once, healing stops for all but emergencies, until it is quiet again.

use serde::{Deserialize, Serialize};

use crate::codes::{self, Code};
use crate::{Millis, Timestamp};

/// `[host.storm]`: when healing stops, and when it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StormPolicy {
    /// More incidents than this that open within `within` stop healing.
    pub incidents: u32,
    /// More steps than this that fail within `within` stop healing.
    pub failed_steps: u32,
    /// The window of both.
    pub within: Millis,
    /// So long it must be quiet until one plan at a time is tried, and again until healing is as before.
    pub quiet: Millis,
}

impl Default for StormPolicy {
    fn default() -> Self {
        let ten_minutes = Millis::new(10 * 60_000);
        StormPolicy { incidents: 30, failed_steps: 10, within: ten_minutes, quiet: ten_minutes }
    }
}

/// What the breaker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StormPhase {
    /// No plan begins, except for emergencies.
    Stopped,
    /// One plan at a time begins. A step that fails stops healing again.
    Trial,
}

/// Why healing stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StormCause {
    /// Too many incidents opened.
    Incidents,
    /// Too many steps failed.
    FailedSteps,
    /// A step failed while one plan at a time was tried.
    FailedTrial,
}

/// A storm that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Storm {
    /// What the breaker does now.
    pub phase: StormPhase,
    /// Why healing stopped last.
    pub why: StormCause,
    /// How many incidents opened, or how many steps failed, when it stopped.
    pub count: u32,
    /// The window of `count`.
    pub within: Millis,
    /// When healing stopped first.
    pub since: Timestamp,
    /// So long it must be quiet before the next phase.
    pub quiet: Millis,
}

impl Storm {
    /// The code that `ansai explain` knows.
    pub const CODE: Code = codes::INCIDENT_STORM;
    /// The name for `ansai resume`.
    pub const NAME: &str = "storm";
}
