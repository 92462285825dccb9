//! What is probably not meant, and keeps nothing from running.

use ansai_config::Diagnostics;
use ansai_core::Code;

/// A warning with its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// A word that stays the same from version to version.
    pub code: Code,
    /// A fragment without full stop.
    pub message: String,
}

impl Warning {
    /// With this message.
    pub fn new(code: Code, message: impl Into<String>) -> Warning {
        Warning { code, message: message.into() }
    }

    /// Those of a file that people wrote.
    pub fn of(diagnostics: &Diagnostics) -> impl Iterator<Item = Warning> {
        diagnostics.entries().into_iter().map(|entry| Warning::new(entry.code, entry.message))
    }
}
