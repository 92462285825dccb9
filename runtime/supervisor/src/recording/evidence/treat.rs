//! The form in which evidence is kept.

use ansai_kit::redact::{LOOK_AHEAD, Redactor};

/// Maximum size of what is kept of one item: its end.
pub(super) const MOST_KEPT: usize = 64 << 10;
/// Maximum size of what is looked at of one item: its beginning. An action bounds what it captures.
pub(super) const MOST_READ: usize = 4 << 20;

/// Text without secrets: control characters stay, because whoever shows it makes it safe. What is cut goes on whole
/// lines, where there are lines.
pub(super) fn treated(content: &[u8], redactor: &Redactor) -> String {
    let text = readable(content.get(..MOST_READ).unwrap_or(content));
    // The end of what is looked at may be the first half of a secret.
    let whole = match content.len() > MOST_READ {
        true => redactor.beginning(&text, text.len().saturating_sub(LOOK_AHEAD)),
        false => &text,
    };
    // Before it is cut: the rest of a secret has no name any more.
    let masked = redactor.redact(whole).text;
    let Some(start) = masked.len().checked_sub(MOST_KEPT).filter(|start| *start > 0) else {
        return masked.into_owned();
    };
    let end = masked.get(masked.ceil_char_boundary(start)..).unwrap_or_default();
    match end.split_once('\n') {
        Some((_, rest)) if !rest.is_empty() => rest.to_owned(),
        _ => end.to_owned(),
    }
}

/// A byte that is not UTF-8 as `\xNN`, and a backslash as `\\`, as everywhere in the contract.
fn readable(content: &[u8]) -> String {
    let mut text = String::with_capacity(content.len());
    for chunk in content.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}
