//! Limits of one evaluation, and its usage.

use serde::{Deserialize, Serialize};

use crate::Bytes;

/// Limits of one evaluation. The defaults are the same for all languages; each instance can change them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Sum over all linear memories.
    pub memory_bytes: Bytes,
    /// Wasmtime fuel: about one per instruction, plus the cost of host calls.
    pub fuel: u64,
    /// Wall-clock milliseconds for the whole evaluation, including host calls.
    pub deadline_ms: u64,
    /// Wall-clock milliseconds for one host call.
    pub call_deadline_ms: u64,
    /// Number of host calls.
    pub calls: u64,
    /// Size of the arguments of one call.
    pub argument_bytes: Bytes,
    /// Size of all replies together.
    pub reply_bytes: Bytes,
    /// Number of steps in one plan.
    pub proposals: u32,
    /// Number of observations in one answer.
    pub observations: u32,
    /// Number of time series of the instance.
    pub series: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory_bytes: Bytes::from_mib(64),
            fuel: 100_000_000,
            deadline_ms: 60_000,
            call_deadline_ms: 20_000,
            calls: 10_000,
            argument_bytes: Bytes::from_mib(1),
            reply_bytes: Bytes::from_mib(16),
            proposals: 100,
            observations: 1_000,
            series: 64,
        }
    }
}

/// Usage of one evaluation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the same units as in Limits")]
pub struct Usage {
    pub memory_bytes: Bytes,
    pub fuel: u64,
    pub wall_us: u64,
    pub calls: u64,
    pub reply_bytes: Bytes,
    pub proposals: u32,
    /// Calls that the gate refused. They are not in the recording, because a replay refuses them again.
    #[serde(default)]
    pub refused_calls: u64,
}

impl Usage {
    /// Used share of each limit, by the limit's name, largest first.
    pub fn shares(&self, limits: &Limits) -> Vec<(&'static str, f64)> {
        let share = |used: u64, of: u64| {
            if of == 0 { 0.0 } else { used as f64 / of as f64 }
        };
        let mut shares = vec![
            ("memory_bytes", share(self.memory_bytes.get(), limits.memory_bytes.get())),
            ("fuel", share(self.fuel, limits.fuel)),
            ("deadline_ms", share(self.wall_us / 1000, limits.deadline_ms)),
            ("calls", share(self.calls, limits.calls)),
            ("reply_bytes", share(self.reply_bytes.get(), limits.reply_bytes.get())),
            ("proposals", share(u64::from(self.proposals), u64::from(limits.proposals))),
        ];
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }
}
