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
    let is_root = rustix::process::geteuid().is_root();
    let isolation = configured.unwrap_or(default(is_root, component.is_pulled));
    if isolation == Isolation::Thread {
        return component.compile(engine, None);
    }
    let policy = component.compile(engine, Some((workers, trust(share, component))))?;
    Ok(if isolation == Isolation::Own { policy.owned_by(instance) } else { policy })
}

/// What an instance has if neither it nor the host says anything. Only root can give a worker another user. The author of a
/// policy of a registry is a stranger, also if somebody vouches for it.
fn default(is_root: bool, is_pulled: bool) -> Isolation {
    if is_root || is_pulled { Isolation::Process } else { Isolation::Thread }
}

fn trust(share: &Share, component: &Component) -> TrustLevel {
    let is_builtin = share.source_text(&component.path, &component.manifest.name).starts_with(BUILTIN);
    level(is_builtin, component.is_pulled)
}

/// Nobody but root can change a built-in policy, and it is the one of this version of ansai. Policies of a registry, trusted by
/// `[[trust]]` or not, share a worker with each other, and never with files of the operator.
fn level(is_builtin: bool, is_pulled: bool) -> TrustLevel {
    match (is_builtin, is_pulled) {
        (true, _) => TrustLevel::BuiltIn,
        (false, false) => TrustLevel::Operator,
        (false, true) => TrustLevel::Unsigned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_the_default_for_root_and_for_policies_of_registries() {
        let defaults = [(true, true), (true, false), (false, true)].map(|(root, pulled)| default(root, pulled));
        assert_eq!(defaults, [Isolation::Process; 3]);
        assert_eq!(default(false, false), Isolation::Thread);
    }

    #[test]
    fn policies_of_registries_share_no_worker_with_files_of_the_operator() {
        assert_eq!(level(true, false), TrustLevel::BuiltIn);
        assert_eq!(level(false, false), TrustLevel::Operator);
        assert_eq!(level(false, true), TrustLevel::Unsigned);
    }
}
