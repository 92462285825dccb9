//! Whether a call is within the scope in force: one function for reads and proposals, when a policy calls and
//! again when the executor is about to act. [`Asked::covers`] decides the same of what a call leads to.

mod canonical;
mod check;

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_core::scope::{NotPermitted, TableInForce};
use ansai_core::{InstanceName, InterfaceKind, InterfaceName, Refusal, Scope, ScopeInForce};
use serde_json::Value;
use serde_json::value::RawValue;

pub use self::canonical::{Asked, Canonical, leads_outside};
pub use self::check::{Check, MOST_ELEMENTS};
use crate::registry::{Body, Function, InterfaceDef};

/// Scopes in force by interface name without version; what is not granted is absent.
pub type Scopes = Arc<BTreeMap<InterfaceName, ScopeInForce>>;

/// Refuses a call that no table in force permits as a whole; `granted` is `None` where nothing was granted. Otherwise
/// returns the scopes that may bound the call, the first choice first:
///
/// - for a probe, the first table that permits all checked arguments together, with all elements of their lists;
/// - for an action, every such table: the first one that also covers what the arguments lead to bounds it, see
///   [`Asked::covers`];
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
    let is_action = matches!(function.body, Body::Action(_));
    if function.checks.is_empty() {
        return Ok(match is_action {
            true => granted.tables().iter().map(|table| table.scope.clone()).collect(),
            false => vec![granted.together().clone()],
        });
    }
    let arguments: Value =
        serde_json::from_str(arguments.get()).map_err(|error| Refusal::Invalid(error.to_string()))?;
    let invalid = |why: String| Refusal::Invalid(format!("{name}.{}: {why}", function.name));
    let found = function.checks.iter().map(|check| match check.find(&arguments) {
        Ok(values) => Ok((check, values)),
        Err(why) => Err(invalid(why)),
    });
    let found = found.collect::<Result<Vec<_>, Refusal>>()?;
    let (mut permitting, mut nearest) = (Vec::new(), None::<(usize, Outside<'_>)>);
    for table in granted.tables() {
        let (mut permitted, mut first) = (0, None);
        for (check, values) in &found {
            let mut is_permitted = true;
            for one in values {
                match table.scope.permits(&check.field, one.value) {
                    Ok(()) => {}
                    Err(NotPermitted::Invalid(why)) => return Err(invalid(format!("`{}` {why}", check.place(one)))),
                    Err(NotPermitted::Outside { is, granted, add }) => {
                        is_permitted = false;
                        first.get_or_insert_with(|| Outside { argument: check.place(one), table, is, granted, add });
                    }
                }
            }
            permitted += usize::from(is_permitted);
        }
        match first {
            None if is_action => permitting.push(table.scope.clone()),
            None => return Ok(vec![table.scope.clone()]),
            Some(outside) if nearest.as_ref().is_none_or(|(most, _)| permitted > *most) => {
                nearest = Some((permitted, outside));
            }
            Some(_) => {}
        }
    }
    if !permitting.is_empty() {
        return Ok(permitting);
    }
    let denied = |(_, outside): (usize, Outside<'_>)| outside.told(instance, name, function);
    Err(Refusal::Denied(nearest.map(denied).unwrap_or_else(|| format!("{name}.{} is not granted", function.name))))
}

/// The first argument that a table does not permit.
struct Outside<'a> {
    argument: String,
    table: &'a TableInForce,
    is: String,
    granted: String,
    add: String,
}

impl Outside<'_> {
    fn told(&self, instance: &InstanceName, name: &InterfaceName, function: &Function) -> String {
        let Outside { argument, table, is, granted, add } = self;
        let (found, place) = places(Some(table));
        format!(
            "{name}.{}: `{argument}` is {is}, granted is {granted}{found}; \
             to allow it, {add} in [policy.{instance}.grant] \"{name}\"{place}",
            function.name,
        )
    }
}

/// Where a table is, after what is granted and after the place to edit; nothing if there is only one.
fn places(table: Option<&TableInForce>) -> (String, String) {
    match table.and_then(TableInForce::place) {
        Some(place) => (format!(" in {place}"), format!(", {place}")),
        None => (String::new(), String::new()),
    }
}

#[cfg(test)]
mod tests;
