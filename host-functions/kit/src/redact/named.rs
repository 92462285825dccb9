//! Names and their values: `password=…`, `"token": "…"`, `--api-key …`, `PASSWORD '…'`.

use std::ops::Range;

use super::block;
use super::shape::Named;
use super::text::{Stop, Text, is_line_end, is_space, looks_random};
use super::value::{self, Between};

/// What may follow the word in a name that still names a secret; compared without `_` and `-`.
/// `password_file`, `token_type`, `secretName` and `passwords` do not.
const ENDINGS: &[&str] =
    &["", "key", "keybase", "value", "string", "confirmation", "confirm", "again", "plain", "base64", "b64"];

/// Values that are no secrets.
const EMPTY: &[&str] =
    &["null", "none", "nil", "true", "false", "undefined", "|", "|-", ">", ">-", "{", "{}", "[", "[]", "-"];

/// Words that begin other texts than a secret after `name:`, as in `failed to read secret: permission denied`,
/// `(using password: YES)`, `pam_unix(passwd:chauthtok)` and `passwd: files` of `nsswitch.conf`.
const MESSAGE_WORDS: &[&str] = &[
    "access",
    "authentication",
    "cannot",
    "chauthtok",
    "compat",
    "connection",
    "context",
    "could",
    "denied",
    "does",
    "error",
    "expired",
    "failed",
    "files",
    "failure",
    "forbidden",
    "incorrect",
    "invalid",
    "is",
    "missing",
    "must",
    "no",
    "not",
    "open",
    "password",
    "permission",
    "required",
    "rpc",
    "secrets",
    "timeout",
    "too",
    "unable",
    "unauthorized",
    "unexpected",
    "unknown",
    "unsupported",
    "wrong",
    "yes",
];

/// A name with a separator and a value; the word is at `from..to`.
pub(crate) fn assigned(text: &mut Text<'_>, from: usize, to: usize, kind: Named) {
    let (start, rest) = value::name(text, from, to);
    if !is_secret(text, start, from, rest, kind) {
        return;
    }
    let end = to.saturating_add(rest.len());
    let Some(found) = value::separator(text, end, is_element(text, start)) else { return };
    let is_colon = found.between == Between::Colon;
    let is_bare = is_colon && !found.quoted_name;
    let json = found.quoted_name && is_colon;
    let mut range = value::value(text, found.value, json);
    if kind == Named::Phrase && is_bare && range.start == found.value {
        range.end = text.ahead(Stop::Line, range.start);
    }
    let content = text.slice(range.clone());
    let is_path = kind == Named::Key && is_path(content);
    let is_common = matches!(kind, Named::Weak | Named::Short) && start == from;
    let is_word = is_bare && is_common && !looks_random(content);
    let is_message = is_bare && is_one_of(first_word(content), MESSAGE_WORDS);
    if !is_path && !is_word && !is_message {
        mask(text, range);
    }
}

/// `--password value`: spaces, NUL (`/proc/PID/cmdline`) or `","` (a list in JSON) before the value.
pub(crate) fn option(text: &mut Text<'_>, from: usize, to: usize, kind: Named) {
    let (start, rest) = value::name(text, from, to);
    if text.at(start) != b'-' || !is_secret(text, start, from, rest, kind) {
        return;
    }
    let end = to.saturating_add(rest.len());
    let closing = value::quote(text, end);
    let after = closing.map_or(end, |quote| quote.inside);
    let after = if closing.is_some() && text.at(after) == b',' { after.saturating_add(1) } else { after };
    let at = if after == end && text.at(end) == 0 { end.saturating_add(1) } else { text.skip_blanks(after) };
    if at == end
        || is_line_end(text.at(at))
        || text.at(at) == b'-'
        || closing.is_some() && value::quote(text, at).is_none()
    {
        return;
    }
    let range = value::value(text, at, closing.is_some());
    mask(text, range);
}

/// `PASSWORD 'value'`, `IDENTIFIED BY PASSWORD "value"`. After `password` only a single quote: messages of databases
/// have names in double quotes.
pub(crate) fn sql(text: &mut Text<'_>, from: usize, to: usize) {
    let at = text.skip_blanks(to);
    let is_identified = text.slice(from..to).ends_with(b"y") || text.slice(from..to).ends_with(b"Y");
    let Some(quote) = value::quote(text, at).filter(|_| at > to) else { return };
    if is_identified || text.at(quote.inside.saturating_sub(1)) == b'\'' {
        let range = value::value(text, at, false);
        mask(text, range);
    }
}

fn mask(text: &mut Text<'_>, range: Range<usize>) {
    // Of a key block, the BEGIN line stays: `block` masks the rest.
    if !is_one_of(text.slice(range.clone()), EMPTY) && !block::begins(text, range.start) {
        text.mask(range);
    }
}

fn is_secret(text: &Text<'_>, start: usize, from: usize, rest: &[u8], kind: Named) -> bool {
    let mut ending = rest.iter().filter(|byte| !b"_-".contains(byte)).map(u8::to_ascii_lowercase);
    let is_number = rest.iter().all(|&byte| byte.is_ascii_digit() || b"_-".contains(&byte));
    let ends = is_number || {
        let ending: Vec<u8> = ending.by_ref().collect();
        ENDINGS.iter().any(|known| known.as_bytes() == ending)
    };
    let name = text.slice(start..from.saturating_add(3));
    // The working directory is in every environment.
    let is_directory = name == b"PWD" || name == b"OLDPWD";
    let is_whole = kind != Named::Short || start == from || b"_-".contains(&text.before(from));
    // `__token__` is a user name.
    ends && !rest.ends_with(b"__") && is_whole && !is_directory
}

/// Whether `<name` or `<prefix:name` is the start of an XML element.
fn is_element(text: &Text<'_>, start: usize) -> bool {
    match text.before(start) {
        b'<' => true,
        b':' => {
            (2..=16).map(|back| text.before(start.saturating_sub(back - 1))).find(|b| !b.is_ascii_alphanumeric())
                == Some(b'<')
        }
        _ => false,
    }
}

fn is_path(content: &[u8]) -> bool {
    let is_relative = [b"./".as_slice(), b"../", b"~/", b"file:"].iter().any(|start| content.starts_with(start));
    // A generated key may hold slashes, but it has no dot or more than one slash in few bytes.
    let is_absolute = content.starts_with(b"/") && (content.contains(&b'.') || !looks_random(content));
    is_relative || is_absolute
}

fn is_one_of(content: &[u8], words: &[&str]) -> bool {
    content.len() <= 16 && words.iter().any(|word| content.eq_ignore_ascii_case(word.as_bytes()))
}

/// Without `:` and brackets at its end.
fn first_word(content: &[u8]) -> &[u8] {
    let end = content.iter().rposition(|byte| !b":,.)".contains(byte)).map_or(0, |last| last.saturating_add(1));
    content.get(..end).unwrap_or(content)
}

/// Whether an argument begins there: after a space, a quote or a comma.
pub(crate) fn starts_argument(text: &Text<'_>, at: usize) -> bool {
    let before = text.before(at);
    is_space(before) || b"\"',([".contains(&before)
}
