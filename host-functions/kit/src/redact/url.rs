//! Passwords in URLs and DSNs.

use super::text::{Stop, Text, looks_random};

/// A user name without a password is a token if it has at least this length and looks random.
const LEAST_TOKEN: usize = 20;
/// How far before `@tcp(` the user name may begin.
const MOST_USER: usize = 256;
/// Schemes whose paths often have `@`; there the password must be encoded to be valid.
const WEB: &[&str] = &["http", "https", "ws", "wss", "git", "ssh", "ftp", "ftps", "sftp"];

/// `from..to` is `://`.
pub(crate) fn password(text: &mut Text<'_>, from: usize, to: usize) {
    let authority = text.ahead(Stop::Authority, to);
    let in_authority = text.slice(to..authority).iter().rposition(|&byte| byte == b'@').map(|at| to.saturating_add(at));
    let Some(user) = text.slice(to..authority).iter().position(|&byte| byte == b':') else {
        if let Some(at) = in_authority
            && at.saturating_sub(to) >= LEAST_TOKEN
            && looks_random(text.slice(to..at))
        {
            text.mask(to..at);
        }
        return;
    };
    let start = to.saturating_add(user).saturating_add(1);
    let is_port = text.slice(start..authority).iter().all(u8::is_ascii_digit);
    let end = if is_web(text, from) {
        in_authority
    } else if is_port {
        None
    } else {
        // Drivers of databases also take passwords with `/`, `?`, `#` or `@` that are not encoded.
        let run = text.ahead(Stop::Url, to);
        text.last_at(start, run)
    };
    let Some(end) = end.filter(|&end| end >= start) else { return };
    if !text.starts(end, b"@sha256:") {
        text.mask(start..end);
    }
}

/// `user:password@tcp(host)`; `from` is the place of `@`.
pub(crate) fn go_dsn(text: &mut Text<'_>, from: usize) {
    let is_user = |byte: u8| byte > b' ' && !b"\"'`=".contains(&byte);
    let length =
        (0..MOST_USER).take_while(|&back| from > back && is_user(text.before(from.saturating_sub(back)))).count();
    let start = from.saturating_sub(length);
    if let Some(user) = text.slice(start..from).iter().position(|&byte| byte == b':') {
        text.mask(start.saturating_add(user).saturating_add(1)..from);
    }
}

fn is_web(text: &Text<'_>, from: usize) -> bool {
    let letters = (0..8).take_while(|&back| text.before(from.saturating_sub(back)).is_ascii_alphabetic()).count();
    let scheme = text.slice(from.saturating_sub(letters)..from);
    WEB.iter().any(|web| scheme.eq_ignore_ascii_case(web.as_bytes()))
}
