//! Whether a call is within the scope in force: one function for reads and proposals, when a policy calls and
//! again when the executor is about to act.

use ansai_core::scope::{is_plain_absolute, is_within};
use ansai_core::text::inert;
use ansai_core::{InterfaceKind, Refusal, Scope};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::registry::{Entry, Function};

/// How an argument is bounded by a field of the scope.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// A path at or below one of the field's roots.
    Within(&'static str),
    /// A name equal to, or matched by, one of the field's names.
    Named(&'static str),
    /// A number not below the field's bound.
    AtLeast(&'static str),
    /// A number not above the field's bound.
    AtMost(&'static str),
}

/// One argument that a scope bounds.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// JSON pointer into the arguments: `/what/root`.
    pub argument: &'static str,
    /// The bound.
    pub rule: Rule,
}

/// Refuses a call that is outside the scope; `scope` is `None` where nothing was granted. The message names the
/// call, the argument, what is granted, and the line to add for `instance`.
pub fn authorize(
    instance: &str,
    entry: &Entry,
    function: &Function,
    scope: Option<&Scope>,
    arguments: &RawValue,
) -> Result<(), Refusal> {
    let name = entry.interface.name;
    if entry.interface.kind == InterfaceKind::Base {
        return Ok(());
    }
    let Some(scope) = scope else {
        return Err(Refusal::Denied(format!(
            "{name}.{} is not granted; to allow it, add \"{name}\" to [policy.{instance}.grant]",
            function.name
        )));
    };
    if function.checks.is_empty() {
        return Ok(());
    }
    let arguments: Value =
        serde_json::from_str(arguments.get()).map_err(|error| Refusal::Invalid(error.to_string()))?;
    for check in function.checks {
        let value = arguments.pointer(check.argument).unwrap_or(&Value::Null);
        one(check, scope, value).map_err(|why| match why {
            Wrong::Invalid(why) => {
                Refusal::Invalid(format!("{name}.{}: `{}` {why}", function.name, shown(check.argument)))
            }
            Wrong::Outside { is, granted, add } => Refusal::Denied(format!(
                "{name}.{}: `{}` is {is}, granted is {granted}; to allow it, {add} in [policy.{instance}.grant] \"{name}\"",
                function.name,
                shown(check.argument)
            )),
        })?;
    }
    Ok(())
}

enum Wrong {
    Invalid(String),
    Outside { is: String, granted: String, add: String },
}

fn one(check: &Check, scope: &Scope, value: &Value) -> Result<(), Wrong> {
    match check.rule {
        Rule::Within(field) => {
            let path = value.as_str().ok_or_else(|| Wrong::Invalid("is not a path".into()))?;
            if !is_plain_absolute(path) {
                return Err(Wrong::Invalid(format!(
                    "is `{}`: not an absolute path without `.`, `..` or empty parts",
                    inert(path, 200)
                )));
            }
            member(field, scope, path, |root| is_within(path, root))
        }
        Rule::Named(field) => {
            let name = value.as_str().ok_or_else(|| Wrong::Invalid("is not a name".into()))?;
            member(field, scope, name, |pattern| {
                globset::Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(name))
            })
        }
        Rule::AtLeast(field) => bound(field, scope, value, "below", |is, limit| is >= limit),
        Rule::AtMost(field) => bound(field, scope, value, "above", |is, limit| is <= limit),
    }
}

fn member(field: &str, scope: &Scope, value: &str, covers: impl Fn(&str) -> bool) -> Result<(), Wrong> {
    let granted = scope.set(field);
    if granted.iter().any(|entry| covers(entry)) {
        return Ok(());
    }
    let value = inert(value, 200);
    Err(Wrong::Outside {
        granted: format!("{field} = {granted:?}"),
        add: format!("add \"{value}\" to {field}"),
        is: format!("\"{value}\""),
    })
}

fn bound(
    field: &str,
    scope: &Scope,
    value: &Value,
    side: &str,
    within: impl Fn(u64, u64) -> bool,
) -> Result<(), Wrong> {
    let is = value.as_u64().ok_or_else(|| Wrong::Invalid("is not a whole number".into()))?;
    match scope.bound(field) {
        Some(limit) if within(is, limit) => Ok(()),
        Some(limit) => Err(Wrong::Outside {
            is: format!("{is}, {side} the bound"),
            granted: format!("{field} = {limit}"),
            add: format!("set {field} = {is}"),
        }),
        None => Err(Wrong::Outside {
            is: is.to_string(),
            granted: format!("no {field}"),
            add: format!("set {field} = {is}"),
        }),
    }
}

/// `/what/root` as `what.root`.
fn shown(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}
