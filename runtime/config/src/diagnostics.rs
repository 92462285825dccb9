//! What is wrong with a file: for people with file, line and caret, for programs as plain entries.

use std::sync::Arc;

use ansai_core::Code;
use serde::Serialize;

use crate::problem::Problem;
use crate::render;
use crate::source::{Source, Span};

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but hardly as meant.
    Warning,
}

/// One diagnostic as plain data, free of control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, as a word that stays: `ansai explain` tells more.
    pub code: Code,
    /// As given by the caller.
    pub file: String,
    /// From 1; 1 where the whole file is meant.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// A fragment without full stop.
    pub message: String,
    /// The way out.
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

    /// Nothing to say.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether any of them keeps the file from being used.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.problem.severity == Severity::Error)
    }

    /// What the first of them is.
    pub fn first_code(&self) -> Option<Code> {
        self.items.first().map(|item| item.problem.code)
    }

    /// Adds those of another file, after these.
    pub fn merge(&mut self, other: Diagnostics) {
        self.items.extend(other.items);
        self.left_out += other.left_out;
    }

    /// For people: message, place with caret, help; `width` in columns. Harmless for terminals whatever the
    /// files hold.
    pub fn render(&self, color: bool, width: usize) -> String {
        let mut out: Vec<String> = self.items.iter().map(|item| render::item(item, color, width)).collect();
        if self.left_out > 0 {
            out.push(format!("  … and {} more\n", self.left_out));
        }
        out.join("\n")
    }

    /// For programs.
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

/// One line for each: `file:line:column: message`.
impl std::fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, entry) in self.entries().iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let (file, line, column) = (&entry.file, entry.line, entry.column);
            write!(f, "{file}:{line}:{column}: {}", entry.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
