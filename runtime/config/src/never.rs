//! `[never]`: what no step may touch, whatever is granted.

use std::collections::{BTreeMap, BTreeSet};

use ansai_core::never::{UNIT, default_of};
use ansai_core::text::inert;
use ansai_core::{NamePattern, Never, Subject, codes};

use crate::fields::wrong_type;
use crate::identifier;
use crate::manifest::table_of;
use crate::nearest;
use crate::node::{Entry, Kind, Node};
use crate::problem::{Problem, Problems};

/// The key of the exceptions to the defaults. No kind has this name.
const ALLOW: &str = "allow";
const FILESYSTEM: &str = "filesystem";
/// Kinds that are probably meant by a similar word. Others are accepted, because kinds come with the interfaces.
const KNOWN: &[&str] =
    &[ALLOW, "container", "database", FILESYSTEM, "hook", "host", "journal", "package-cache", "table", "target", UNIT];
/// The types of units, at the end of a unit's name.
const UNIT_TYPES: &[&str] = &[
    ".automount",
    ".device",
    ".mount",
    ".path",
    ".scope",
    ".service",
    ".slice",
    ".socket",
    ".swap",
    ".target",
    ".timer",
];
const MOST_ENTRIES: usize = 1_000;
const MOST_NAME: usize = 4_096;

/// Reads `[never]`.
pub(crate) fn read(node: &Node, problems: &mut Problems) -> Never {
    let (mut own, mut allowed) = (BTreeMap::new(), BTreeMap::new());
    let mut count = 0;
    for entry in table_of("`[never]`", node, problems).unwrap_or_default() {
        if entry.key == ALLOW {
            allowed = read_allowed(&entry.node, problems);
        } else if is_kind(entry, "`[never]`", problems) {
            let texts = texts(entry, "`[never]`", problems);
            count += texts.len();
            if count > MOST_ENTRIES {
                let message = format!("`[never]` has more than {MOST_ENTRIES} entries");
                problems.add(
                    Problem::error(codes::TOO_MANY_ENTRIES, entry.key_span.clone(), message)
                        .hint("write one pattern for several names, such as \"drbd*\""),
                );
                break;
            }
            let patterns = texts.into_iter().filter_map(|(text, node)| pattern(&entry.key, text, node, problems));
            own.insert(entry.key.clone(), patterns.collect());
        }
    }
    Never::new(own, allowed)
}

/// Reads `[never.allow]`: names that a default covers.
fn read_allowed(node: &Node, problems: &mut Problems) -> BTreeMap<String, BTreeSet<String>> {
    let place = "`[never.allow]`";
    let mut allowed = BTreeMap::new();
    for entry in table_of(place, node, problems).unwrap_or_default() {
        if !is_kind(entry, place, problems) {
            continue;
        }
        let mut names = BTreeSet::new();
        for (text, node) in texts(entry, place, problems) {
            match not_allowable(&entry.key, text) {
                Some((why, hint)) => {
                    let message = format!("`{}` {why}", inert(text, 80));
                    problems.add(Problem::error(codes::BAD_EXCEPTION, node.span.clone(), message).hint(hint));
                }
                None => drop(names.insert(text.to_owned())),
            }
        }
        allowed.insert(entry.key.clone(), names);
    }
    allowed
}

/// Why a name is no exception to a default, and what to do.
fn not_allowable(kind: &str, name: &str) -> Option<(String, &'static str)> {
    if NamePattern::is_special(name) {
        let hint = "name each thing, such as \"getty@tty1.service\": an exception is for one thing";
        return Some(("is a pattern, not a name".to_owned(), hint));
    }
    match default_of(&Subject::new(kind, name)) {
        None => Some(("is covered by no default".to_owned(), "delete it, or write the name as the unit has it")),
        Some(entry) if !entry.can_be_allowed => {
            let why = format!("cannot be allowed: `{}` always applies", entry.pattern.text());
            Some((why, "delete it: a step that touches ansai or its manager could end ansai"))
        }
        Some(_) => None,
    }
}

