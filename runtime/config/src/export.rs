//! `[audit.export]`: the targets that receive signed heads of the audit log, and the interval.

use std::net::IpAddr;
use std::path::PathBuf;

use ansai_core::{Code, Millis, codes};

use crate::fields::{Fields, wrong_type};
use crate::node::{Kind, Node};
use crate::problem::{Problem, Problems};

const KEYS: &[&str] = &["every", "timeout", "file", "command", "url", "token_file", "ca_file", "allow_plain_http"];
const SECOND_MS: u64 = 1_000;
const HOUR_MS: u64 = 3_600_000;
const MONTH_MS: u64 = 30 * 24 * HOUR_MS;
const MOST_WORDS: usize = 64;
pub(crate) const MOST_TEXT: usize = 4_096;

/// Where heads are sent. At least one target is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Interval between two heads.
    pub every: Millis,
    /// Time limit for each target.
    pub timeout: Millis,
    /// Absolute path of a file to which a line is appended.
    pub file: Option<PathBuf>,
    /// Absolute path of a program, and its arguments. It reads the head from standard input.
    pub command: Option<Vec<String>>,
    /// A URL to which the head is posted as JSON.
    pub url: Option<ExportUrl>,
}

/// A web server that receives heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportUrl {
    /// The URL as written: `https`, or `http` if that is allowed.
    pub url: String,
    /// The URL without the part after `?`, which may be a secret.
    pub shown: String,
    /// File with a bearer token.
    pub token_file: Option<PathBuf>,
    /// File with the certificates to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
}

pub(crate) fn read(node: &Node, problems: &mut Problems) -> Option<Export> {
    let fields = Fields::of(node, "`[audit.export]`", KEYS, problems)?;
    let every = fields.duration("every", (SECOND_MS, MONTH_MS), problems).unwrap_or(Millis::new(HOUR_MS));
    let timeout =
        fields.duration("timeout", (SECOND_MS, 10 * 60 * SECOND_MS), problems).unwrap_or(Millis::new(30 * SECOND_MS));
    let targets = ["file", "command", "url"];
    if targets.iter().all(|target| fields.get(target).is_none()) {
        problems.add(
            Problem::error(codes::EXPORT_TARGET, node.span.clone(), "`[audit.export]` names no target")
                .hint("add, for example:\nfile = \"/mnt/elsewhere/ansai-heads\""),
        );
    }
    let file = path(&fields, "file", problems);
    let command = fields.get("command").and_then(|node| command("command", node, problems));
    let plain = fields.boolean("allow_plain_http", problems).unwrap_or(false);
    let (token_file, ca_file) = (path(&fields, "token_file", problems), path(&fields, "ca_file", problems));
    for key in ["token_file", "ca_file", "allow_plain_http"] {
        if let (Some(entry), None) = (fields.entry(key), fields.get("url")) {
            let message = format!("`{key}` needs `url`");
            problems.add(Problem::error(codes::EXPORT_TARGET, entry.key_span.clone(), message));
        }
    }
    let url = fields.text("url", MOST_TEXT, problems).zip(fields.get("url")).and_then(|(text, node)| {
        match address(text, plain) {
            Ok(shown) => Some(ExportUrl { url: text.to_owned(), shown, token_file, ca_file }),
            Err((code, words, hint)) => {
                problems.add(Problem::error(code, node.span.clone(), format!("`url` {words}")).hint(hint));
                None
            }
        }
    });
    Some(Export { every, timeout, file, command, url })
}

pub(crate) fn path(fields: &Fields<'_>, key: &str, problems: &mut Problems) -> Option<PathBuf> {
    let (text, node) = fields.text(key, MOST_TEXT, problems).zip(fields.get(key))?;
    if !ansai_core::scope::is_plain_absolute(text) {
        problems.add(
            Problem::error(
                codes::BAD_PATH,
                node.span.clone(),
                format!("`{key}` must be an absolute path without `.` or `..`"),
            )
            .hint("without a slash at the end, too"),
        );
        return None;
    }
    Some(PathBuf::from(text))
}

