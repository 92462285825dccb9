//! Tokens with a documented prefix, and values that a word announces.

use super::text::{Class, Stop, Text, is_line_end, looks_random};
use super::value;

/// Parts of a web token are at least this long.
const LEAST_PART: usize = 8;
/// A signed token has 3 parts, an encrypted one 5.
const MOST_PARTS: usize = 5;
/// A bearer token outside of a header is at least this long.
const LEAST_BEARER: usize = 16;
/// Bytes of base64 that are decoded to see whether they are `user:password`.
const MOST_DECODED: usize = 256;

/// A token that begins at `from`, its prefix ends at `to`.
pub(crate) fn prefixed(text: &mut Text<'_>, from: usize, to: usize, body: Class, least: usize, most: usize) {
    let end = text.ahead(Stop::Run(body), to);
    if starts_word(text, from) && (least..=most).contains(&end.saturating_sub(to)) {
        // SendGrid, Vault and Slack put dots between parts.
        let end =
            if body == Class::Dashed && text.at(end) == b'.' { text.ahead(Stop::Run(Class::Base64), end) } else { end };
        text.mask(from..end);
    }
}

/// A web token. Its header alone is no secret, so a first dot and a second part are needed.
pub(crate) fn jwt(text: &mut Text<'_>, from: usize, to: usize) {
    let dot = text.ahead(Stop::Dot, to);
    if !starts_word(text, from)
        || dot.saturating_sub(from) < LEAST_PART
        || text.ahead(Stop::Run(Class::Dashed), to) != dot
    {
        return;
    }
    let mut end = dot;
    for part in 1..MOST_PARTS {
        if text.at(end) == b'.' {
            end = text.ahead(Stop::Run(Class::Dashed), end.saturating_add(1));
        }
        if part == 1 && end.saturating_sub(dot) <= LEAST_PART {
            return;
        }
    }
    text.mask(from..end);
}

/// The rest of the value.
pub(crate) fn rest(text: &mut Text<'_>, to: usize) {
    let range = value::value(text, to, false);
    text.mask(range);
}

/// `Bearer …`: the word is common in messages, so the value must look random.
pub(crate) fn bearer(text: &mut Text<'_>, from: usize, to: usize) {
    let end = text.ahead(Stop::Run(Class::Base64), to);
    if starts_word(text, from) && end.saturating_sub(to) >= LEAST_BEARER && looks_random(text.slice(to..end)) {
        text.mask(to..end);
    }
}

/// `Basic …`
pub(crate) fn basic(text: &mut Text<'_>, from: usize, to: usize) {
    let end = text.ahead(Stop::Run(Class::Base64), to);
    if starts_word(text, from) && is_user_and_password(text.slice(to..end)) {
        text.mask(to..end);
    }
}

/// 40 bytes of base64, at most 8 bytes after the name.
pub(crate) fn aws_secret(text: &mut Text<'_>, to: usize) {
    let is_start = |byte: u8| byte.is_ascii_alphanumeric() || is_line_end(byte);
    let Some(start) = (to..to.saturating_add(8)).find(|&at| is_start(text.at(at))) else { return };
    let end = text.ahead(Stop::Run(Class::Base64), start);
    if end.saturating_sub(start) == 40 {
        text.mask(start..end);
    }
}

/// Whether a token may begin here: no letter, digit or `_` before, except those of `\n` or `%3D`.
fn starts_word(text: &Text<'_>, at: usize) -> bool {
    let (third, second, first) =
        (text.before(at.saturating_sub(2)), text.before(at.saturating_sub(1)), text.before(at));
    !(first.is_ascii_alphanumeric() || first == b'_')
        || second == b'\\' && b"ntrbf".contains(&first)
        || third == b'%' && second.is_ascii_hexdigit() && first.is_ascii_hexdigit()
}

fn is_user_and_password(encoded: &[u8]) -> bool {
    let encoded = encoded.get(..MOST_DECODED).unwrap_or(encoded);
    if encoded.len() < LEAST_PART {
        return false;
    }
    let mut decoded = Vec::with_capacity(MOST_DECODED);
    let (mut bits, mut count) = (0u32, 0u32);
    for &byte in encoded {
        let digit = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return false,
        };
        bits = bits << 6 & 0xffff | u32::from(digit);
        count = count.wrapping_add(6);
        if count >= 8 {
            count = count.wrapping_sub(8);
            decoded.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    let is_text = match std::str::from_utf8(&decoded) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    is_text && decoded.contains(&b':') && !decoded.iter().any(u8::is_ascii_control)
}
