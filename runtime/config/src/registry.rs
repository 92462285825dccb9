//! `[registry]` and `[[trust]]`: where short names of policies lead, and whose keys vouch for which policies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_core::text::inert;
use ansai_core::{PolicyPattern, codes};

use crate::fields::{Fields, wrong_type};
use crate::manifest::table_of;
use crate::node::{Kind, Node};
use crate::notify;
use crate::problem::{Problem, Problems};
use crate::source::Span;

const MOST_RULES: usize = 100;
const MOST_TEXT: usize = 4_096;
/// How many keys must have signed.
const MINIMUM: (u64, u64) = (1, 100);

/// What the configuration says about policies from registries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Where the policies of a namespace are: a registry, or a place in one.
    pub namespaces: BTreeMap<String, String>,
    /// The same for all other namespaces.
    pub default: Option<String>,
    /// `[[trust]]`, in the order of the file.
    pub trust: Vec<TrustTable>,
}

/// Who must have signed the policies with these names. Files are as they are written: relative to the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustTable {
    /// What it covers.
    pub names: Vec<PolicyPattern>,
    /// Files of public keys of which `minimum` must have signed.
    pub keys: Vec<PathBuf>,
    /// How many of `keys`; zero if there are none.
    pub minimum: usize,
    /// Files of public keys that must all have signed.
    pub all_of: Vec<PathBuf>,
    /// The list of what its signers revoked: an address with `https`, or the absolute path of a file.
    pub revocations: Option<String>,
    /// Files of public keys of which one signs the list; empty for all of the above.
    pub revocation_keys: Vec<PathBuf>,
}

/// Reads `[registry]`.
pub(crate) fn read(node: &Node, problems: &mut Problems) -> RegistrySettings {
    let mut settings = RegistrySettings::default();
    let Some(fields) = Fields::of(node, "`[registry]`", &["default", "namespaces"], problems) else { return settings };
    settings.default = fields.get("default").and_then(|node| place("default", node, problems));
    let namespaces = fields.get("namespaces").and_then(|node| table_of("`namespaces`", node, problems));
    for entry in namespaces.unwrap_or_default() {
        if !crate::is_name(&entry.key) {
            problems.add(crate::identifier::bad_name("a namespace", &entry.key, entry.key_span.clone()));
        }
        if let Some(place) = place(&inert(&entry.key, 80), &entry.node, problems) {
            settings.namespaces.insert(entry.key.clone(), place);
        }
    }
    settings
}

/// `registry.example` or `registry.example/team`. Whoever uses it checks the rest.
fn place(key: &str, node: &Node, problems: &mut Problems) -> Option<String> {
    let Kind::Text(text) = &node.kind else {
        problems.add(wrong_type(key, node, "a text"));
        return None;
    };
    let is_known = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b':')
    };
    let is_place = !text.is_empty() && text.len() <= 255 && text.bytes().all(is_known);
    if !is_place || text.contains("//") || text.ends_with('/') || text.starts_with('/') {
        let message = format!("`{key}` is `{}`, which is not a registry or a place in one", inert(text, 80));
        let hint = "write a host, such as \"registry.example\", or a place, such as \"registry.example/team\"";
        problems.add(Problem::error(codes::BAD_REFERENCE, node.span.clone(), message).hint(hint));
        return None;
    }
    Some(text.clone())
}

/// Reads `[[trust]]`.
pub(crate) fn read_trust(node: &Node, problems: &mut Problems) -> Vec<TrustTable> {
    let Kind::Array(tables) = &node.kind else {
        problems.add(wrong_type("trust", node, "a list of tables").hint("write it as [[trust]]"));
        return Vec::new();
    };
    if tables.len() > MOST_RULES {
        let message = format!("more than {MOST_RULES} tables [[trust]]");
        problems.add(Problem::error(codes::TOO_MANY_ENTRIES, node.span.clone(), message));
    }
    tables.iter().take(MOST_RULES).filter_map(|table| read_table(table, problems)).collect()
}

