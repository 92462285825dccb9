//! Diagnostics for files whose format another crate knows, such as scenarios.

use std::sync::Arc;

use ansai_core::Code;

use crate::diagnostics::Diagnostics;
use crate::nearest;
use crate::problem::{Problem, Problems};
use crate::source::{MOST_BYTES, Source, Span};

/// Collects the problems of one file.
#[derive(Debug)]
pub struct Report {
    source: Arc<Source>,
    problems: Problems,
}

impl Report {
    /// Starts a report for a file with this name and text. A text above 1 MiB is not shown.
    pub fn new(file_name: &str, text: &str) -> Report {
        let (source, problem) = Source::from_text(file_name, text, MOST_BYTES);
        Report { source: Arc::new(source), problems: problem.map(Problems::from).unwrap_or_default() }
    }

    /// Adds an error: code, byte range (`None` for the whole file), message as a fragment, and hint.
    pub fn error(&mut self, code: Code, span: Option<Span>, message: &str, hint: Option<String>) {
        let problem = match span {
            Some(span) => Problem::error(code, span, message),
            None => Problem::whole(code, message),
        };
        self.problems.add(problem.maybe_hint(hint));
    }

    /// Returns `Ok` if there are no problems.
    ///
    /// # Errors
    /// All problems, in the order of the text.
    pub fn finish(self) -> Result<(), Diagnostics> {
        if self.problems.has_errors() { Err(self.problems.of(&self.source)) } else { Ok(()) }
    }
}

/// Returns `` did you mean `x`? ``, or else the list of known words; `None` if there are none.
pub fn did_you_mean(written: &str, known: &[&str]) -> Option<String> {
    nearest::hint(written, known)
}
