//! Values as they are written in `ansai.toml`.

use std::fmt::Write as _;

use crate::text::inert;

/// `["/var/log"]`.
pub(super) fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// A whole number. TOML's largest integer is 2^63 - 1.
pub(super) fn integer(number: u64) -> String {
    number.min(i64::MAX.unsigned_abs()).to_string()
}

/// Formats a size without rounding: `"20GiB"` if possible, else bytes.
pub(super) fn size(bytes: u64) -> String {
    for (unit, name) in [(1u64 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("\"{}{name}\"", bytes / unit);
        }
    }
    // TOML's largest integer is smaller than a possible bound.
    match i64::try_from(bytes) {
        Ok(bytes) => bytes.to_string(),
        Err(_) => format!("\"{bytes}\""),
    }
}

/// Quotes the author's text as a TOML basic string that is safe for terminals.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if inert(c.encode_utf8(&mut [0; 4]), 1).chars().nth(1).is_some() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
