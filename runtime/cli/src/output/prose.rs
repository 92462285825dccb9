//! Paragraphs as people read them.

use unicode_width::UnicodeWidthStr as _;

/// A line longer than this tires the eye.
const WIDEST: usize = 100;

/// A paragraph in lines of at most so many columns, each after the indentation; a word that is longer stands alone.
pub(crate) fn wrapped(text: &str, indent: &str, columns: usize) -> String {
    let most = columns.min(WIDEST).saturating_sub(indent.width()).max(20);
    let mut out = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        if used > 0 && used + 1 + word.width() > most {
            out.push('\n');
            used = 0;
        }
        let (lead, gap) = if used == 0 { (indent, 0) } else { (" ", 1) };
        out.push_str(lead);
        out.push_str(word);
        used += gap + word.width();
    }
    out.push('\n');
    out
}

/// Each line after the indentation.
pub(crate) fn indented(text: &str, indent: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_put_into_lines() {
        assert_eq!(wrapped("aaaa bbbb cccc dddd eeee", "  ", 22), "  aaaa bbbb cccc dddd\n  eeee\n");
        let long = "x".repeat(50);
        assert_eq!(wrapped(&format!("a {long} b"), "", 20), format!("a\n{long}\nb\n"));
        assert_eq!(indented("a\n\n  b", "  "), "  a\n\n    b\n");
    }
}
