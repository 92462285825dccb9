//! Instances whose evaluations kept failing.

use serde::{Deserialize, Serialize};

use crate::{ErrorKind, InstanceName, Timestamp};

/// An instance that is no longer evaluated, because it kept failing. It stays so across restarts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// The instance.
    pub instance: InstanceName,
    /// When it began.
    pub since: Timestamp,
    /// How many evaluations in a row failed.
    pub faults: u32,
    /// How the last one failed.
    pub kind: ErrorKind,
    /// The same in words.
    pub error: String,
}

/// Why an instance is evaluated as usual again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Release {
    /// Its policy has answered.
    Answered,
    /// A person ended its quarantine.
    Resumed,
    /// It has another component now.
    Changed,
}
