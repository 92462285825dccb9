//! The types of the WIT.

use ansai_core::{Millis, Refusal};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Method {
    Get,
    Head,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Request {
    pub(super) target: String,
    pub(super) path: String,
    pub(super) method: Method,
    pub(super) contains: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Cause {
    NameNotResolved,
    Unreachable,
    ConnectionRefused,
    Closed,
    TimedOut,
    Tls,
    InvalidAnswer,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct NoAnswer {
    pub(super) why: Cause,
    pub(super) detail: String,
}

impl NoAnswer {
    pub(super) fn new(why: Cause, detail: impl Into<String>) -> NoAnswer {
        NoAnswer { why, detail: detail.into() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Status(u16),
    NoAnswer(NoAnswer),
    Refused(Refusal),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) took: Millis,
    pub(super) first_byte: Option<Millis>,
    pub(super) bytes: u64,
    pub(super) complete: bool,
    pub(super) contained: bool,
    pub(super) retry_after: Option<Millis>,
    pub(super) quota_left: Option<u64>,
    pub(super) quota: Option<u64>,
}

impl Answer {
    /// An answer that has only an outcome.
    pub(super) fn of(outcome: Outcome, took: Millis) -> Answer {
        Answer {
            outcome,
            took,
            first_byte: None,
            bytes: 0,
            complete: false,
            contained: false,
            retry_after: None,
            quota_left: None,
            quota: None,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Look {
    pub(super) requests: Vec<Request>,
}