/// Whether a key can be a kind; reports what is misspelt.
fn is_kind(entry: &Entry, place: &str, problems: &mut Problems) -> bool {
    let key = entry.key.as_str();
    if KNOWN.contains(&key) && key != ALLOW {
        return true;
    }
    if let Some(known) = nearest::nearest(key, KNOWN.iter().copied()) {
        let message = format!("unknown key `{}` in {place}", inert(key, 80));
        problems.add(
            Problem::error(codes::UNKNOWN_KEY, entry.key_span.clone(), message)
                .hint(format!("did you mean `{known}`?")),
        );
        return false;
    }
    let is_name = identifier::is_name(key);
    if !is_name {
        problems.add(identifier::bad_name("a kind of thing", key, entry.key_span.clone()));
    }
    is_name
}

/// The texts of a list, each with its place.
fn texts<'n>(entry: &'n Entry, place: &str, problems: &mut Problems) -> Vec<(&'n str, &'n Node)> {
    let key = inert(&entry.key, 80);
    let example = match entry.key.as_str() {
        FILESYSTEM => "[\"/srv/legacy\"]",
        _ => "[\"postgresql.service\", \"drbd*\"]",
    };
    let Kind::Array(list) = &entry.node.kind else {
        problems.add(
            wrong_type(&key, &entry.node, "a list of names")
                .hint(format!("write the names in a list: {key} = {example}")),
        );
        return Vec::new();
    };
    let text = |node: &'n Node| match &node.kind {
        Kind::Text(text) => Some((text.as_str(), node)),
        _ => {
            let what = format!("an entry of `{key}` in {place} must be a text, not {}", node.what());
            problems.add(Problem::error(codes::WRONG_TYPE, node.span.clone(), what));
            None
        }
    };
    list.iter().filter_map(text).collect()
}

/// A valid pattern of names of a kind.
fn pattern(kind: &str, text: &str, node: &Node, problems: &mut Problems) -> Option<NamePattern> {
    let read = well_formed(kind, text).and_then(|()| {
        let hint = "use `*` for any characters and `?` for one".to_owned();
        NamePattern::new(text).map_err(|why| (format!("is not a valid pattern: {why}"), hint))
    });
    match read {
        Ok(pattern) => Some(pattern),
        Err((why, hint)) => {
            let message = format!("`{}` {why}", inert(text, 80));
            problems.add(Problem::error(codes::BAD_PATTERN, node.span.clone(), message).hint(hint));
            None
        }
    }
}

/// Refuses what can match no name: it would protect nothing.
fn well_formed(kind: &str, text: &str) -> Result<(), (String, String)> {
    let refused = |why: &str, hint: String| Err((why.to_owned(), hint));
    if text.is_empty() || text.len() > MOST_NAME {
        return refused(&format!("is not a name of 1 to {MOST_NAME} bytes"), "write the name of one thing".to_owned());
    }
    if text.trim() != text || inert(text, MOST_NAME) != text {
        let hint = "write the name only, in visible characters".to_owned();
        return refused("has spaces at an end, or a control character", hint);
    }
    let ends_open = text.ends_with(['*', '?', ']', '}']);
    if kind == UNIT && !ends_open && !UNIT_TYPES.iter().any(|end| text.ends_with(end)) {
        return refused("is not the name of a unit", format!("write its type too: \"{}.service\"", inert(text, 80)));
    }
    if kind == FILESYSTEM && !text.starts_with(['/', '*', '?', '[', '{']) {
        return refused("is not a mount point", "write the absolute path, such as \"/srv/legacy\"".to_owned());
    }
    if kind == FILESYSTEM && !NamePattern::is_special(text) && !ansai_core::scope::is_plain_absolute(text) {
        let hint = "write it without `.`, `..` and a slash at the end, such as \"/srv/legacy\"".to_owned();
        return refused("is not the canonical path of a mount point", hint);
    }
    Ok(())
}
