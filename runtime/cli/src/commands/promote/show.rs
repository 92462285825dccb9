//! Actions with their levels and records, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;

use ansai_core::text::inert;
use ansai_core::{Mode, promotion as core};
use ansai_daemon::promotion::Change;
use serde_json::{Value, json};

use super::row::Row;
use crate::output::promotion;

/// Version of the document; see `schemas/promote.schema.json`.
const FORMAT: u32 = 1;
/// Longer lines are cut.
const MOST_COLUMNS: usize = 400;

/// A change of the configuration.
pub(super) struct Shown<'a> {
    pub(super) path: &'a Path,
    pub(super) to: Mode,
    pub(super) change: &'a Change,
    pub(super) is_written: bool,
}

/// All actions: what is ready first.
pub(super) fn list(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no instance is granted actions: there is nothing to promote\n".to_owned();
    }
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by_key(|row| !row.is_ready());
    let mut out = String::new();
    for row in sorted {
        let _ = writeln!(out, "{}  {}: {}", row.instance, row.action, row.level);
        let _ = writeln!(out, "    {}", standing(row));
        let _ = writeln!(out, "    {}", promotion::record(&row.achieved).join("; "));
    }
    out
}

/// One action, with the change that would give it another level.
pub(super) fn one(row: &Row, shown: Option<&Shown<'_>>) -> String {
    let mut out = format!("{}  {}: {}\n", row.instance, row.action, row.level);
    for line in promotion::record(&row.achieved) {
        let _ = writeln!(out, "    {line}");
    }
    for function in &row.functions {
        let name = function.action.rsplit_once('.').map_or(function.action.as_str(), |(_, name)| name);
        let _ = writeln!(out, "    {}: {}", inert(name, 100), function.achieved.effectiveness());
    }
    let Some(shown) = shown else {
        let _ = writeln!(out, "    {}", standing(row));
        return out;
    };
    let others = shown.change.edited.levels.iter().filter(|(name, _, _)| *name != row.action);
    for (name, from, to) in others {
        let _ = writeln!(out, "    with it, {name} moves from {from} to {to}: the mode is that of the instance");
    }
    let path = inert(&shown.path.display().to_string(), 300);
    let verb = if shown.is_written { "changed" } else { "changes" };
    let _ = writeln!(out, "{path} {verb}:");
    for line in difference(&shown.change.before, &shown.change.edited.text) {
        let _ = writeln!(out, "  {}", inert(&line, MOST_COLUMNS));
    }
    let _ = match shown.is_written {
        true => writeln!(out, "{} is at {}; a running ansai reads it before its next step", row.action, shown.to),
        false if row.missing.is_empty() => writeln!(out, "nothing is written: --write does it"),
        false => writeln!(out, "nothing is written"),
    };
    out
}

/// `ready for approve`, or what is missing.
fn standing(row: &Row) -> String {
    match row.to {
        None => format!("nothing to change: it is at {}", row.level),
        Some(to) if row.missing.is_empty() => format!("ready for {to}"),
        Some(to) => format!("not ready for {to}: {}", promotion::missing(&row.missing)),
    }
}

/// The lines that differ, each after `-` or `+`, in the order of the text, with the line before each group.
pub(super) fn difference(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut out = Vec::new();
    let (mut left, mut right) = (0, 0);
    while let (Some(one), Some(other)) = (old.get(left), new.get(right)) {
        if one == other {
            (left, right) = (left + 1, right + 1);
            continue;
        }
        if let Some(line) = left.checked_sub(1).and_then(|index| old.get(index)) {
            out.push(format!(" {line}"));
        }
        // Only whole lines were inserted or values replaced: the rest of the old text follows soon, or one line changed.
        match (right..new.len().min(right + 4)).find(|index| new.get(*index) == old.get(left)) {
            Some(found) => {
                out.extend(new.get(right..found).unwrap_or_default().iter().map(|line| format!("+{line}")));
                right = found;
            }
            None => {
                out.extend([format!("-{one}"), format!("+{other}")]);
                (left, right) = (left + 1, right + 1);
            }
        }
    }
    out.extend(old.get(left..).unwrap_or_default().iter().map(|line| format!("-{line}")));
    out.extend(new.get(right..).unwrap_or_default().iter().map(|line| format!("+{line}")));
    out
}

/// For programs.
pub(super) fn document(rows: &[Row], shown: Option<&Shown<'_>>) -> Value {
    json!({
        "format": FORMAT,
        "actions": rows.iter().map(row).collect::<Vec<_>>(),
        "change": shown.map(|shown| json!({
            "path": shown.path.display().to_string(),
            "to": shown.to,
            "written": shown.is_written,
            "sha256": shown.change.sha256(),
            "levels": shown.change.edited.levels.iter().map(|(action, from, to)| json!({
                "action": action.as_str(),
                "from": from,
                "to": to,
            })).collect::<Vec<_>>(),
            "lines": difference(&shown.change.before, &shown.change.edited.text),
        })),
    })
}

fn row(row: &Row) -> Value {
    let missing = |one: &core::Missing| {
        let mut value = serde_json::to_value(one).unwrap_or_default();
        value.as_object_mut().map(|fields| fields.insert("text".to_owned(), json!(one.to_string())));
        value
    };
    json!({
        "instance": row.instance,
        "action": row.action.as_str(),
        "level": row.level,
        "to": row.to,
        "ready": row.is_ready(),
        "missing": row.missing.iter().map(missing).collect::<Vec<_>>(),
        "record": row.achieved,
        "functions": row.functions.iter().map(|one| json!({ "action": one.action, "record": one.achieved })).collect::<Vec<_>>(),
    })
}
