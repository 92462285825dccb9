//! What one evaluation may use, and what it used.

use serde::{Deserialize, Serialize};

/// Bounds of one evaluation. One default for all languages; settable per instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Summed over all linear memories, bytes.
    pub memory_bytes: u64,
    /// Wasmtime fuel: about one per instruction, plus what host calls are charged.
    pub fuel: u64,
    /// Wall-clock milliseconds for the whole evaluation, host calls included.
    pub deadline_ms: u64,
    /// Wall-clock milliseconds for one host call.
    pub call_deadline_ms: u64,
    /// Host calls.
    pub calls: u64,
    /// Bytes of arguments in one call.
    pub argument_bytes: u64,
    /// Bytes of all replies together.
    pub reply_bytes: u64,
    /// Steps proposed in one plan.
    pub proposals: u32,
    /// Observations in one answer.
    pub observations: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory_bytes: 64 << 20,
            fuel: 100_000_000,
            deadline_ms: 60_000,
            call_deadline_ms: 20_000,
            calls: 10_000,
            argument_bytes: 1 << 20,
            reply_bytes: 16 << 20,
            proposals: 100,
            observations: 1_000,
        }
    }
}

/// What an evaluation used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the same units as in Limits")]
pub struct Usage {
    pub memory_bytes: u64,
    pub fuel: u64,
    pub wall_us: u64,
    pub calls: u64,
    pub reply_bytes: u64,
    pub proposals: u32,
    /// Calls that the gate refused by itself; they are not in the recording, since a replay refuses them again.
    #[serde(default)]
    pub refused_calls: u64,
}

impl Usage {
    /// Share of each limit that was used, by the limit's name, largest first.
    pub fn shares(&self, limits: &Limits) -> Vec<(&'static str, f64)> {
        let share = |used: u64, of: u64| {
            if of == 0 { 0.0 } else { used as f64 / of as f64 }
        };
        let mut shares = vec![
            ("memory_bytes", share(self.memory_bytes, limits.memory_bytes)),
            ("fuel", share(self.fuel, limits.fuel)),
            ("deadline_ms", share(self.wall_us / 1000, limits.deadline_ms)),
            ("calls", share(self.calls, limits.calls)),
            ("reply_bytes", share(self.reply_bytes, limits.reply_bytes)),
            ("proposals", share(u64::from(self.proposals), u64::from(limits.proposals))),
        ];
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }
}
