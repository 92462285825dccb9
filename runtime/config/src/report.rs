//! Problems of files whose form another crate knows, such as scenarios: shown like those of this crate's own.

use std::sync::Arc;

use ansai_core::Code;

use crate::diagnostics::Diagnostics;
use crate::nearest;
use crate::problem::{Problem, Problems};
use crate::source::{MOST_BYTES, Source, Span};

/// What is wrong with one file, while it is looked at.
#[derive(Debug)]
pub struct Report {
    source: Arc<Source>,
    problems: Problems,
}

impl Report {
    /// Of a file with this name and text, of at most 1 MiB: beyond that the text is not shown.
    pub fn new(file_name: &str, text: &str) -> Report {
        let (source, problem) = Source::from_text(file_name, text, MOST_BYTES);
        Report { source: Arc::new(source), problems: problem.map(Problems::from).unwrap_or_default() }
    }

    /// One more error: where it stands, in bytes, or `None` for the whole file; a fragment; the way out.
    pub fn error(&mut self, code: Code, span: Option<Span>, message: &str, hint: Option<String>) {
        let problem = match span {
            Some(span) => Problem::error(code, span, message),
            None => Problem::whole(code, message),
        };
        self.problems.add(problem.maybe_hint(hint));
    }

    /// Nothing, or all of it in the order of the text.
    ///
    /// # Errors
    /// Where there is an error.
    pub fn finish(self) -> Result<(), Diagnostics> {
        if self.problems.has_errors() { Err(self.problems.of(&self.source)) } else { Ok(()) }
    }
}

/// `` did you mean `x`? ``, else all that is known; `None` where nothing is.
pub fn did_you_mean(written: &str, known: &[&str]) -> Option<String> {
    nearest::hint(written, known)
}
