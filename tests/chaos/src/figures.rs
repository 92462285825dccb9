//! What ansai did about each fault, as JSON for `ansai index --chaos`: the rows of the board in `policies/README.md`.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::board;
use crate::contender::Contender;
use crate::fault::{FAULTS, Kind};

/// Beside the page with the board.
pub const FILE: &str = "chaos.json";

/// The figures of a page with a board. A void run has none.
///
/// # Errors
/// The page has no board, or a cell is no time.
pub fn of_page(page: &str) -> anyhow::Result<Value> {
    let measured = page.lines().find_map(|line| line.strip_prefix("Measured on ")).unwrap_or_default();
    let measured = measured.split_once(". ").map_or(measured, |(machine, _)| machine);
    let mut faults = Vec::new();
    for [name, with, found, healed, damage, alarms] in board::rows(page)? {
        let Some(fault) = FAULTS.iter().find(|fault| fault.name == name) else { continue };
        if with != Contender::Ansai.title() || found == "void" {
            continue;
        }
        faults.push(json!({
            "policy": fault.policy,
            "fault": fault.name,
            "what": fault.what,
            "found_ms": milliseconds(&found)?,
            "healed_ms": milliseconds(&healed)?,
            "is_simulated": fault.kind == Kind::Hours,
            "damage": damages(&damage)?,
            "false_alarms": if alarms == "none" { 0 } else { alarms.parse::<u32>().with_context(|| alarms.clone())? },
        }));
    }
    Ok(json!({ "format": 1, "measured": measured, "faults": faults }))
}

/// Writes the figures of a page beside it.
///
/// # Errors
/// The page has no board, or the file cannot be written.
pub fn write(page: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(page).with_context(|| page.display().to_string())?;
    let file = page.with_file_name(FILE);
    let figures = serde_json::to_string_pretty(&of_page(&text)?)?;
    fs::write(&file, format!("{figures}\n")).with_context(|| file.display().to_string())
}

/// `12 s`, `< 0.3 s`, `4 h` or `no`.
fn milliseconds(cell: &str) -> anyhow::Result<Option<u64>> {
    if cell == "no" {
        return Ok(None);
    }
    let (number, unit) = cell.trim_start_matches("< ").split_once(' ').with_context(|| cell.to_owned())?;
    let number: f64 = number.parse().with_context(|| cell.to_owned())?;
    let factor = match unit {
        "s" => 1e3,
        "h" => 3.6e6,
        _ => anyhow::bail!("{cell}: no time"),
    };
    Ok(Some((number * factor).round() as u64))
}

/// `none`, what happened, or what happened first, `and 2 more`.
fn damages(cell: &str) -> anyhow::Result<u32> {
    if cell == "none" {
        return Ok(0);
    }
    let more = cell.rsplit_once(", and ").and_then(|(_, rest)| rest.strip_suffix(" more"));
    Ok(1 + more.map(str::parse::<u32>).transpose().with_context(|| cell.to_owned())?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read() {
        let times = [("no", None), ("< 0.3 s", Some(300)), ("3.1 s", Some(3_100)), ("50 h", Some(180_000_000))];
        for (cell, expected) in times {
            assert_eq!(milliseconds(cell).unwrap(), expected);
        }
        assert!(milliseconds("soon").is_err() && milliseconds("1 apple").is_err());
        assert_eq!(damages("none").unwrap(), 0);
        assert_eq!(damages("the application crashed").unwrap(), 1);
        assert_eq!(damages("restarted, and 2 more").unwrap(), 3);
    }
}
