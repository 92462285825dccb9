//! Passwords in short options of programs: `mysql -psecret`.

use super::named::starts_argument;
use super::shape::Flag;
use super::text::{Stop, Text, is_line_end, is_space};
use super::value;

/// A program's name at `from..to`. Returns up to where the command was read, so that it is read once.
pub(crate) fn options(text: &mut Text<'_>, from: usize, to: usize, flag: Flag) -> usize {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if is_name(text.before(from)) {
        return to;
    }
    let line = text.ahead(Stop::Line, to);
    let name = (to..line).take_while(|&at| is_name(text.at(at))).count().min(32);
    let mut at = to.saturating_add(name);
    if !is_space(text.at(at)) && !b"\"'".contains(&text.at(at)) {
        return to;
    }
    while at < line {
        if !starts_argument(text, at) || is_space(text.at(at)) {
            at = at.saturating_add(1);
            continue;
        }
        if is_end_of_command(text.slice(at..at.saturating_add(2))) {
            return at;
        }
        let Some(start) = flag.options.iter().find_map(|option| argument(text, at, option, flag)) else {
            at = at.saturating_add(1);
            continue;
        };
        let mut range = value::value(text, start, false);
        at = range.end.max(start);
        if flag.with_user {
            let user = text.slice(range.clone()).iter().position(|&byte| byte == b':');
            range.start = user.map_or(range.end, |user| range.start.saturating_add(user).saturating_add(1));
            text.mask(range);
        } else {
            text.mask(range);
            return at;
        }
    }
    line
}

/// Where the value of the option begins if the argument there is the option.
fn argument(text: &Text<'_>, at: usize, option: &str, flag: Flag) -> Option<usize> {
    let end = at.saturating_add(option.len());
    if !text.starts(at, option.as_bytes()) {
        return None;
    }
    let is_long = option.starts_with("--");
    let next = text.at(end);
    if is_long && next == b'=' {
        return Some(end.saturating_add(1));
    }
    // `"-p","secret"` in JSON.
    let in_quotes = b"\"'".contains(&text.before(at));
    let closing = value::quote(text, end).filter(|quote| in_quotes && text.at(quote.inside) == b',');
    if !is_space(next) && closing.is_none() {
        return (!is_long && next != b',').then_some(end);
    }
    let after = closing.map_or(end, |quote| quote.inside.saturating_add(1));
    let after = if text.at(after) == 0 { after.saturating_add(1) } else { text.skip_blanks(after) };
    (flag.separate && !is_line_end(text.at(after))).then_some(after)
}

fn is_end_of_command(bytes: &[u8]) -> bool {
    matches!(bytes, [b'|' | b';' | b'&', ..])
}
