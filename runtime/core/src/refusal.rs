//! Why a call was refused, and why an evaluation has no answer: the Rust types of `ansai:policy/types`.

use serde::{Deserialize, Serialize};

/// Why a call was refused. A policy can handle a refusal; traps are for abuse and for bugs of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Refusal {
    #[error("denied: {0}")]
    Denied(String),
    #[error("not found: {0}")]
    NotFound(String),
    #[error("unavailable: {0}")]
    Unavailable(String),
    #[error("unsupported: {0}")]
    Unsupported(String),
    #[error("invalid: {0}")]
    Invalid(String),
    #[error("over budget: {0}")]
    OverBudget(String),
    #[error("timed out: {0}")]
    TimedOut(String),
    #[error("busy: {0}")]
    Busy(String),
    #[error("changed: {0}")]
    Changed(String),
    #[error("{0}")]
    Other(String),
}

impl Refusal {
    /// The refusal for an I/O error: `not-found` if the thing does not exist, else `unavailable`.
    pub fn io(what: impl std::fmt::Display, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Refusal::NotFound(format!("{what}")),
            _ => Refusal::Unavailable(format!("{what}: {error}")),
        }
    }
}

/// Why a policy has no answer at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Failure {
    #[error("could not tell: {0}")]
    CouldNotTell(String),
    #[error("invalid settings: {0}")]
    InvalidSettings(String),
    #[error("{0}")]
    Other(String),
}
