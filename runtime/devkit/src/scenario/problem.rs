//! What was not as expected.

use ansai_core::{Code, codes};
use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// Whose a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// It was expected and did not come.
    Expected,
    /// It came and was not expected.
    Came,
    /// Both have it.
    Both,
}

/// One thing that was not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What it is: `ansai explain` tells more.
    pub code: Code,
    /// A fragment.
    pub message: String,
    /// Line by line; empty where there is nothing to compare. Not harmless for terminals.
    pub lines: Vec<(Side, String)>,
}

impl Problem {
    pub(super) fn told(code: Code, message: impl Into<String>) -> Problem {
        Problem { code, message: message.into(), lines: Vec::new() }
    }

    /// Two values, line by line.
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

/// As plain text.
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
