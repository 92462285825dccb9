//! The report of a run: a table on wide terminals, one block for each finding on narrow ones.

use std::fmt::Write as _;

use ansai_core::text::{inert, prose};
use ansai_core::{Severity, Status};
use ansai_supervisor::report::FindingState;
use ansai_supervisor::{FindingReport, InstanceReport};
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::count::count;
use super::details::{self, Layout};
use super::paragraphs::wrapped;
use super::report::RunReport;
use super::tree::{self, Node};
use super::{MOST_TEXT, colour, phrases};

/// Narrower terminals get blocks.
const NARROWEST_TABLE: usize = 80;
/// Narrower tables have the evidence below them, to leave room for sentences.
const NARROWEST_EVIDENCE: usize = 110;
/// A policy that reports thousands of findings, or plans hundreds of steps, does not fill the screen of a person.
const MOST_ROWS: usize = 200;
const MOST_LINES: usize = 20;
const HEADINGS: [&str; 6] = ["INSTANCE", "FINDING", "SEVERITY", "PLAN", "OUTCOME", "EVIDENCE"];

/// One line of the table.
struct Row {
    severity: Option<Severity>,
    healed: bool,
    cells: [String; 6],
}

/// The whole report: a table, what each plan touches and why, then a summary. With `quiet`, only what is unhealthy,
/// unknown or not loaded, and not the same as in an earlier run; empty if that is nothing.
pub(crate) fn render(report: &RunReport, layout: Layout, colours: bool, quiet: bool) -> String {
    let width = layout.width;
    let shown = tree::of(&report.instances, |finding| is_shown(finding) && !(quiet && (finding.silenced || finding.repeated.is_some())));
    let mut rows: Vec<Row> = shown.iter().map(row).collect();
    let more = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    let mut out = String::new();
    if !rows.is_empty() {
        out += &if width >= NARROWEST_TABLE { table(&rows, width, colours) } else { blocks(&rows, width) };
        out.push('\n');
    }
    if more > 0 {
        let _ = writeln!(out, "and {}: --format json shows all\n", count(more, "more finding"));
    }
    let with_evidence = (NARROWEST_TABLE..NARROWEST_EVIDENCE).contains(&width);
    for Node { instance, finding, .. } in shown.iter().take(MOST_ROWS) {
        let details = details::of_finding(instance, finding, with_evidence, layout);
        if !details.is_empty() {
            out += &details;
            out.push('\n');
        }
    }
    for instance in report.instances.iter().filter(|_| !quiet) {
        healthy(&mut out, instance, layout);
    }
    unknown(&mut out, report, quiet);
    pending(&mut out, report);
    if !(quiet && out.is_empty()) {
        footer(&mut out, report);
    }
    out
}

