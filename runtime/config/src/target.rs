//! `[target.NAME]`: servers and other things that policies may use by their names.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ansai_core::text::inert;
use ansai_core::{Millis, codes};

use crate::address;
use crate::certificate_files::{self, CertificateFiles};
use crate::fields::{Fields, wrong_type};
use crate::identifier;
use crate::labels::{self, Labels};
use crate::manifest::table_of;
use crate::node::{Entry, Kind, Node};
use crate::problem::{Problem, Problems};
use crate::source::Span;

pub(crate) const KEYS: &[&str] =
    &["kind", "address", "user", "secret", "labels", "call_limit", "certificate", "key", "test", "reload"];
pub(crate) const SECRET_KEYS: &[&str] = &["file", "credential"];
/// Bounds of `call_limit`, in milliseconds. A call of any kind ends after 20 s.
pub(crate) const CALL_LIMIT: (u64, u64) = (100, 20_000);
const MOST_TARGETS: usize = 1_000;
const MOST_ADDRESS: usize = 4_096;
const MOST_USER: usize = 256;
const SECRET_EXAMPLE: &str =
    "write secret = { file = \"/etc/ansai/NAME.secret\" } or secret = { credential = \"NAME\" }";

/// A target as the operator describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What it is: `postgresql`. Only its form is checked.
    pub kind: String,
    /// A URL without user and password, `HOST:PORT`, or `unix:/PATH`.
    pub address: Option<String>,
    /// The user to connect as.
    pub user: Option<String>,
    /// Where its secret is. The secret itself is never in the configuration.
    pub secret: Option<SecretSource>,
    /// Its labels.
    pub labels: Labels,
    /// How long one call of it may take; `None` if the limit of the instance applies.
    pub call_limit: Option<Millis>,
    /// The files of a target of the kind `certificate`.
    pub certificate: Option<CertificateFiles>,
    pub(crate) name_span: Span,
    pub(crate) secret_span: Span,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In this file; the path is absolute.
    File(PathBuf),
    /// In the credential of this name, which systemd passes to the service.
    Credential(String),
}

/// Targets by name.
pub type Targets = BTreeMap<String, Target>;

/// Reads `[target]`.
pub(crate) fn read(node: &Node, problems: &mut Problems) -> Targets {
    let entries = table_of("`[target]`", node, problems).unwrap_or_default();
    if let Some(entry) = entries.get(MOST_TARGETS) {
        let message = format!("{} targets, more than {MOST_TARGETS}", entries.len());
        problems.add(
            Problem::error(codes::TOO_MANY_ENTRIES, entry.key_span.clone(), message)
                .hint("delete those that no policy uses"),
        );
    }
    let mut targets = Targets::new();
    for entry in entries.iter().take(MOST_TARGETS) {
        if !identifier::is_name(&entry.key) {
            problems.add(identifier::bad_name("a target", &entry.key, entry.key_span.clone()));
        }
        if let Some(target) = one(entry, problems) {
            targets.insert(entry.key.clone(), target);
        }
    }
    targets
}

fn one(entry: &Entry, problems: &mut Problems) -> Option<Target> {
    let place = format!("`[target.{}]`", inert(&entry.key, 64));
    let fields = Fields::of(&entry.node, &place, KEYS, problems)?;
    fields.require(&[("kind", "kind = \"postgresql\"")], problems);
    let kind = fields.text("kind", MOST_USER, problems).zip(fields.get("kind")).and_then(|(text, node)| {
        let is_word = identifier::is_name(text);
        if !is_word {
            problems.add(identifier::bad_name("a kind of target", text, node.span.clone()));
        }
        is_word.then(|| text.to_owned())
    });
    let address = fields.text("address", MOST_ADDRESS, problems).zip(fields.get("address")).and_then(|(text, node)| {
        let checked = address::check(text);
        if let Err((code, words, hint)) = checked {
            problems.add(Problem::error(code, node.span.clone(), format!("`address` {words}")).hint(hint));
        }
        checked.is_ok().then(|| text.to_owned())
    });
    let user = fields.text("user", MOST_USER, problems).zip(fields.get("user")).and_then(|(text, node)| {
        let is_plain = inert(text, MOST_USER) == text;
        if !is_plain {
            let message = "`user` holds a control character";
            problems.add(
                Problem::error(codes::BAD_NAME, node.span.clone(), message)
                    .hint("write the name in visible characters"),
            );
        }
        is_plain.then(|| text.to_owned())
    });
    let secret = fields.entry("secret");
    let certificate = certificate_files::read(&fields, kind.as_deref(), problems);
    Some(Target {
        certificate,
        kind: kind.unwrap_or_default(),
        address,
        user,
        secret: secret.and_then(|entry| read_secret(&entry.node, problems)),
        labels: fields
            .get("labels")
            .map(|node| labels::read(node, &format!("`labels` of {place}"), problems))
            .unwrap_or_default(),
        call_limit: fields.duration("call_limit", CALL_LIMIT, problems),
        name_span: entry.key_span.clone(),
        secret_span: secret.map_or_else(|| entry.key_span.clone(), |entry| entry.key_span.clone()),
    })
}

pub(crate) fn read_secret(node: &Node, problems: &mut Problems) -> Option<SecretSource> {
    if let Kind::Text(_) = node.kind {
        // The text may be the secret itself, so the message does not repeat it.
        problems.add(wrong_type("secret", node, "a table that says where the secret is").hint(SECRET_EXAMPLE));
        return None;
    }
    let fields = Fields::of(node, "`secret`", SECRET_KEYS, problems)?;
    let (file, credential) = (fields.get("file"), fields.get("credential"));
    match (file, credential) {
        (Some(node), None) => {
            let text = fields.text("file", MOST_ADDRESS, problems)?;
            let is_plain =
                ansai_core::scope::is_plain_absolute(text) && text != "/" && inert(text, MOST_ADDRESS) == text;
            if !is_plain {
                let message = "`file` must be the absolute path of a file, without `.`, `..` and control characters";
                problems.add(
                    Problem::error(codes::BAD_PATH, node.span.clone(), message)
                        .hint("such as \"/etc/ansai/main-db.secret\""),
                );
            }
            is_plain.then(|| SecretSource::File(PathBuf::from(text)))
        }
        (None, Some(node)) => {
            let text = fields.text("credential", MOST_ADDRESS, problems)?;
            let is_valid = is_credential(text);
            if !is_valid {
                let message = format!("`{}` is not a valid name for a credential", inert(text, 80));
                problems.add(
                    Problem::error(codes::BAD_NAME, node.span.clone(), message)
                        .hint("use the name in `LoadCredential=NAME:PATH`: letters, digits, `.`, `_` and `-`"),
                );
            }
            is_valid.then(|| SecretSource::Credential(text.to_owned()))
        }
        _ => {
            let count = if file.is_some() { "both of" } else { "none of" };
            let message = format!("`secret` names {count} `file` and `credential`");
            problems.add(Problem::error(codes::BAD_SECRET, node.span.clone(), message).hint(SECRET_EXAMPLE));
            None
        }
    }
}

/// The names of credentials that systemd accepts, without those that would have to be quoted.
fn is_credential(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.len() <= 255 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(known)
}
