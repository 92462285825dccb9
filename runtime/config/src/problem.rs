//! A problem before it is tied to its source, and a bounded collection of problems.

use std::sync::Arc;

use ansai_core::Code;
use ansai_core::text::inert;

use crate::diagnostics::{Diagnostics, Severity};
use crate::source::{Source, Span};

/// Maximum number of reported problems; nobody reads more at once.
const MOST_PROBLEMS: usize = 50;
const MOST_MESSAGE: usize = 300;
const MOST_HINT: usize = 1_000;

/// A problem, its place, and a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) severity: Severity,
    pub(crate) code: Code,
    /// Byte range; `None` if the problem is about the whole file.
    pub(crate) span: Option<Span>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn error(code: Code, span: Span, message: impl AsRef<str>) -> Self {
        Problem {
            severity: Severity::Error,
            code,
            span: Some(span),
            message: inert(message.as_ref(), MOST_MESSAGE),
            hint: None,
        }
    }

    pub(crate) fn warning(code: Code, span: Span, message: impl AsRef<str>) -> Self {
        Problem { severity: Severity::Warning, ..Problem::error(code, span, message) }
    }

    pub(crate) fn whole(code: Code, message: impl AsRef<str>) -> Self {
        Problem { span: None, ..Problem::error(code, 0..0, message) }
    }

    /// Sets the hint. It may have several lines; each is made safe for terminals.
    pub(crate) fn hint(mut self, hint: impl AsRef<str>) -> Self {
        let lines: Vec<String> = hint.as_ref().lines().map(|line| inert(line, MOST_HINT)).collect();
        self.hint = Some(lines.join("\n"));
        self
    }

    pub(crate) fn maybe_hint(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }
}

/// All problems of one source.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    pub(crate) fn add(&mut self, problem: Problem) {
        if self.list.len() < MOST_PROBLEMS {
            self.list.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    /// Whether further problems are only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= MOST_PROBLEMS
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.list.iter().any(|p| p.severity == Severity::Error)
    }

    /// Code, message and hint of each problem, without places.
    pub(crate) fn into_list(self) -> Vec<(Code, String, Option<String>)> {
        self.list.into_iter().map(|problem| (problem.code, problem.message, problem.hint)).collect()
    }

    /// Ties the problems to their source, in the order of the text.
    pub(crate) fn of(mut self, source: &Arc<Source>) -> Diagnostics {
        self.list.sort_by_key(|problem| problem.span.as_ref().map_or(0, |span| span.start));
        Diagnostics::new(source, self.list, self.left_out)
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Problems { list: vec![problem], left_out: 0 }
    }
}
