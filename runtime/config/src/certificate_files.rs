//! What a target of the kind `certificate` holds: the files of a server, and the commands that make it read them.

use std::path::PathBuf;

use ansai_core::codes;
use ansai_core::scope::is_plain_absolute;
use ansai_core::text::inert;

use crate::fields::{Fields, wrong_type};
use crate::node::{Kind, Node};
use crate::problem::{Problem, Problems};

/// The kind of such a target.
const KIND: &str = "certificate";
const KEYS: [&str; 4] = ["certificate", "key", "test", "reload"];
const MOST_PATH: usize = 4_096;
/// The most words of a command, and the most bytes of a word.
const MOST_WORDS: usize = 64;
const MOST_TEXT: usize = 4_096;

/// The certificate of a server on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The file with its certificates.
    pub certificate: PathBuf,
    /// The file with its private key.
    pub key: PathBuf,
    /// The command that tests the configuration of the server; empty if there is none.
    pub test: Vec<String>,
    /// How it reads the files again.
    pub reload: Reload,
}

/// How a server reads its files again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// Its unit is reloaded.
    Unit(String),
    /// This command is run.
    Command(Vec<String>),
}

/// Reads them; `None` for a target of another kind.
pub(crate) fn read(fields: &Fields<'_>, kind: Option<&str>, problems: &mut Problems) -> Option<CertificateFiles> {
    if kind != Some(KIND) {
        if let Some(entry) = KEYS.iter().find_map(|key| fields.entry(key)) {
            let message = format!("`{}` is only for targets of the kind `{KIND}`", inert(&entry.key, 80));
            problems.add(
                Problem::error(codes::UNKNOWN_KEY, entry.key_span.clone(), message)
                    .hint("write kind = \"certificate\", or delete the key"),
            );
        }
        return None;
    }
    fields.require(
        &[
            ("certificate", "certificate = \"/etc/letsencrypt/live/example.org/fullchain.pem\""),
            ("key", "key = \"/etc/letsencrypt/live/example.org/privkey.pem\""),
            ("reload", "reload = \"nginx.service\""),
        ],
        problems,
    );
    let certificate = file("certificate", fields, problems);
    let key = file("key", fields, problems);
    let test = match fields.get("test") {
        Some(node) => Some(command("test", node, problems)?),
        None => Some(Vec::new()),
    };
    let reload = fields.get("reload").and_then(|node| reload(node, problems));
    Some(CertificateFiles { certificate: certificate?, key: key?, test: test?, reload: reload? })
}

fn file(key: &str, fields: &Fields<'_>, problems: &mut Problems) -> Option<PathBuf> {
    let text = fields.text(key, MOST_PATH, problems)?;
    let is_plain = is_plain_absolute(text) && text != "/" && inert(text, MOST_PATH) == text;
    if !is_plain {
        let message = format!("`{key}` must be the absolute path of a file, without `.`, `..` and control characters");
        let span = fields.get(key)?.span.clone();
        problems.add(Problem::error(codes::BAD_PATH, span, message).hint("such as \"/etc/ssl/private/web.pem\""));
    }
    is_plain.then(|| PathBuf::from(text))
}

fn reload(node: &Node, problems: &mut Problems) -> Option<Reload> {
    let Kind::Text(text) = &node.kind else { return command("reload", node, problems).map(Reload::Command) };
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | ':' | '\\');
    let is_unit = text.len() <= 255 && text.strip_suffix(".service").is_some_and(|name| !name.is_empty());
    let is_unit = is_unit && text.chars().all(known) && !text.starts_with('-');
    if !is_unit {
        let message = format!("`reload` is `{}`, which is not the name of a service", inert(text, 80));
        let hint = "write the name of a service with `.service`, or a command as a list of texts";
        problems.add(Problem::error(codes::BAD_NAME, node.span.clone(), message).hint(hint));
    }
    is_unit.then(|| Reload::Unit(text.clone()))
}

fn command(key: &str, node: &Node, problems: &mut Problems) -> Option<Vec<String>> {
    let way_out = "write program and arguments as a list of texts, such as [\"/usr/sbin/nginx\", \"-t\"]";
    let Kind::Array(list) = &node.kind else {
        problems.add(wrong_type(key, node, "a list of texts").hint(way_out));
        return None;
    };
    let word = |one: &Node| match &one.kind {
        Kind::Text(text) if text.len() <= MOST_TEXT && !text.contains('\0') => Some(text.clone()),
        _ => None,
    };
    let words: Option<Vec<String>> = list.iter().take(MOST_WORDS + 1).map(word).collect();
    let words = words.filter(|words| words.len() <= MOST_WORDS);
    let words = words.filter(|words| words.first().is_some_and(|program| is_plain_absolute(program)));
    if words.is_none() {
        let message = format!("`{key}` must be an absolute path and at most {} arguments", MOST_WORDS - 1);
        problems.add(Problem::error(codes::BAD_COMMAND, node.span.clone(), message).hint(way_out));
    }
    words
}
