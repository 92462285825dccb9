//! Reads names, separators and values: `password = 'a b'`, `"secret": "…"`, `token=>…`.

use std::ops::Range;

use super::text::{Stop, Text, is_line_end};

/// Segments of one shell word, as in `'it'\''s'`.
const MOST_SEGMENTS: usize = 8;

/// An opening quote, perhaps escaped because the text is inside a JSON string.
#[derive(Clone, Copy)]
pub(crate) struct Quote {
    mark: u8,
    /// Backslashes before the quote: 0, 1 or 3.
    level: usize,
    /// The first byte inside.
    pub(crate) inside: usize,
    /// A backslash inside escapes nothing.
    literal: bool,
}

impl Quote {
    /// The same quote, to look for its end from there on.
    pub(crate) fn at(self, inside: usize) -> Quote {
        Quote { inside, ..self }
    }
}

/// What is between a name and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// `=`, `=>`, `:=`, `%3D`, or `>` of an XML element.
    Assigns,
    /// `:`
    Colon,
}

/// A separator.
#[derive(Clone, Copy)]
pub(crate) struct Separator {
    pub(crate) between: Between,
    /// The name was in quotes, so the value is JSON or similar.
    pub(crate) quoted_name: bool,
    /// Where the value begins, with its quote.
    pub(crate) value: usize,
}

/// Whether a quote begins there. Other numbers of backslashes do not occur: each level of JSON doubles them and adds 1.
pub(crate) fn quote(text: &Text<'_>, at: usize) -> Option<Quote> {
    let level = (at..at.saturating_add(4)).take_while(|&at| text.at(at) == b'\\').count();
    let end = at.saturating_add(level);
    let mark = text.at(end);
    (matches!(level, 0 | 1 | 3) && b"\"'`".contains(&mark)).then(|| Quote {
        mark,
        level,
        inside: end.saturating_add(1),
        literal: false,
    })
}

/// Where the quoted value ends: at its closing quote (its backslashes included), else at the end of the line.
pub(crate) fn close(text: &Text<'_>, quote: Quote) -> usize {
    let mut slashes: usize = 0;
    for at in quote.inside..text.len() {
        match text.at(at) {
            b'\\' if !quote.literal => slashes = slashes.saturating_add(1),
            byte if is_line_end(byte) => return at,
            // Inside of the value a quote has more backslashes than outside, and a backslash is doubled.
            byte if byte == quote.mark && slashes % (2 * (quote.level + 1)) == quote.level => {
                return at.saturating_sub(quote.level);
            }
            _ => slashes = 0,
        }
    }
    text.len()
}

/// Reads what follows a name. `at` is the first byte after the name, `open` whether `<` precedes the name.
pub(crate) fn separator(text: &Text<'_>, at: usize, open: bool) -> Option<Separator> {
    if open && text.at(at) == b'>' {
        return Some(Separator { between: Between::Assigns, quoted_name: false, value: at.saturating_add(1) });
    }
    let closing = quote(text, at);
    let mut at = closing.map_or(at, |quote| quote.inside);
    // `user[password]=…`, `['password'] = …`
    if text.at(at) == b']' {
        at = at.saturating_add(1);
    } else if text.slice(at..at.saturating_add(3)).eq_ignore_ascii_case(b"%5d") {
        at = at.saturating_add(3);
    }
    at = text.skip_blanks(at);
    // `{"name":"PASSWORD","value":"…"}`
    if closing.is_some() && text.at(at) == b',' {
        at = after_value_key(text, at.saturating_add(1))?;
    }
    let next = text.at(at.saturating_add(1));
    let (between, length) = match text.at(at) {
        b':' if next == b'=' => (Between::Assigns, 2),
        b':' if next == b':' => return None,
        b':' => (Between::Colon, 1),
        b'=' if next == b'>' || next == b'=' => (Between::Assigns, 2),
        b'=' => (Between::Assigns, 1),
        b'%' if text.slice(at..at.saturating_add(3)).eq_ignore_ascii_case(b"%3d") => (Between::Assigns, 3),
        _ => return None,
    };
    let value = text.skip_blanks(at.saturating_add(length));
    Some(Separator { between, quoted_name: closing.is_some(), value })
}

