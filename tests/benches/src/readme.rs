//! The report beside this program: a second run changes its figures and nothing else.
#![allow(clippy::disallowed_methods, reason = "an adapter to the report")]

use std::fmt::Write as _;
use std::path::Path;

use crate::figure::Figure;
use crate::table::aim;

const HEAD: &str = "# Benchmarks

Written by `make bench`, which builds the release program and measures it; nothing here is asserted by a test. Figures
are medians, with the least and the most of all rounds. They are of one machine and one day: only the ratios, whose
two sides alternate within one run, say something about another.
";

/// Writes `README.md` in this directory.
pub(crate) fn write(directory: &Path, machine: &[(&'static str, String)], figures: &[Figure]) -> std::io::Result<()> {
    std::fs::write(directory.join("README.md"), text(machine, figures))
}

fn text(machine: &[(&'static str, String)], figures: &[Figure]) -> String {
    let mut out = HEAD.to_owned();
    // Writing to a string cannot fail.
    let _ = write!(out, "\n| measured on | |\n|---|---|\n");
    for (what, which) in machine {
        let _ = writeln!(out, "| {what} | {} |", cell(which));
    }
    for figure in figures {
        let _ = write!(out, "\n## {}\n", figure.title);
        if let Some(grid) = &figure.grid {
            let _ = write!(out, "\n| {} |\n|---{}|\n", grid.head.join(" | "), "|--:".repeat(grid.head.len() - 1));
            for row in &grid.rows {
                let _ = writeln!(out, "| {} |", row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | "));
            }
        }
        let _ = write!(out, "\n| | median | least – most | aim |\n|---|--:|--:|---|\n");
        for row in &figure.rows {
            let _ = writeln!(out, "| {} | {} | {} | {} |", row.what, cell(row.value.trim_end()), row.spread, aim(row));
        }
        let _ = write!(out, "\n{}", wrapped(figure.how));
        if figure.misses() {
            let _ = write!(out, "\n{}", wrapped(&format!("**An aim is missed.** {}", figure.held_back_by)));
        }
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Lines of at most 100 characters.
fn wrapped(text: &str) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > 100 {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out.push('\n');
    out
}
