//! The types of `ansai:process`, as in its WIT.

use ansai_core::{Millis, Subject, Timestamp};
use serde::{Deserialize, Serialize};

/// See the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Order {
    Memory,
    Cpu,
    OpenFiles,
}

/// See the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ProcessState {
    Running,
    Sleeping,
    Blocked,
    Stopped,
    Zombie,
    Other,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Process {
    pub(super) about: Option<Subject>,
    pub(super) identity: String,
    pub(super) pid: u32,
    pub(super) name: String,
    pub(super) state: ProcessState,
    pub(super) user: u32,
    pub(super) started: Timestamp,
    pub(super) resident_bytes: u64,
    pub(super) anonymous_bytes: u64,
    pub(super) swapped_bytes: u64,
    pub(super) cpu: Millis,
    pub(super) threads: u32,
    pub(super) open_files: Option<u32>,
}

/// Processes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessPage {
    pub(super) entries: Vec<Process>,
    pub(super) skipped: u32,
    pub(super) complete: bool,
    pub(super) cursor: Option<String>,
}

/// Arguments of `list-processes`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListProcesses {
    pub(super) by: Order,
    pub(super) unit: Option<String>,
    pub(super) cursor: Option<String>,
}

/// See the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Accounting {
    Unified,
    Legacy,
    Processes,
}

/// Shares of time, and time since the control group was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Stalled {
    pub(super) last10_seconds: f64,
    pub(super) last60_seconds: f64,
    pub(super) last300_seconds: f64,
    pub(super) total: Millis,
}

/// How long processes waited for memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Stall {
    pub(super) some: Stalled,
    pub(super) full: Stalled,
}

/// What a service uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Usage {
    pub(super) about: Subject,
    pub(super) accounting: Accounting,
    pub(super) invocation: String,
    pub(super) since: Option<Timestamp>,
    pub(super) total_bytes: Option<u64>,
    pub(super) anonymous_bytes: u64,
    pub(super) shared_bytes: Option<u64>,
    pub(super) page_cache_bytes: Option<u64>,
    pub(super) kernel_bytes: Option<u64>,
    pub(super) swapped_bytes: Option<u64>,
    pub(super) high_bytes: Option<u64>,
    pub(super) limit_bytes: Option<u64>,
    pub(super) oom_kills: Option<u64>,
    pub(super) high_hits: Option<u64>,
    pub(super) limit_hits: Option<u64>,
    pub(super) cpu: Option<Millis>,
    pub(super) throttled: Option<Millis>,
    pub(super) memory_stall: Option<Stall>,
    pub(super) processes: u32,
    pub(super) tasks: Option<u32>,
}

/// Services and what they use.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct UsagePage {
    pub(super) entries: Vec<Usage>,
    pub(super) skipped: u32,
    pub(super) complete: bool,
    pub(super) cursor: Option<String>,
}

/// Arguments of `look`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Look {
    pub(super) about: Subject,
}

/// Arguments of `list-usages`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListUsages {
    pub(super) globs: Vec<String>,
    pub(super) cursor: Option<String>,
}
