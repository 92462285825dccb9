//! `[hook.NAME]`: the operator's own commands and URLs.

mod call;
mod grants;
mod links;
mod parameters;

use std::collections::BTreeMap;

use ansai_core::hook::{Does, Hook, HookCall, Linked};
use ansai_core::text::inert;
use ansai_core::{Millis, NamePattern, Subject, codes};

pub(crate) use self::grants::check as check_grants;

use crate::fields::{Fields, wrong_type};
use crate::identifier;
use crate::manifest::table_of;
use crate::node::{Entry, Kind, Node};
use crate::problem::{Problem, Problems};
use crate::source::Span;
use crate::target::{SecretSource, read_secret};

pub(crate) const KEYS: &[&str] = &[
    "does",
    "command",
    "user",
    "url",
    "method",
    "secret",
    "secret_header",
    "limit",
    "parameters",
    "undo",
    "check",
    "touches",
];
const DOES: &[(&str, Does)] = &[("reads", Does::Reads), ("acts", Does::Acts)];
const MOST_HOOKS: usize = 1_000;
const MOST_TOUCHES: usize = 64;
const MOST_NAME: usize = 256;
/// Bounds of `limit` of a hook that reads, in milliseconds. A call of any kind ends after 20 s.
const READS_WITHIN: (u64, u64) = (100, 20_000);
/// The same for one that acts.
const ACTS_WITHIN: (u64, u64) = (100, 3_600_000);
const LIMIT: Millis = Millis::new(10_000);

/// A hook as the operator describes it, with its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfiguredHook {
    /// What it does and how it is called.
    pub hook: Hook,
    /// Where the secret is that the server of a URL wants.
    pub secret: Option<SecretSource>,
    pub(crate) spans: BTreeMap<&'static str, Span>,
    pub(crate) name_span: Span,
}

/// Hooks by name.
pub type Hooks = BTreeMap<String, ConfiguredHook>;

/// Reads `[hook]`.
pub(crate) fn read(node: &Node, problems: &mut Problems) -> Hooks {
    let entries = table_of("`[hook]`", node, problems).unwrap_or_default();
    if let Some(entry) = entries.get(MOST_HOOKS) {
        let message = format!("{} hooks, more than {MOST_HOOKS}", entries.len());
        problems.add(
            Problem::error(codes::TOO_MANY_ENTRIES, entry.key_span.clone(), message)
                .hint("delete those that no policy uses"),
        );
    }
    let mut hooks = Hooks::new();
    for entry in entries.iter().take(MOST_HOOKS) {
        if !identifier::is_name(&entry.key) {
            problems.add(identifier::bad_name("a hook", &entry.key, entry.key_span.clone()));
        }
        if let Some(hook) = one(entry, problems) {
            hooks.insert(entry.key.clone(), hook);
        }
    }
    links::check(&hooks, entries, problems);
    hooks
}

fn one(entry: &Entry, problems: &mut Problems) -> Option<ConfiguredHook> {
    let place = format!("`[hook.{}]`", inert(&entry.key, 64));
    let fields = Fields::of(&entry.node, &place, KEYS, problems)?;
    fields.require(&[("does", "does = \"reads\"")], problems);
    let does = fields.word("does", DOES, problems);
    let parameters = fields.get("parameters").map(|node| parameters::read(node, problems)).unwrap_or_default();
    let call = call::read(&fields, &place, &parameters, problems);
    let within = if does == Some(Does::Acts) { ACTS_WITHIN } else { READS_WITHIN };
    let limit = fields.duration("limit", within, problems).unwrap_or(LIMIT);
    let mut linked = |key, role: &str| {
        let node = fields.get(key)?;
        if does == Some(Does::Reads) {
            let message = format!("{place} only reads, so it has no {role}");
            let span = fields.entry(key).map_or(0..0, |entry| entry.key_span.clone());
            problems.add(Problem::error(codes::BAD_HOOK, span, message).hint(format!("delete `{key}`")));
            return None;
        }
        linked(key, node, call.as_ref(), &parameters, problems)
    };
    let (undo, check) = (linked("undo", "undo"), linked("check", "check: it is its own"));
    let touches = fields.get("touches").map(|node| touches(node, problems)).unwrap_or_default();
    let secret = fields.get("secret").and_then(|node| read_secret(node, problems));
    let span = |key: &&'static str| Some((*key, fields.entry(key)?.key_span.clone()));
    Some(ConfiguredHook {
        hook: Hook { does: does?, call: call?, limit, parameters, undo, check, touches },
        secret,
        spans: KEYS.iter().filter_map(span).collect(),
        name_span: entry.key_span.clone(),
    })
}

/// A command with the user of the hook, or the name of another hook.
fn linked(
    key: &'static str,
    node: &Node,
    call: Option<&HookCall>,
    parameters: &parameters::Parameters,
    problems: &mut Problems,
) -> Option<Linked> {
    match (&node.kind, call) {
        (Kind::Text(name), _) => Some(Linked::Hook(name.clone())),
        (Kind::Array(_), Some(HookCall::Command { user, .. })) => {
            let words = call::words(key, node, parameters, problems)?;
            Some(Linked::Own(HookCall::Command { words, user: user.clone() }))
        }
        (Kind::Array(_), Some(HookCall::Url { .. })) => {
            let message = format!("`{key}` is a command, but the hook is a URL and has no user");
            problems.add(
                Problem::error(codes::BAD_HOOK, node.span.clone(), message)
                    .hint(format!("write the command as a hook of its own, and its name here: {key} = \"some-hook\"")),
            );
            None
        }
        (Kind::Array(_), None) => None,
        _ => {
            let hint = format!("such as {key} = [\"/usr/local/bin/program\", \"argument\"] or {key} = \"some-hook\"");
            problems.add(wrong_type(key, node, "a command or the name of a hook").hint(hint));
            None
        }
    }
}

/// Reads `touches`: names of things by kind, as in `[never]`.
fn touches(node: &Node, problems: &mut Problems) -> Vec<Subject> {
    let mut found = Vec::new();
    for entry in table_of("`touches`", node, problems).unwrap_or_default() {
        if !identifier::is_name(&entry.key) {
            problems.add(identifier::bad_name("a kind of thing", &entry.key, entry.key_span.clone()));
            continue;
        }
        let Kind::Array(list) = &entry.node.kind else {
            problems.add(wrong_type(&inert(&entry.key, 64), &entry.node, "a list of names"));
            continue;
        };
        for one in list {
            match &one.kind {
                Kind::Text(name) if is_name(name) && found.len() < MOST_TOUCHES => {
                    found.push(Subject::new(&entry.key, name));
                }
                Kind::Text(_) if found.len() >= MOST_TOUCHES => {
                    let message = format!("`touches` names more than {MOST_TOUCHES} things");
                    problems.add(Problem::error(codes::TOO_MANY_ENTRIES, one.span.clone(), message));
                    return found;
                }
                Kind::Text(name) => {
                    let message = format!("`touches` holds `{}`, which is not a name", inert(name, 80));
                    problems.add(
                        Problem::error(codes::BAD_NAME, one.span.clone(), message)
                            .hint("write out each name, such as touches.unit = [\"app.service\"]"),
                    );
                }
                _ => problems.add(wrong_type("touches", one, "a list of names")),
            }
        }
    }
    found
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MOST_NAME && inert(name, MOST_NAME) == name && !NamePattern::is_special(name)
}
