//! JSON for programs, safe for terminals: control characters are escaped, and values stay exact.

use std::fmt::Write as _;

use ansai_core::text::inert;
use serde::Serialize;

use super::{say, say_last};

/// Prints one document, indented.
pub(crate) fn document(value: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(say_last(&format!("{}\n", escaped(&text)))?)
}

/// Prints one value on one line.
pub(crate) fn line(value: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string(value)?;
    Ok(say(&format!("{}\n", escaped(&text)))?)
}

/// Escapes control characters; they occur only in strings, where an escape means the same.
pub(crate) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || c.is_ascii_graphic() || c == ' ' || inert(c.encode_utf8(&mut [0; 4]), 1).chars().eq([c]) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn values_stay_exact_and_terminals_quiet() {
        let value = serde_json::json!({"a": "\u{1b}[31m \u{9b}2J \u{202e} \u{e0001} ü \n \u{7f}"});
        let text = escaped(&serde_json::to_string_pretty(&value).unwrap());
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{e0001}') && text.contains('ü'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
