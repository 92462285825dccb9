//! Problems of a file: for people with file, line and caret, for programs as plain entries.

use std::sync::Arc;

use ansai_core::Code;
use serde::Serialize;

use crate::problem::Problem;
use crate::render;
use crate::source::{Source, Span};

/// Severity of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but probably does not say what its author means.
    Warning,
}

/// One diagnostic as plain data, free of control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Error or warning.
    pub severity: Severity,
    /// The stable error code; `ansai explain` describes it.
    pub code: Code,
    /// Name of the file, as given by the caller.
    pub file: String,
    /// Line from 1; 1 if the problem is about the whole file.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The message, a fragment without a full stop.
    pub message: String,
    /// How to fix it.
    pub hint: Option<String>,
}

/// Diagnostics of one or more files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    items: Vec<Item>,
    left_out: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) source: Arc<Source>,
    pub(crate) problem: Problem,
}

impl Diagnostics {
    pub(crate) fn new(source: &Arc<Source>, problems: Vec<Problem>, left_out: usize) -> Self {
        let items = problems.into_iter().map(|problem| Item { source: Arc::clone(source), problem }).collect();
        Diagnostics { items, left_out }
    }

    /// Whether there are no diagnostics.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether any of them is an error, so that the file cannot be used.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.problem.severity == Severity::Error)
    }

    /// The first error, or the first warning where there is no error: what to say where there is room for one line.
    pub fn first(&self) -> Option<Entry> {
        let is_error = |item: &&Item| item.problem.severity == Severity::Error;
        self.items.iter().find(is_error).or(self.items.first()).map(Item::entry)
    }

    /// The error code of [`Diagnostics::first`].
    pub fn first_code(&self) -> Option<Code> {
        self.first().map(|entry| entry.code)
    }

    /// Appends the diagnostics of another file.
    pub fn merge(&mut self, other: Diagnostics) {
        self.items.extend(other.items);
        self.left_out += other.left_out;
    }

    /// For people: message, place with caret, hint; `width` in columns. The text is safe for terminals, whatever the
    /// files contain.
    pub fn render(&self, color: bool, width: usize) -> String {
        let mut out: Vec<String> = self.items.iter().map(|item| render::item(item, color, width)).collect();
        if self.left_out > 0 {
            out.push(format!("  … and {} more\n", self.left_out));
        }
        out.join("\n")
    }

    /// The diagnostics as plain data, for programs.
    pub fn entries(&self) -> Vec<Entry> {
        self.items.iter().map(Item::entry).collect()
    }
}

impl Item {
    pub(crate) fn span(&self) -> Option<&Span> {
        self.problem.span.as_ref()
    }

    fn entry(&self) -> Entry {
        let (line, column) = self.source.place(self.span().map_or(0, |span| span.start));
        Entry {
            severity: self.problem.severity,
            code: self.problem.code,
            file: render::file_name(&self.source.name),
            line,
            column,
            message: self.problem.message.clone(),
            hint: self.problem.hint.clone(),
        }
    }
}

/// One line: `file:line:column: message`.
impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// One line for each diagnostic.
impl std::fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<String> = self.entries().iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Diagnostics {}
