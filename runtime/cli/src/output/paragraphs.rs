//! Paragraphs, fitted to the terminal.

pub(super) use ansai_notify::render::words::wrapped;

/// The fewest columns that text is fitted to.
const NARROWEST: usize = 30;
/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// Paragraphs and lists of a documentation text, each line indented by `indent` columns and broken before `width`.
pub(crate) fn fitted(text: &str, indent: usize, width: usize) -> String {
    let width = width.min(WIDEST);
    let mut out = String::new();
    for block in blocks(text) {
        if block.is_empty() {
            out.push('\n');
        }
        let hanging = if block.starts_with("- ") { 2 } else { 0 };
        let room = width.saturating_sub(indent + hanging).max(NARROWEST);
        for (index, line) in wrapped(&block, room).into_iter().enumerate() {
            let indent = if index == 0 { indent } else { indent + hanging };
            out += format!("{:indent$}{line}", "").trim_end();
            out.push('\n');
        }
    }
    out
}

/// Each line after the indentation.
pub(crate) fn indented(text: &str, indent: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") }).collect()
}

/// Paragraphs and points of a list, each in one line; an empty one where a line was blank.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        match blocks.last_mut() {
            Some(last) if !last.is_empty() && !line.is_empty() && !line.starts_with("- ") => {
                last.push(' ');
                last.push_str(line);
            }
            _ => blocks.push(line.to_owned()),
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    #[test]
    fn paragraphs_stay_apart_and_points_hang() {
        let text = "one two three\nfour five six seven eight\n\n- a point that is longer than a line of it\n- b";
        assert_eq!(
            fitted(text, 2, 36),
            "  one two three four five six seven\n  eight\n\n  - a point that is longer than a\n    line of it\n  - b\n"
        );
        assert_eq!(fitted("", 4, 40), "");
        assert_eq!(indented("a\n\n  b", "  "), "  a\n\n    b\n");
    }

    #[test]
    fn no_line_is_longer_than_there_is_room() {
        let text = format!("a {} b {}", "x".repeat(80), "word ".repeat(40));
        let fitted = fitted(&text, 4, 44);
        assert!(fitted.lines().all(|line| line.width() <= 44 && line.starts_with("    ")), "{fitted}");
        assert_eq!(fitted.matches('x').count(), 80);
    }
}