/// A list of an absolute path and its arguments; `key` names it in messages.
pub(crate) fn command(key: &str, node: &Node, problems: &mut Problems) -> Option<Vec<String>> {
    let way_out =
        "write program and arguments as a list of texts, such as [\"/usr/bin/logger\", \"-t\", \"ansai-head\"]";
    let Kind::Array(list) = &node.kind else {
        problems.add(wrong_type(key, node, "a list of texts").hint(way_out));
        return None;
    };
    let mut words = Vec::with_capacity(list.len().min(MOST_WORDS));
    for one in list.iter().take(MOST_WORDS + 1) {
        match &one.kind {
            Kind::Text(text) if text.len() <= MOST_TEXT && !text.contains('\0') => words.push(text.clone()),
            Kind::Text(_) => {
                let message = format!("a word of `{key}` is too long or holds a zero byte");
                problems.add(Problem::error(codes::BAD_COMMAND, one.span.clone(), message));
                return None;
            }
            _ => {
                problems.add(wrong_type(key, one, "a list of texts").hint(way_out));
                return None;
            }
        }
    }
    match words.first() {
        Some(program) if words.len() <= MOST_WORDS && ansai_core::scope::is_plain_absolute(program) => Some(words),
        _ => {
            let words = format!("`{key}` must be an absolute path and at most {} arguments", MOST_WORDS - 1);
            problems.add(Problem::error(codes::BAD_COMMAND, node.span.clone(), words).hint(way_out));
            None
        }
    }
}

/// The part of a URL that may be shown; or code, message and hint if the URL is invalid.
pub(crate) fn address(text: &str, plain_allowed: bool) -> Result<String, (Code, &'static str, &'static str)> {
    let example = "such as \"https://heads.example.org/ansai\"";
    let wrong = |words, hint| (codes::BAD_URL, words, hint);
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong("holds a blank or what is not ASCII", "write such characters as %20 and so on"));
    }
    let (scheme, rest) = text.split_once("://").ok_or(wrong("is no address", example))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err(wrong("contains a user or a password", "put a token into a file and name it as `token_file`"));
    }
    if path.contains('#') {
        return Err(wrong("holds a `#`, which no server sees", "leave out what begins with it"));
    }
    let host = host(authority).ok_or(wrong("has no host, or an invalid port", example))?;
    match scheme {
        "https" => {}
        "http" if plain_allowed || is_loopback(host) => {}
        "http" => {
            let hint = "write https://, or add allow_plain_http = true: then anyone on the network can change or hold back \
                heads, though not forge them";
            return Err((codes::PLAIN_HTTP, "is not encrypted", hint));
        }
        _ => return Err(wrong("begins with neither https:// nor http://", example)),
    }
    let path = path.split('?').next().unwrap_or_default();
    Ok(format!("{scheme}://{authority}{path}"))
}

/// The host without port and brackets; `None` if host or port is invalid.
pub(crate) fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest
            .split_once(']')
            .map(|(host, port)| (host, port.strip_prefix(':').or((port.is_empty()).then_some("80"))))?,
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("80")),
        },
    };
    let port: u16 = port?.parse().ok()?;
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    (port > 0 && !host.is_empty() && host.chars().all(known)).then_some(host)
}

/// Whether the host is this machine. `localhost` always is (RFC 6761).
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_recognized() {
        for (text, shown) in [
            ("https://h.example/heads", Some("https://h.example/heads")),
            ("https://h.example:8443/heads?token=secret", Some("https://h.example:8443/heads")),
            ("https://h.example?x", Some("https://h.example")),
            ("http://127.0.0.1:80/", Some("http://127.0.0.1:80/")),
            ("http://[::1]:8080/x", Some("http://[::1]:8080/x")),
            ("http://localhost/x", Some("http://localhost/x")),
            ("http://h.example/", None),
            ("http://127.0.0.1.h.example/", None),
            ("http://localhost.h.example/", None),
            ("http://127.0.0.1@h.example/", None),
            ("https://user:password@h.example/", None),
            ("https:///x", None),
            ("https://h.example:0/", None),
            ("https://h.example:99999/", None),
            ("https://h.example:/", None),
            ("https://[::1/", None),
            ("https://[::1]x/", None),
            ("https://h example/", None),
            ("https://h.example/#x", None),
            ("ftp://h.example/", None),
            ("h.example", None),
        ] {
            assert_eq!(address(text, false).ok().as_deref(), shown, "{text}");
        }
        assert!(address("http://h.example/", true).is_ok());
    }
}
