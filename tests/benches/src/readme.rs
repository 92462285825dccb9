//! Writes the report. Another run changes only its figures.
#![allow(clippy::disallowed_methods, reason = "an adapter to the report")]

use std::fmt::Write as _;
use std::path::Path;

use crate::figure::{Figure, Row};

const HEAD: &str = "# Benchmarks

`make bench` builds the release program, measures it, and writes this page. No test asserts these figures. A result is
the median of all rounds, and a range goes from the smallest to the largest value. The figures are those of one machine
on one day. Only the ratios say something about other machines, because both sides of a ratio alternate within one run.
";

/// Writes `README.md` in this directory.
pub(crate) fn write(directory: &Path, machine: &[(&'static str, String)], figures: &[Figure]) -> std::io::Result<()> {
    std::fs::write(directory.join("README.md"), text(machine, figures))
}

fn text(machine: &[(&'static str, String)], figures: &[Figure]) -> String {
    let mut out = HEAD.to_owned();
    out.push_str("\n## Targets\n\n");
    table(&mut out, &["section", "what", "result", "target", "status"], &targets(figures));
    out.push_str("\n## Machine\n\n");
    let machine: Vec<_> = machine.iter().map(|(what, which)| vec![(*what).to_owned(), which.clone()]).collect();
    table(&mut out, &["property", "value"], &machine);
    for figure in figures {
        // Writing to a string cannot fail.
        let _ = write!(out, "\n## {}\n\n", figure.title);
        if let Some(grid) = &figure.grid {
            table(&mut out, grid.head, &grid.rows);
            out.push('\n');
        }
        rows(&mut out, &figure.rows);
        let _ = write!(out, "\n{}", wrapped(&format!("**How it is measured.** {}", figure.how)));
        if figure.misses() {
            let _ = write!(out, "\n{}", wrapped(&format!("**Why a target is missed.** {}", figure.held_back_by)));
        }
    }
    out
}

/// Every row with a target, with a link to its section.
fn targets(figures: &[Figure]) -> Vec<Vec<String>> {
    let rows = figures.iter().flat_map(|figure| figure.rows.iter().map(move |row| (figure, row)));
    rows.filter_map(|(figure, row)| {
        let aim = row.aim.as_ref()?;
        let anchor = figure.title.to_lowercase().replace(' ', "-");
        Some(vec![
            format!("[{}](#{anchor})", figure.title),
            row.what.to_owned(),
            row.value.trim_end().to_owned(),
            aim.text.trim_end().to_owned(),
            aim.status().to_owned(),
        ])
    })
    .collect()
}

/// The rows of a figure, without empty columns.
fn rows(out: &mut String, rows: &[Row]) {
    let (ranges, aims) = (rows.iter().any(|row| !row.spread.is_empty()), rows.iter().any(|row| row.aim.is_some()));
    let mut head = vec!["what", "result"];
    head.extend(ranges.then_some("range"));
    head.extend(aims.then_some(["target", "status"]).into_iter().flatten());
    let cells = rows.iter().map(|row| {
        let mut cells = vec![row.what.to_owned(), row.value.trim_end().to_owned()];
        cells.extend(ranges.then(|| row.spread.clone()));
        if aims {
            let aim = row.aim.as_ref();
            cells.push(aim.map_or_else(String::new, |aim| aim.text.trim_end().to_owned()));
            cells.push(aim.map_or_else(String::new, |aim| aim.status().to_owned()));
        }
        cells
    });
    table(out, &head, &cells.collect::<Vec<_>>());
}

/// Aligns columns of figures to the right, and columns of text to the left.
fn table(out: &mut String, head: &[&str], rows: &[Vec<String>]) {
    const WORDS: [&str; 6] = ["section", "what", "status", "property", "value", "language"];
    let rule: String = head.iter().map(|name| if WORDS.contains(name) { "---|" } else { "--:|" }).collect();
    let _ = write!(out, "| {} |\n|{rule}\n", head.join(" | "));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | "));
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Wraps at 100 characters.
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