fn read_table(node: &Node, problems: &mut Problems) -> Option<TrustTable> {
    let known = &["names", "keys", "minimum", "all_of", "revocations", "revocation_keys"];
    let fields = Fields::of(node, "`[[trust]]`", known, problems)?;
    fields.require(&[("names", "names = [\"acme/*\"]")], problems);
    let mut names = Vec::new();
    for (text, span) in texts("names", &fields, problems) {
        match text.parse::<PolicyPattern>() {
            Ok(pattern) => names.push(pattern),
            Err(why) => {
                let message = format!("`{}` covers no policies: {why}", inert(text, 80));
                let hint = "such as \"acme/*\" for a short name, or \"registry.example/acme/*\"";
                problems.add(Problem::error(codes::BAD_PATTERN, span, message).hint(hint));
            }
        }
    }
    let keys = files("keys", &fields, problems);
    let all_of = files("all_of", &fields, problems);
    if keys.is_empty() && all_of.is_empty() {
        fields.require(&[("keys", "keys = [\"/etc/ansai/keys/acme.pub\"]")], problems);
        if let Some(node) = fields.get("keys") {
            let message = "`keys` is empty, so nobody could vouch for these policies";
            problems.add(Problem::error(codes::OUT_OF_RANGE, node.span.clone(), message));
        }
    }
    let minimum = fields.number("minimum", MINIMUM, problems).and_then(|number| usize::try_from(number).ok());
    if let (Some(minimum), Some(node)) = (minimum, fields.get("minimum"))
        && minimum > keys.len()
    {
        let message = format!("`minimum` is {minimum}, and `keys` has {}", keys.len());
        problems.add(Problem::error(codes::OUT_OF_RANGE, node.span.clone(), message));
    }
    let minimum = minimum.unwrap_or(1).min(keys.len());
    let revocations = fields.text("revocations", MOST_TEXT, problems).map(str::to_owned);
    if let (Some(address), Some(node)) = (&revocations, fields.get("revocations"))
        && !is_address(address)
    {
        let message = "`revocations` is neither an address with https nor the absolute path of a file";
        let hint = "such as \"https://acme.example/ansai.revocations\"";
        problems.add(Problem::error(codes::BAD_URL, node.span.clone(), message).hint(hint));
    }
    let revocation_keys = files("revocation_keys", &fields, problems);
    if let (Some(entry), None) = (fields.entry("revocation_keys"), &revocations) {
        let message = "`revocation_keys` without `revocations`";
        let problem = Problem::error(codes::MISSING_KEY, entry.key_span.clone(), message);
        problems.add(problem.hint("add `revocations`, the address of the list, or delete the line"));
    }
    Some(TrustTable { names, keys, minimum, all_of, revocations, revocation_keys })
}

fn is_address(text: &str) -> bool {
    let is_plain = inert(text, MOST_TEXT) == text && !text.contains(' ');
    let host = text.strip_prefix("https://").map(|rest| rest.split('/').next().unwrap_or_default());
    is_plain
        && (ansai_core::scope::is_plain_absolute(text) && text != "/"
            || host.is_some_and(|host| !host.is_empty() && !host.contains('@')))
}

fn files(key: &str, fields: &Fields<'_>, problems: &mut Problems) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for (text, span) in texts(key, fields, problems) {
        if text.len() > MOST_TEXT || inert(text, MOST_TEXT) != text {
            let message = format!("`{key}` has a path with control characters, or one that is too long");
            problems.add(Problem::error(codes::BAD_PATH, span, message));
        } else if files.iter().any(|known| known == Path::new(text)) {
            let message = format!("`{key}` has `{text}` twice");
            problems.add(Problem::error(codes::DUPLICATE_KEY, span, message));
        } else {
            files.push(text.into());
        }
    }
    files
}

fn texts<'n>(key: &str, fields: &Fields<'n>, problems: &mut Problems) -> Vec<(&'n str, Span)> {
    let example = format!("such as {key} = [\"…\"]");
    fields.get(key).map(|node| notify::texts(key, node, &example, problems)).unwrap_or_default()
}
