//! Whether grants permit a step.

use ansai_core::{InstanceName, Refusal};
use ansai_kit::action::{Action, Proposed};
use ansai_kit::authorize::{Asked, authorize};
use ansai_kit::host_access::HostAccess;
use ansai_kit::registry::{Function, InterfaceDef};

use super::step::InForce;
use super::undo::UndoError;
use crate::authority::{Authority, EffectiveGrants};

/// An action of a host by its name in plans.
pub(super) fn action_of(
    host: &dyn HostAccess,
    name: &str,
) -> Result<(&'static InterfaceDef, &'static Function, &'static dyn Action), Refusal> {
    host.action(name).ok_or_else(|| Refusal::Unsupported(format!("there is no action {name}")))
}

/// By these grants, whatever their mode.
pub(super) fn permitted(
    host: &dyn HostAccess,
    grants: &EffectiveGrants,
    instance: &InstanceName,
    proposed: &Proposed,
) -> Result<(&'static dyn Action, InForce), Refusal> {
    let (interface, function, action) = action_of(host, &proposed.action)?;
    grants.never.check(proposed.touches().iter())?;
    let name = &interface.interface.name;
    let granted = grants.scopes.get(name);
    let asked = Asked { instance, entry: interface, function, granted };
    let mut outside = None;
    let mut scopes = authorize(instance, interface, function, granted, &proposed.arguments)?;
    // The table of the preview first: its budget is the one that the preview had in mind.
    scopes.sort_by_key(|scope| asked.table(scope) != proposed.table);
    for scope in &scopes {
        if let Err(refusal) = asked.covers(scope, &proposed.canonical) {
            outside.get_or_insert(refusal);
            continue;
        }
        if action.is_within(scope, &proposed.targets)? {
            let table = asked.table(scope);
            // Whichever table the step uses: it needs a person if one that asks for a person permits it too.
            let needs_approval = scopes.iter().any(|other| {
                grants.needs_approval(name, asked.table(other))
                    && asked.covers(other, &proposed.canonical).is_ok()
                    && action.is_within(other, &proposed.targets).unwrap_or(true)
            });
            let scope = scope.clone();
            return Ok((action, InForce { scope, reach: grants.reach.clone(), table, needs_approval }));
        }
    }
    let why =
        format!("{}: no table of [policy.{instance}.grant] \"{name}\" covers all of its targets", proposed.action);
    Err(outside.unwrap_or(Refusal::Denied(why)))
}

/// By the grants of now, for a person who undoes the step. The mode does not matter: the operator may have set observe
/// mode because of the plan.
pub(super) fn permitted_to_undo(
    host: &dyn HostAccess,
    authority: &dyn Authority,
    instance: &InstanceName,
    proposed: &Proposed,
) -> Result<(&'static dyn Action, InForce), UndoError> {
    let grants = authority.undo_grants(instance).map_err(Refusal::Denied);
    grants.and_then(|grants| permitted(host, &grants, instance, proposed)).map_err(UndoError::NotPermitted)
}
