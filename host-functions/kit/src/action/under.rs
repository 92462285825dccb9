//! The preview of a step under the granted tables.

use std::sync::Arc;

use ansai_core::{Refusal, Scope};
use serde_json::value::RawValue;

use super::{Action, Amount, Previewed, Proposed};
use crate::authorize::Asked;
use crate::host::ProbeContext;

/// The preview under the first scope that covers what the arguments lead to. If the arguments show no table, that is the
/// first scope with something to do, else the first.
pub fn preview_under(
    action: &dyn Action,
    asked: Asked<'_>,
    scopes: &[Arc<Scope>],
    ask: &ProbeContext<'_>,
    arguments: &RawValue,
    earlier: &[Arc<Proposed>],
) -> Result<Previewed, Refusal> {
    let (mut first, mut outside) = (None, None);
    for scope in scopes {
        let looked = preview_beside(action, asked, scope, ask, arguments, earlier);
        let within = looked.as_ref().map_or(Ok(()), |found| asked.covers(scope, &found.canonical));
        match within {
            Ok(()) if !asked.function.checks.is_empty() => return looked,
            Ok(()) if looked.as_ref().is_ok_and(|found| found.preview.items > 0) => return looked,
            Ok(()) => {
                first.get_or_insert(looked);
            }
            Err(refusal) => {
                outside.get_or_insert(refusal);
            }
        }
        if ask.deadline.is_over() {
            break;
        }
    }
    match (first, outside) {
        (Some(looked), _) => looked,
        (None, Some(refusal)) => Err(refusal),
        (None, None) => Err(Refusal::Denied("not granted".into())),
    }
}

/// The preview under one scope. Its upper bounds are for all steps of the plan together that the same granted table
/// bounds, so that a plan always fits into an unused budget.
fn preview_beside(
    action: &dyn Action,
    asked: Asked<'_>,
    scope: &Arc<Scope>,
    ask: &ProbeContext<'_>,
    arguments: &RawValue,
    earlier: &[Arc<Proposed>],
) -> Result<Previewed, Refusal> {
    let name = format!("{}.{}", asked.entry.interface.name, asked.function.name);
    let table = asked.table(scope);
    let preview = |scope: &Scope| {
        let found = action.preview(&ProbeContext { scope, ..*ask }, arguments, earlier)?;
        Ok(Previewed { table, ..found })
    };
    let found = preview(scope)?;
    let is_same =
        |step: &&Arc<Proposed>| step.action == name && step.table == table && step.preview.about == found.preview.about;
    let mut rest = Scope::clone(scope);
    for step in earlier.iter().filter(is_same) {
        for Amount { bound, number } in action.amounts(&step.targets, None)? {
            rest = rest.reduced(&bound, number);
        }
    }
    let needed = action.amounts(&found.targets, None)?;
    match needed.iter().any(|amount| amount.number > rest.bound(&amount.bound)) {
        true => preview(&rest),
        false => Ok(found),
    }
}
