//! Which process runs the code of an instance.

use std::sync::Arc;

use ansai_config::{BUILTIN, Isolation};
use ansai_core::InstanceName;
use ansai_engine::isolated::{TrustLevel, Workers};
use ansai_engine::{Engine, Policy};

use crate::component::Component;
use crate::error::Error;
use crate::share::Share;

/// Loads the policy of an instance: into workers if there are any and the operator wants no other place.
///
/// # Errors
/// As [`Component::compile`].
pub(crate) fn policy(
    (engine, workers): (&Engine, Option<&Arc<Workers>>),
    share: &Share,
    component: &Component,
    instance: &InstanceName,
    configured: Option<Isolation>,
) -> Result<Policy, Error> {
    let Some(workers) = workers else { return component.compile(engine, None) };
    let isolation = configured.unwrap_or(default(component.is_pulled));
    if isolation == Isolation::Thread {
        return component.compile(engine, None);
    }
    let policy = component.compile(engine, Some((workers, trust(share, component))))?;
    Ok(if isolation == Isolation::Own { policy.owned_by(instance) } else { policy })
}

/// What an instance has if neither it nor the host says anything. For the author of a policy of a registry nobody vouches.
/// Decision 0100 says what is left to do before all policies run in workers by default.
fn default(is_pulled: bool) -> Isolation {
    if is_pulled { Isolation::Process } else { Isolation::Thread }
}

/// Nobody but root can change a built-in policy, and it is the one of this version of ansai.
fn trust(share: &Share, component: &Component) -> TrustLevel {
    if share.source_text(&component.path, &component.manifest.name).starts_with(BUILTIN) {
        TrustLevel::BuiltIn
    } else {
        TrustLevel::Unsigned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_of_a_registry_runs_in_a_worker_by_default() {
        assert_eq!((default(true), default(false)), (Isolation::Process, Isolation::Thread));
    }
}
