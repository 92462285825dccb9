//! Differences between the result and the expectation.

use std::ops::Range;

use ansai_core::{Code, codes};
use serde::Serialize;
use serde_json::Value;
use similar::DiffTag;
use similar::algorithms::{Capture, myers};

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
        let message = format!("{what}: expected (-) is not what came (+)");
        Problem { code: codes::UNEXPECTED, message, lines: compared(&wanted, &actual) }
    }
}

/// The lines of both texts, in order, and which side each stands on.
///
/// The algorithm is named here, because the functions of `similar` that choose one bring all of them: 0.7 MB of code.
fn compared(wanted: &str, actual: &str) -> Vec<(Side, String)> {
    let (wanted, actual): (Vec<&str>, Vec<&str>) = (wanted.lines().collect(), actual.lines().collect());
    let mut changes = Capture::new();
    let Ok(()) = myers::diff(&mut changes, wanted.as_slice(), 0..wanted.len(), actual.as_slice(), 0..actual.len());
    let part = |side: Side, lines: &[&str], range: Range<usize>| -> Vec<(Side, String)> {
        lines.get(range).unwrap_or_default().iter().map(|line| (side, (*line).to_owned())).collect()
    };
    let mut lines = Vec::new();
    for change in changes.into_ops() {
        let (tag, old, new) = change.as_tag_tuple();
        if tag == DiffTag::Equal {
            lines.extend(part(Side::Both, &wanted, old));
        } else {
            lines.extend(part(Side::Expected, &wanted, old));
            lines.extend(part(Side::Came, &actual, new));
        }
    }
    lines
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