/// The first lines of a cell.
fn few(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn is_shown(finding: &FindingReport) -> bool {
    matches!(finding.state(), FindingState::Unhealthy(_) | FindingState::Healed | FindingState::Gone)
}

fn row(node: &Node<'_>) -> Row {
    let Node { instance, finding, .. } = *node;
    let stages = finding.plans.len();
    let numbered = |(index, lines): (usize, Vec<String>)| match stages {
        0 | 1 => lines.join("\n"),
        _ => format!("{}. {}", index + 1, lines.join("\n")),
    };
    let column = |words: fn(&ansai_supervisor::PlanReport) -> Vec<String>| -> Vec<String> {
        finding.plans.iter().map(words).map(few).enumerate().map(numbered).collect()
    };
    let mut plan = column(phrases::plan);
    plan.extend(phrases::held(finding));
    let mut outcome = column(phrases::outcome);
    outcome.extend(phrases::held_under(finding));
    outcome.extend(phrases::verified(finding));
    outcome.extend(finding.repeated.map(phrases::repeated));
    outcome.retain(|line| !line.is_empty());
    let severity = match finding.state() {
        FindingState::Unhealthy(severity) => Some(severity),
        _ => None,
    };
    Row {
        severity,
        healed: finding.state() == FindingState::Healed,
        cells: [
            inert(instance.instance.as_str(), 80),
            format!("{}{}", node.indent(), phrases::finding(finding)),
            phrases::severity(finding),
            plan.join("\n"),
            outcome.join("\n"),
            phrases::evidence(&finding.evidence),
        ],
    }
}

fn table(rows: &[Row], width: usize, colours: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    if colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let columns = if width < NARROWEST_EVIDENCE { HEADINGS.len() - 1 } else { HEADINGS.len() };
    let headings = HEADINGS.iter().take(columns);
    table.set_header(headings.map(|heading| Cell::new(heading).add_attribute(Attribute::Bold)));
    for row in rows {
        let color = match (row.severity, row.healed) {
            (Some(Severity::Emergency | Severity::Critical), _) => Color::Red,
            (Some(Severity::Warning), _) => Color::Yellow,
            (Some(Severity::Notice), _) => Color::Cyan,
            (None, _) => Color::Green,
        };
        let cells = row.cells.iter().take(columns).enumerate().map(|(index, text)| match index {
            2 => Cell::new(text).fg(color),
            _ => Cell::new(text),
        });
        table.add_row(cells.collect::<Vec<_>>());
    }
    // Make short columns as narrow as their longest word, to leave room for sentences.
    let short = |index: usize| {
        let words = rows.iter().filter_map(|row| row.cells.get(index)).flat_map(|cell| cell.split_whitespace());
        let heading = HEADINGS.get(index).map_or(0, |heading| heading.len());
        let longest = words.map(unicode_width::UnicodeWidthStr::width).max().unwrap_or(0).clamp(heading, 20);
        ColumnConstraint::Absolute(Width::Fixed(u16::try_from(longest + 2).unwrap_or(20)))
    };
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if matches!(index, 0 | 2) {
            column.set_constraint(short(index));
        }
    }
    let mut out = String::new();
    for line in table.lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn blocks(rows: &[Row], width: usize) -> String {
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        for ((place, heading), text) in HEADINGS.iter().enumerate().zip(&row.cells) {
            if text.is_empty() {
                continue;
            }
            let style = match (place, row.severity) {
                (2, Some(severity)) => colour::of_severity(severity),
                (2, None) => colour::GOOD,
                _ => anstyle::Style::new(),
            };
            for (line_index, line) in wrapped(text, width.saturating_sub(10).max(10)).iter().enumerate() {
                let heading = if line_index == 0 { heading.to_lowercase() } else { String::new() };
                let heading = colour::paint(colour::FAINT, &format!("{heading:8}"));
                let _ = writeln!(out, "{heading}  {}", colour::paint(style, line));
            }
        }
    }
    out
}

/// Healthy findings, in one line for each instance.
/// How much of an instance is healthy; with `layout.all`, what its policy says about each part, too.
fn healthy(out: &mut String, instance: &InstanceReport, layout: Layout) {
    let parts: Vec<_> = instance.findings.iter().filter(|finding| finding.state() == FindingState::Healthy).collect();
    let healthy = parts.len();
    let name = inert(instance.instance.as_str(), 80);
    let all = healthy == instance.findings.len();
    let line = match (healthy, all && instance.error.is_none()) {
        (0, true) => format!("{name}: nothing to check on this host"),
        (healthy, true) => format!("{name}: {} passed", count(healthy, "check")),
        (0, false) => return,
        (healthy, false) => format!("{name}: {healthy} more healthy"),
    };
    let _ = writeln!(out, "{}", colour::paint(colour::GOOD, &line));
    let shown = if layout.all { parts.len().min(MOST_ROWS) } else { 0 };
    for finding in parts.iter().take(shown) {
        let words = wrapped(&phrases::finding(finding), layout.width.saturating_sub(4).max(20));
        for (index, line) in words.iter().enumerate() {
            let _ = writeln!(out, "{}{line}", if index == 0 { "  " } else { "    " });
        }
    }
    if layout.all && parts.len() > shown {
        let _ = writeln!(out, "  and {} more", parts.len() - shown);
    }
}

