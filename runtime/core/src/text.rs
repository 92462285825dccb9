//! Makes foreign text safe for terminals, logs and JSON.

use std::fmt::Write as _;

/// Writes a path or another byte string as WIT text: valid UTF-8 stays, other bytes become `\xNN`, a backslash becomes
/// `\\`. [`path_bytes`] is the inverse.
pub fn path_text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for part in chunk.valid().split_inclusive('\\') {
            match part.strip_suffix('\\') {
                Some(head) => {
                    out.push_str(head);
                    out.push_str("\\\\");
                }
                None => out.push_str(part),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Returns the bytes that [`path_text`] wrote; `None` for an escape that it never writes.
pub fn path_bytes(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match rest.split_first()? {
            (b'\\', tail) => {
                out.push(b'\\');
                rest = tail;
            }
            (b'x', tail) => {
                let (digits, tail) = tail.split_at_checked(2)?;
                let digits = std::str::from_utf8(digits).ok()?;
                // `from_str_radix` would accept a sign.
                if !digits.bytes().all(|d| d.is_ascii_hexdigit()) {
                    return None;
                }
                out.push(u8::from_str_radix(digits, 16).ok()?);
                rest = tail;
            }
            _ => return None,
        }
    }
    Some(out)
}

/// Returns one line that is safe for terminals: escapes control characters, bidirectional marks, line separators and
/// other characters that show nothing, and cuts after `most` characters with `…`.
pub fn inert(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most * 4));
    for (index, c) in text.chars().enumerate() {
        if index == most {
            out.push('…');
            break;
        }
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_active(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Returns a sentence of an author as one safe line: line breaks and other white space become single spaces. For names,
/// use [`inert`], which hides no character.
pub fn prose(text: &str, most: usize) -> String {
    inert(&text.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

/// Returns text that is safe between tags and in quoted attributes of HTML and XML. It hides no character and drops none:
/// foreign text goes through [`inert`] first.
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Whether a character acts on the terminal, or shows nothing, so that two names look alike.
fn is_active(c: char) -> bool {
    let is_mark = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    let is_filler = matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}');
    let is_selector = matches!(c, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}');
    let is_other = matches!(c, '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}');
    c.is_control() || is_mark || is_filler || is_selector || is_other
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn path_text_is_reversible(bytes: Vec<u8>) {
            prop_assert_eq!(path_bytes(&path_text(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn inert_text_has_no_control_characters(text: String) {
            prop_assert!(!inert(&text, 50).chars().any(is_active));
        }
    }

    proptest! {
        #[test]
        fn markup_is_text_only(text: String) {
            let safe = markup(&text);
            prop_assert!(!safe.contains(['<', '>', '"', '\'']));
            let read = safe.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
            prop_assert_eq!(read.replace("&amp;", "&"), text);
        }
    }

    #[test]
    fn markup_ends_no_attribute_and_begins_no_tag() {
        assert_eq!(markup("<script>alert('x')</script>"), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
        assert_eq!(markup("\" onload=\"x"), "&quot; onload=&quot;x");
        assert_eq!(markup("&lt;"), "&amp;lt;", "what is escaped already is text, too");
    }

    #[test]
    fn hostile_names() {
        assert_eq!(path_text(b"a\xffb\\c"), "a\\xffb\\\\c");
        assert_eq!(path_bytes("\\q"), None);
        assert_eq!(path_bytes("\\x1"), None);
        assert_eq!(inert("\u{1b}[31mred\n", 20), "\\u{1b}[31mred\\n");
        assert_eq!(inert("abcdef", 3), "abc…");
        // A bidirectional mark, and names that look alike because a character shows nothing.
        assert_eq!(inert("a\u{61c}b\u{ad}c\u{3164}d\u{e0100}", 20), "a\\u{61c}b\\u{ad}c\\u{3164}d\\u{e0100}");
        assert_eq!(inert("größer ﷼ 文件", 20), "größer ﷼ 文件");
    }

    #[test]
    fn sentences_are_one_line() {
        assert_eq!(prose(" two\nlines,\r\n\tand  a third\u{2028}", 40), "two lines, and a third");
        assert_eq!(prose("a\n\u{1b}[31mred\u{202e}", 40), "a \\u{1b}[31mred\\u{202e}");
        assert_eq!(prose("abc\ndef", 5), "abc d…");
    }
}
