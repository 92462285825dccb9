//! Parts of events about evidence.

use serde::{Deserialize, Serialize};

use crate::Bytes;

/// Something that a step captured and that ansai keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRef {
    /// Its id in the store.
    pub id: String,
    /// What it is, for a person.
    pub name: String,
    /// Size of what is kept.
    pub bytes: Bytes,
    /// SHA-256 of what is kept, hexadecimal.
    pub sha256: String,
}

/// Why ansai removed evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceDrop {
    /// The store has no room for all: the oldest of whoever has most went.
    Room,
    /// Its incident closed, and it was kept long enough since.
    Closed,
    /// The records of its plan were dropped from the audit log.
    Retention,
    /// A crash came before its hash was recorded.
    Unrecorded,
}

impl std::fmt::Display for EvidenceDrop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            EvidenceDrop::Room => "no room for more",
            EvidenceDrop::Closed => "its incident is closed",
            EvidenceDrop::Retention => "its records are no longer in the audit log",
            EvidenceDrop::Unrecorded => "a crash came before it was recorded",
        })
    }
}
