//! Plain lines, and pairs of a name and a text.

use ansai_core::text::inert;

use super::{MOST_TEXT, colour, say};

/// Prints one line, safe for terminals.
pub(crate) fn line(text: &str) -> std::io::Result<()> {
    say(&format!("{}\n", inert(text, MOST_TEXT)))
}

/// `name  text`, with the names in one column.
pub(crate) fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (name, text) in pairs {
        let name = colour::paint(colour::FAINT, &format!("{name:width$}"));
        let text = inert(text, MOST_TEXT);
        out.push_str(&format!("{name}  {text}\n"));
    }
    out
}

/// A line in bold.
pub(crate) fn title(text: &str) -> String {
    format!("{}\n", colour::paint(colour::STRONG, &inert(text, MOST_TEXT)))
}
