//! Checks of `ansai doctor`: whether this host has what an interface needs. A domain declares them in its entry of the
//! list.

use std::path::Path;

use serde::Serialize;

use crate::host::Host;

/// One check.
pub type HostCheck = fn(&Circumstances<'_>) -> Finding;

/// What a check looks at.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The host.
    pub host: &'a Host,
    /// ansai's state directory; it may not exist yet.
    pub state_dir: &'a Path,
}

/// The answer of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The host has it.
    Ok,
    /// The host lacks it.
    Missing,
    /// The check failed.
    Unknown,
}

/// The result of a check.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The facility, such as `write leases`.
    pub what: &'static str,
    /// Whether the host has it.
    pub answer: Answer,
    /// One line for a person.
    pub detail: String,
    /// The way to fix it.
    pub hint: Option<String>,
    /// ansai does not work without it.
    pub needed: bool,
}

impl Finding {
    /// Without a hint, of something that ansai works without.
    pub fn new(what: &'static str, answer: Answer, detail: impl Into<String>) -> Finding {
        Finding { what, answer, detail: detail.into(), hint: None, needed: false }
    }

    /// With the way to fix it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Finding {
        self.hint = Some(hint.into());
        self
    }

    /// Of something that ansai does not work without.
    #[must_use]
    pub fn needed(mut self) -> Finding {
        self.needed = true;
        self
    }
}
