//! Key blocks of several lines.

use super::text::{Text, is_line_end};

/// A label such as `RSA PRIVATE KEY` is at most this long.
const MOST_LABEL: usize = 64;
/// A key without BEGIN is masked only from this size on.
const LEAST_TAIL: usize = 16;

/// A word that begins a block (`group` 0) or ends it (1), at `from..to`.
pub(crate) fn word(text: &mut Text<'_>, kind: usize, group: usize, from: usize, to: usize) {
    let open = text.open.get(kind).copied().flatten();
    match (group, open) {
        (0, None) => {
            let body = if kind == 0 { pem_body(text, to) } else { Some(after_number(text, to)) };
            if let Some(slot) = text.open.get_mut(kind) {
                *slot = body;
            }
        }
        (1, Some(body)) => {
            mask_body(text, body, from);
            text.closed = to;
            if let Some(slot) = text.open.get_mut(kind) {
                *slot = None;
            }
        }
        // The text begins in the middle of a block: programs' output is often cut at its start.
        (1, None) if kind == 0 && pem_body(text, to).is_some() => {
            let body = tail(text, from);
            mask_body(text, body, from);
            text.closed = to;
        }
        _ => {}
    }
}

/// Masks the blocks that have no end.
pub(crate) fn finish(text: &mut Text<'_>) {
    for body in text.open.into_iter().flatten() {
        mask_body(text, body, text.len());
    }
}

/// Whether a block of a secret key in PEM begins there.
pub(crate) fn begins(text: &Text<'_>, at: usize) -> bool {
    let begin = b"-----BEGIN ";
    text.starts(at, begin) && pem_body(text, at.saturating_add(begin.len())).is_some()
}

/// Where the body begins if the label is that of a secret key.
fn pem_body(text: &Text<'_>, label: usize) -> Option<usize> {
    let ends = |byte: u8| byte == b'-' || is_line_end(byte);
    let length = (label..label.saturating_add(MOST_LABEL)).take_while(|&at| !ends(text.at(at))).count();
    let name = text.slice(label..label.saturating_add(length).min(text.len()));
    [b"PRIVATE KEY BLOCK".as_slice(), b"PRIVATE KEY", b"OpenVPN Static key V1"].iter().find_map(|secret| {
        let at = name.windows(secret.len()).position(|part| part.eq_ignore_ascii_case(secret))?;
        let end = label.saturating_add(at).saturating_add(secret.len());
        let dashes = (end..text.len()).take_while(|&at| b"- ".contains(&text.at(at))).count();
        Some(end.saturating_add(dashes))
    })
}

/// After `Private-Lines: 14`.
fn after_number(text: &Text<'_>, at: usize) -> usize {
    let is_count = |byte: u8| byte == b' ' || byte.is_ascii_digit();
    at.saturating_add((at..text.len()).take_while(|&at| is_count(text.at(at))).count())
}

/// Keeps the line breaks around the body.
fn mask_body(text: &mut Text<'_>, from: usize, to: usize) {
    let body = text.slice(from..to);
    let front = body.len().saturating_sub(body.trim_ascii_start().len());
    let back = body.len().saturating_sub(body.trim_ascii_end().len());
    text.mask(from.saturating_add(front)..to.saturating_sub(back));
}

/// Where the lines of base64 before `end` begin.
fn tail(text: &Text<'_>, end: usize) -> usize {
    let is_body = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=\\\r\n".contains(&byte);
    let mut from = end;
    let mut line = None;
    while from > text.closed && is_body(text.before(from)) {
        if is_line_end(text.before(from)) && from < end {
            line = Some(from);
        }
        from = from.saturating_sub(1);
    }
    // The first line may have begun with words: then it is not a line of the key.
    if from > 0 && !is_line_end(text.before(from)) {
        from = line.unwrap_or(from);
    }
    if end.saturating_sub(from) < LEAST_TAIL { end } else { from }
}
