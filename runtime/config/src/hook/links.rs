//! Hooks that other hooks name as their undo or check.

use std::collections::BTreeSet;

use ansai_core::codes;
use ansai_core::hook::{Does, Linked};
use ansai_core::text::inert;

use super::{ConfiguredHook, Hooks};
use crate::nearest;
use crate::node::Entry;
use crate::problem::{Problem, Problems};
use crate::source::Span;

/// Checks that each named hook exists, does what it is named for, and has no value to ask for besides those that are
/// there. `entries` are all tables, of invalid hooks too.
pub(super) fn check(hooks: &Hooks, entries: &[Entry], problems: &mut Problems) {
    let written: BTreeSet<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    for (name, from) in hooks {
        for (key, linked, does) in [("undo", &from.hook.undo, Does::Acts), ("check", &from.hook.check, Does::Reads)] {
            let Some(Linked::Hook(to)) = linked else { continue };
            let span = from.spans.get(key).unwrap_or(&from.name_span);
            if !written.contains(to.as_str()) {
                problems.add(unknown(to, span, &written));
            } else if let Some(other) = hooks.get(to)
                && let Some((message, hint)) = unfit(from, to, other, does)
            {
                let message = format!("`{key}` of [hook.{name}] names `{to}`, {message}");
                problems.add(Problem::error(codes::BAD_HOOK, span.clone(), message).hint(hint));
            }
        }
    }
}

fn unfit(from: &ConfiguredHook, to: &str, other: &ConfiguredHook, does: Does) -> Option<(String, String)> {
    if other.hook.does != does {
        return Some(match does {
            Does::Acts => ("which only reads".to_owned(), "name a hook with does = \"acts\"".to_owned()),
            Does::Reads => ("which acts".to_owned(), "name a hook with does = \"reads\"".to_owned()),
        });
    }
    for (parameter, values) in &other.hook.parameters {
        let Some(own) = from.hook.parameters.get(parameter) else {
            let message = format!("which needs a value for `{parameter}`");
            return Some((message, format!("add the parameter `{parameter}` here, or delete it in [hook.{to}]")));
        };
        // Without a valid value, its own table has an error already.
        if let Some(value) = own.iter().find(|value| !values.is_empty() && !values.contains(value)) {
            let message = format!("which does not permit `{value}` for `{parameter}`");
            return Some((message, format!("add \"{value}\" to parameters.{parameter} of [hook.{to}]")));
        }
    }
    None
}

/// The problem of a name without a hook; `written` are the names of all hooks.
pub(super) fn unknown(name: &str, span: &Span, written: &BTreeSet<&str>) -> Problem {
    let shown = inert(name, 80);
    let hint = match nearest::nearest(name, written.iter().copied()) {
        Some(near) => format!("did you mean `{}`?", inert(near, 80)),
        None => format!("add [hook.{shown}] with its `command` or `url`"),
    };
    Problem::error(codes::UNKNOWN_HOOK, span.clone(), format!("no hook is named `{shown}`")).hint(hint)
}
