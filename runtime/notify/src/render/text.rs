//! A document as text of 80 columns.

use super::document::{Block, Document};
use super::words::wrapped;
use unicode_width::UnicodeWidthStr as _;

/// Columns of a line.
const WIDTH: usize = 80;
/// The widest column of names.
const NAMES: usize = 22;

/// The document as text. No line is longer than 80 columns, except for commands: a broken command cannot be copied.
pub fn text(document: &Document) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut is_below_heading = false;
    for block in &document.blocks {
        if !is_below_heading {
            lines.push(String::new());
        }
        is_below_heading = matches!(block, Block::Heading(_) | Block::Title(_));
        match block {
            Block::Lead(text) | Block::Paragraph(text) => lines.extend(wrapped(text, WIDTH)),
            Block::Title(text) => {
                lines.extend(wrapped(text, WIDTH));
                lines.push("=".repeat(text.width().min(WIDTH)));
            }
            Block::Heading(text) => lines.extend(wrapped(&format!("{text}:"), WIDTH)),
            Block::Facts(facts) => facts_lines(facts, &mut lines),
            Block::List(points) => {
                for (point, below) in points {
                    hanging("- ", point, &mut lines);
                    below.iter().for_each(|line| hanging("    ", line, &mut lines));
                }
            }
            Block::Commands(commands) => {
                for (command, does) in commands {
                    lines.push(format!("  {command}"));
                    if !does.is_empty() {
                        hanging("      ", does, &mut lines);
                    }
                }
            }
            Block::Foot(foot) => {
                lines.push("-- ".to_owned());
                foot.iter().for_each(|line| lines.extend(wrapped(line, WIDTH)));
            }
        }
    }
    let text = lines.join("\n");
    format!("{}\n", text.trim_start_matches('\n'))
}

/// Lines behind a mark; those that follow are indented by the same width.
fn hanging(mark: &str, text: &str, lines: &mut Vec<String>) {
    let indent = mark.width();
    for (number, line) in wrapped(text, WIDTH.saturating_sub(indent)).into_iter().enumerate() {
        lines.push(if number == 0 { format!("{mark}{line}") } else { format!("{:indent$}{line}", "") });
    }
}

/// Names in one column, values in the next.
fn facts_lines(facts: &[(String, String)], lines: &mut Vec<String>) {
    let names = facts.iter().map(|(name, _)| name.width()).max().unwrap_or(0).min(NAMES);
    for (name, value) in facts {
        let pad = names.saturating_sub(name.width());
        hanging(&format!("  {name}{:pad$}  ", ""), value, lines);
    }
}
