//! Differences between the result and the expectation.

use ansai_core::{Code, codes};
use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// Which side of a comparison a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Expected but missing.
    Expected,
    /// Present but not expected.
    Came,
    /// On both sides.
    Both,
}

/// One difference from the expectation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Error code; `ansai explain` describes it.
    pub code: Code,
    /// The message, a fragment.
    pub message: String,
    /// The compared lines; empty if there is nothing to compare. Escape them before you print them to a terminal.
    pub lines: Vec<(Side, String)>,
}

impl Problem {
    pub(super) fn told(code: Code, message: impl Into<String>) -> Problem {
        Problem { code, message: message.into(), lines: Vec::new() }
    }

    /// Compares two values line by line.
    pub(super) fn difference(what: &str, wanted: &Value, actual: &Value) -> Problem {
        let text = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
        let (wanted, actual) = (text(wanted), text(actual));
        let diff = TextDiff::from_lines(&wanted, &actual);
        let lines = diff.iter_all_changes().map(|change| {
            let side = match change.tag() {
                ChangeTag::Delete => Side::Expected,
                ChangeTag::Insert => Side::Came,
                ChangeTag::Equal => Side::Both,
            };
            (side, change.value().trim_end_matches('\n').to_owned())
        });
        let message = format!("{what}: expected (-) is not what came (+)");
        Problem { code: codes::UNEXPECTED, message, lines: lines.collect() }
    }
}

/// Formats the problem as plain text.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        for (side, line) in &self.lines {
            let mark = match side {
                Side::Expected => '-',
                Side::Came => '+',
                Side::Both => ' ',
            };
            write!(f, "\n{mark} {line}")?;
        }
        Ok(())
    }
}
