//! A policy as the operator runs it.

use std::sync::Arc;

use ansai_core::{Duration, Limits, RetryPolicy};
use ansai_engine::Policy;

/// A loaded instance. Its grants and mode are the authority's to say.
#[derive(Clone)]
pub struct Instance {
    /// The operator's name: state, history and audit key on it.
    pub name: Arc<str>,
    /// Compiled and linked.
    pub policy: Policy,
    /// Of the policy, from its manifest.
    pub version: String,
    /// Resolved: defaults in, sizes in bytes, durations in milliseconds.
    pub settings: Arc<serde_json::Value>,
    /// Per evaluation.
    pub limits: Limits,
    /// Cooldown and attempts.
    pub retry_policy: RetryPolicy,
    /// Between evaluations, milliseconds.
    pub every: Duration,
}
