//! Whether a call is within the scope in force: one function for reads and proposals, when a policy calls and
//! again when the executor is about to act.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_core::scope::{Field, NotPermitted, TableInForce, TypedField};
use ansai_core::{InstanceName, InterfaceKind, InterfaceName, Refusal, Scope, ScopeInForce};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::registry::{Body, Function, InterfaceDef};

/// Scopes in force by interface name without version; what is not granted is absent.
pub type Scopes = Arc<BTreeMap<InterfaceName, ScopeInForce>>;

/// One argument that a scope bounds.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// JSON pointer into the arguments: `/what/root`.
    pub argument: &'static str,
    /// The field that bounds it.
    pub field: Field,
}

impl Check {
    /// Of an argument that a field bounds.
    pub const fn of<T>(argument: &'static str, field: &TypedField<T>) -> Check {
        Check { argument, field: field.field() }
    }
}

/// Refuses a call that no table in force permits as a whole; `granted` is `None` where nothing was granted. Otherwise
/// returns the scopes that may bound the call, the first choice first:
///
/// - the first table that permits all checked arguments together;
/// - for a probe without checked arguments, what all tables permit together, so that no table is invisible;
/// - for an action without checked arguments, every table: its targets show which one bounds it, see
///   [`Action::is_within`](crate::action::Action::is_within). No two tables are ever mixed for a change;
/// - none for an interface that needs no grant.
///
/// # Errors
/// `denied` names the call, the argument, what is granted, and the line to add for `instance`; of several tables, those
/// of the nearest: the one that permits the most arguments. `invalid` arguments are so under any table.
pub fn authorize(
    instance: &InstanceName,
    entry: &InterfaceDef,
    function: &Function,
    granted: Option<&ScopeInForce>,
    arguments: &RawValue,
) -> Result<Vec<Arc<Scope>>, Refusal> {
    let name = &entry.interface.name;
    if entry.interface.kind == InterfaceKind::Base {
        return Ok(Vec::new());
    }
    let Some(granted) = granted else {
        let is = if entry.interface.calls_out() { "calls servers and is not granted" } else { "is not granted" };
        return Err(Refusal::Denied(format!(
            "{name}.{} {is}; to allow it, add \"{name}\" to [policy.{instance}.grant]",
            function.name
        )));
    };
    if function.checks.is_empty() {
        return Ok(match function.body {
            Body::Action(_) => granted.tables().iter().map(|table| table.scope.clone()).collect(),
            _ => vec![granted.together().clone()],
        });
    }
    let arguments: Value =
        serde_json::from_str(arguments.get()).map_err(|error| Refusal::Invalid(error.to_string()))?;
    let mut nearest: Option<(usize, Outside<'_>)> = None;
    for table in granted.tables() {
        let (mut permitted, mut first) = (0, None);
        for check in function.checks {
            match table.scope.permits(&check.field, arguments.pointer(check.argument).unwrap_or(&Value::Null)) {
                Ok(()) => permitted += 1,
                Err(NotPermitted::Invalid(why)) => {
                    let argument = shown(check.argument);
                    return Err(Refusal::Invalid(format!("{name}.{}: `{argument}` {why}", function.name)));
                }
                Err(NotPermitted::Outside { is, granted, add }) => {
                    first.get_or_insert(Outside { check, table, is, granted, add });
                }
            }
        }
        match first {
            None => return Ok(vec![table.scope.clone()]),
            Some(outside) if nearest.as_ref().is_none_or(|(most, _)| permitted > *most) => {
                nearest = Some((permitted, outside));
            }
            Some(_) => {}
        }
    }
    let denied = |(_, outside): (usize, Outside<'_>)| outside.told(instance, name, function);
    Err(Refusal::Denied(nearest.map(denied).unwrap_or_else(|| format!("{name}.{} is not granted", function.name))))
}

/// The first argument that a table does not permit.
struct Outside<'a> {
    check: &'a Check,
    table: &'a TableInForce,
    is: String,
    granted: String,
    add: String,
}

impl Outside<'_> {
    fn told(&self, instance: &InstanceName, name: &InterfaceName, function: &Function) -> String {
        let Outside { check, table, is, granted, add } = self;
        let (found, place) = match table.place() {
            Some(place) => (format!(" in {place}"), format!(", {place}")),
            None => (String::new(), String::new()),
        };
        format!(
            "{name}.{}: `{}` is {is}, granted is {granted}{found}; \
             to allow it, {add} in [policy.{instance}.grant] \"{name}\"{place}",
            function.name,
            shown(check.argument)
        )
    }
}

/// `/what/root` as `what.root`.
fn shown(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

#[cfg(test)]
mod tests;