/// After the key `"value"`.
fn after_value_key(text: &Text<'_>, at: usize) -> Option<usize> {
    let key = quote(text, text.skip_blanks(at))?.inside;
    let end = key.saturating_add(5);
    let is_value = text.slice(key..end).eq_ignore_ascii_case(b"value");
    Some(text.skip_blanks(quote(text, end).filter(|_| is_value)?.inside))
}

/// The value there, without its quotes. `json`: a value without quotes ends at `,`, `}` or `]`.
pub(crate) fn value(text: &mut Text<'_>, mut at: usize, json: bool) -> Range<usize> {
    if text.at(at) == b'[' && quote(text, at.saturating_add(1)).is_some() {
        at = at.saturating_add(1);
    }
    let Some(first) = quote(text, at) else {
        let stop = if json { Stop::Json } else { Stop::Value };
        return at..text.ahead(stop, at);
    };
    if first.level > 0 || json {
        return first.inside..close(text, first);
    }
    let escaped = word(text, at, first);
    if first.mark != b'\'' {
        return escaped;
    }
    // In single quotes a backslash escapes for a database but not for a shell: the longer reading hides both.
    let literal = word(text, at, Quote { literal: true, ..first });
    if literal.end > escaped.end { literal } else { escaped }
}

/// A word that begins with a quote. The shell joins what follows without a space: `'it'\''s'`.
fn word(text: &mut Text<'_>, at: usize, first: Quote) -> Range<usize> {
    let mut end = close(text, first);
    // The quote that should be at `end`, or 0 after bytes without quotes.
    let mut mark = first.mark;
    for segment in 0.. {
        // Not closed: the line ended.
        if mark != 0 && text.at(end) != mark {
            break;
        }
        if segment == MOST_SEGMENTS {
            return at..text.ahead(Stop::Line, end);
        }
        let next = if mark == 0 { end } else { end.saturating_add(1) };
        // A quote inside of the value: SQL doubles it, `'it''s'`; shells leave the quotes for it.
        let doubled = mark == b'\'' && end > first.inside && text.at(next) == mark;
        let left = [b"'\\''".as_slice(), b"'\"'\"'"].into_iter().find(|left| mark == b'\'' && text.starts(end, left));
        if let Some(left) = left {
            end = close(text, Quote { mark, inside: end.saturating_add(left.len()), ..first });
            continue;
        }
        if !doubled && text.stops(Stop::Value, next) {
            break;
        }
        let escaped = text.at(next.saturating_add(1));
        if let (b'"' | b'\'', Some(more)) = (text.at(next), quote(text, next)) {
            (mark, end) = (more.mark, close(text, Quote { literal: first.literal && more.mark == b'\'', ..more }));
        } else if text.at(next) == b'\\' && escaped != 0 && !is_line_end(escaped) {
            (mark, end) = (0, next.saturating_add(2));
        } else if mark == 0 || text.at(next).is_ascii_alphanumeric() {
            (mark, end) = (0, text.ahead(Stop::Value, next));
            break;
        } else {
            break;
        }
    }
    // One quote must not remain alone: it would seem to open a value.
    if mark == first.mark {
        first.inside..end
    } else {
        at..end.saturating_add(usize::from(mark != 0 && text.at(end) == mark))
    }
}

/// The whole name around the bytes `from..to`: its start, and what follows `to` in it. Looks at most 64 bytes back and
/// 32 ahead.
pub(crate) fn name<'t>(text: &Text<'t>, from: usize, to: usize) -> (usize, &'t [u8]) {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let back = (1..=64).take_while(|back| is_name(text.before(from.saturating_sub(back - 1)))).count();
    let rest = (to..to.saturating_add(32)).take_while(|&at| is_name(text.at(at))).count();
    (from.saturating_sub(back), text.slice(to..to.saturating_add(rest)))
}
