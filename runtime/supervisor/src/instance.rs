//! A policy as configured by the operator.

use std::sync::Arc;

use ansai_config::Timing;
use ansai_core::maintenance::Maintenance;
use ansai_core::watch::Wanted;
use ansai_core::{InstanceName, Limits, Millis, RetryPolicy, Shares};
use ansai_engine::Policy;

/// A loaded instance. The authority provides its grants and mode.
#[derive(Clone)]
pub struct Instance {
    /// The operator's name, which identifies its state, history and audit records.
    pub name: InstanceName,
    /// The compiled and linked policy.
    pub policy: Policy,
    /// Version in the policy's manifest.
    pub version: String,
    /// Resolved settings: with defaults, sizes in bytes, durations in milliseconds.
    pub settings: Arc<serde_json::Value>,
    /// Limits of one evaluation.
    pub limits: Limits,
    /// What it may use over time.
    pub shares: Shares,
    /// Cooldown and maximum number of attempts.
    pub retry_policy: RetryPolicy,
    /// How long a plan waits for approval, and how long an approval counts.
    pub approval_expires: Millis,
    /// How long a plan waits after it was announced; zero if it is not.
    pub announce: Millis,
    /// When its plans may begin.
    pub maintenance: Arc<Maintenance>,
    /// Milliseconds between evaluations.
    pub every: Millis,
    /// Times of the wall clock in place of the interval, and how runs are spread.
    pub timing: Arc<Timing>,
    /// What wakes it in between.
    pub watches: Arc<[Wanted]>,
}
