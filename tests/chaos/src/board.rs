//! The table in `policies/README.md`, between two markers.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::contender::Contender;
use crate::fault::{FAULTS, Fault};
use crate::measured::Outcome;

const BEGIN: &str = "<!-- chaos board: written by `make chaos` -->\n";
const END: &str = "<!-- end of the chaos board -->\n";
/// Columns of the table.
pub const HEAD: [&str; 6] = ["fault", "with", "found", "healed", "damage beside it", "false alarms"];

/// A run of one fault with one contender.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which fault.
    pub fault: &'static Fault,
    /// Which contender.
    pub contender: Contender,
    /// What came of it.
    pub outcome: Outcome,
}

impl Run {
    /// Its row.
    #[must_use]
    pub fn row(&self) -> [String; 6] {
        let (name, with) = (self.fault.name.to_owned(), self.contender.title().to_owned());
        let Ok(measured) = &self.outcome else {
            return [name, with, "void".to_owned(), "void".to_owned(), String::new(), String::new()];
        };
        let span = |span: Option<crate::measured::Span>| span.map_or_else(|| "no".to_owned(), |span| span.to_string());
        let count = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.len().to_string() };
        let damage = match measured.damage.as_slice() {
            [] => "none".to_owned(),
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first}, and {} more", rest.len()),
        };
        [name, with, span(measured.found), span(measured.healed), damage, count(&measured.alarms)]
    }
}

/// What is known about the machine and the build, and the result of normal life.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Date, processor, cores, kernel, load.
    pub machine: String,
    /// How ansai was compiled.
    pub build: String,
    /// What 24 simulated hours of normal life brought; none if they were not run.
    pub normal_life: Option<String>,
}

/// The text between the markers.
#[must_use]
pub fn text(runs: &[Run], about: &About) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "\n| {} |\n|---|---|--:|--:|---|--:|", HEAD.join(" | "));
    for run in runs {
        let _ = writeln!(out, "| {} |", run.row().join(" | "));
    }
    let _ = writeln!(out, "\n| fault | what happens |\n|---|---|");
    for fault in FAULTS {
        let _ = writeln!(out, "| {} | {} |", fault.name, fault.what);
    }
    if let Some(life) = &about.normal_life {
        let _ = writeln!(out, "\n{life}");
    }
    let _ = writeln!(out, "\nMeasured on {}. {}\n", about.machine, about.build);
    out
}

/// Replaces the text between the markers of a file.
///
/// # Errors
/// If the file has no markers, or cannot be written.
pub fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let old = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    fs::write(file, replaced(&old, text)?).with_context(|| file.display().to_string())
}

fn replaced(old: &str, text: &str) -> anyhow::Result<String> {
    let (before, rest) = old.split_once(BEGIN).context("the page has no marker where the board begins")?;
    let (_, after) = rest.split_once(END).context("the page has no marker where the board ends")?;
    Ok(format!("{before}{BEGIN}{text}{END}{after}"))
}

/// Replaces the rows of the faults that were run in the board of a file. All rows of one fault are of one run.
///
/// # Errors
/// If the file has no board, or none with these rows.
pub fn update(file: &Path, runs: &[Run]) -> anyhow::Result<()> {
    let mut page = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    for run in runs {
        let row = run.row();
        let begin = format!("| {} | {} | ", run.fault.name, run.contender.title());
        let old =
            page.lines().find(|line| line.starts_with(&begin)).with_context(|| format!("no row {begin}"))?.to_owned();
        page = page.replace(&format!("{old}\n"), &format!("| {} |\n", row.join(" | ")));
    }
    fs::write(file, page).with_context(|| file.display().to_string())
}

/// The rows of the board in a page.
///
/// # Errors
/// If the page has no board, or a row has other columns.
pub fn rows(page: &str) -> anyhow::Result<Vec<[String; 6]>> {
    let (_, rest) = page.split_once(BEGIN).context("the page has no board")?;
    let (board, _) = rest.split_once(END).context("the board has no end")?;
    let head = format!("| {} |", HEAD.join(" | "));
    let mut lines = board.lines().skip_while(|line| *line != head);
    ensure!(lines.next().is_some(), "the board has other columns");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        <[String; 6]>::try_from(cells).map_err(|cells| anyhow::anyhow!("{line}: {} columns", cells.len()))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::{Measured, Span};

    #[test]
    fn only_what_is_between_the_markers_is_replaced_and_the_rows_come_back() {
        let page = format!("before\n{BEGIN}earlier\n{END}after\n");
        let found =
            Measured { found: Some(Span::Millis(12_345)), damage: vec!["a".into(), "b".into()], ..Measured::default() };
        let runs = [
            Run { fault: &FAULTS[0], contender: Contender::Ansai, outcome: Ok(found) },
            Run { fault: &FAULTS[0], contender: Contender::Monit, outcome: Err("why".into()) },
        ];
        let new = replaced(&page, &text(&runs, &About::default())).unwrap();
        assert!(new.starts_with("before\n") && new.ends_with("after\n") && !new.contains("earlier"), "{new}");
        let expected = [
            ["process-kill", "ansai", "12 s", "no", "a, and 1 more", "none"],
            ["process-kill", "Monit", "void", "void", "", ""],
        ];
        assert_eq!(rows(&new).unwrap(), expected);
        assert!(replaced("no markers", "").is_err() && rows("no markers").is_err());
    }
}
