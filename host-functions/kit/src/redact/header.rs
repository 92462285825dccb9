//! HTTP headers, in log lines, in JSON and in command lines.

use super::text::{Stop, Text, is_solid, looks_random};
use super::value;

/// Schemes with one word after them.
const ONE_WORD: &[&str] = &["bearer", "basic", "token", "negotiate", "ntlm", "apikey", "api-key", "bot", "jwt"];
/// Schemes with parameters after them.
const PARAMETERS: &[&str] = &["digest", "aws4-hmac-sha256", "oauth", "hawk", "mac", "signature", "sharedkey", "dpop"];

/// `Authorization: scheme value`; the scheme stays.
pub(crate) fn authorization(text: &mut Text<'_>, from: usize, to: usize) {
    let Some((start, limit)) = content(text, from, to) else { return };
    let word = text.ahead(Stop::Word, start).min(limit);
    let next = text.skip_blanks(word).min(limit);
    let scheme = text.slice(start..word);
    let is = |schemes: &[&str]| scheme.len() <= 16 && schemes.iter().any(|s| scheme.eq_ignore_ascii_case(s.as_bytes()));
    let range = if is(PARAMETERS) {
        next..limit
    } else if is(ONE_WORD) {
        next..text.ahead(Stop::Value, next).min(limit)
    } else if looks_random(scheme) {
        start..text.ahead(Stop::Value, start).min(limit)
    } else if !is_solid(scheme) {
        return;
    } else {
        let end = text.ahead(Stop::Value, next).min(limit);
        if !looks_random(text.slice(next..end)) {
            return;
        }
        next..end
    };
    text.mask(range);
}

/// `Cookie: name=value`. Without `=` it is not a cookie.
pub(crate) fn cookie(text: &mut Text<'_>, from: usize, to: usize) {
    let Some((start, limit)) = content(text, from, to) else { return };
    if text.ahead(Stop::Equals, start) < limit {
        text.mask(start..limit);
    }
}

/// Where the content of a header begins and ends: at a quote that opened before the value or the header, else at the
/// end of the line.
fn content(text: &mut Text<'_>, from: usize, to: usize) -> Option<(usize, usize)> {
    let (start, rest) = value::name(text, from, to);
    let mut found = value::separator(text, to, false).filter(|_| rest.is_empty())?;
    // Go prints a list for each header: `Authorization:[Bearer …]`.
    found.value = found.value.saturating_add(usize::from(text.at(found.value) == b'['));
    if let Some(quote) = value::quote(text, found.value) {
        return Some((quote.inside, value::close(text, quote)));
    }
    let opened = (1..=4)
        .rev()
        .filter_map(|back| value::quote(text, start.checked_sub(back)?))
        .find(|quote| quote.inside == start);
    let limit = match opened {
        Some(quote) if !found.quoted_name => value::close(text, quote.at(found.value)),
        _ => text.ahead(Stop::Line, found.value),
    };
    Some((found.value, limit))
}