/// What is unknown or did not load, so that a healthy table does not hide it.
fn unknown(out: &mut String, report: &RunReport, quiet: bool) {
    let mut lines = Vec::new();
    for instance in report.instances.iter().filter(|instance| !(quiet && instance.repeated.is_some())) {
        let name = inert(instance.instance.as_str(), 80);
        let repeated = instance.repeated.map(|repeated| format!(" ({})", phrases::repeated(repeated)));
        let repeated = repeated.unwrap_or_default();
        lines.extend(instance.error.iter().map(|error| format!("{name}: {}{repeated}", prose(error, MOST_TEXT))));
        for finding in instance.findings.iter().filter(|finding| {
            finding.state() == FindingState::Unknown && !(quiet && finding.silenced)
        }) {
            let why = match finding.verified.as_ref().unwrap_or(&finding.status) {
                Status::Unknown(why) => prose(why, MOST_TEXT),
                _ => String::new(),
            };
            lines.push(format!("{name}: {}: {why}", inert(&finding.about.to_string(), 200)));
        }
    }
    let more = lines.len().saturating_sub(MOST_ROWS);
    lines.truncate(MOST_ROWS);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "{}", colour::paint(colour::WARNING, "unknown:"));
        for line in lines {
            let _ = writeln!(out, "  {line}");
        }
    }
    if !report.not_loaded.is_empty() {
        let _ = writeln!(out, "{}", colour::paint(colour::ERROR, "not loaded:"));
        for one in &report.not_loaded {
            let _ = writeln!(out, "  {}: {}", inert(&one.name, 200), prose(&one.error, MOST_TEXT));
        }
    }
}

/// Steps that an earlier run did not finish.
fn pending(out: &mut String, report: &RunReport) {
    let Some(first) = report.pending.first() else { return };
    let heading = format!("{} of an earlier run pending:", count(report.pending.len(), "step"));
    let _ = writeln!(out, "{}", colour::paint(colour::WARNING, &heading));
    for one in report.pending.iter().take(MOST_ROWS) {
        let (instance, plan) = (inert(one.instance.as_str(), 80), inert(&one.plan, 80));
        let reason = prose(&one.reason, MOST_TEXT);
        let _ = writeln!(out, "  {instance}: step {} of plan {plan} was interrupted, and waits: {reason}", one.step);
    }
    let more = report.pending.len().saturating_sub(MOST_ROWS);
    if more > 0 {
        let _ = writeln!(out, "  and {more} more");
    }
    let plan = inert(&first.plan, 80);
    let _ = writeln!(out, "  `ansai audit show --plan {plan}` shows what it began");
}

fn footer(out: &mut String, report: &RunReport) {
    let summary = &report.summary;
    let parts = [
        (summary.unhealthy, "unhealthy"),
        (summary.healed, "healed"),
        (summary.unknown + summary.failed, "unknown"),
        (summary.gone, "gone"),
        (summary.silenced, "silenced"),
        (summary.healthy, "healthy"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    let parts = if parts.is_empty() { "no checks ran".to_owned() } else { parts.join(", ") };
    let _ = writeln!(out, "{}", colour::paint(colour::STRONG, &format!("{parts} (mode {})", report.mode)));
    for (instance, reach) in &report.reach {
        let reach = format!("no configuration: {instance} looks only {}", inert(reach, MOST_TEXT));
        let _ = writeln!(out, "{}", colour::paint(colour::FAINT, &reach));
    }
    let _ = writeln!(out, "{}", colour::paint(colour::FAINT, &format!("audit head {}", report.audit_head)));
}

#[cfg(test)]
mod tests;
