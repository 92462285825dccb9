//! The one list of host functions, and the live backend that answers from it; [`remote`] bounds its calls of servers, and
//! [`reach`] is the process that makes them.
//!
//! It has no domains of its own. `ansai-kit` holds what all domains share, `ansai-local` the domains of this
//! machine, `ansai-reach` those that talk to servers. Neither the engine nor the devkit depends on this crate: their
//! callers hand them the list.
//!
//! ```
//! let registry = ansai_host_functions::builtin();
//! assert!(registry.find("ansai:disk/disk-probe", "list-filesystems").is_some());
//! ```

pub mod live;
mod may_watch;
pub mod remote;
mod work;

pub use ansai_reach::process as reach;
pub use may_watch::may_watch;

use ansai_kit::carrier::Handler;
use ansai_kit::doctor::{Circumstances, Finding};
use ansai_kit::registry::{InterfaceDef, Registry};

/// The lists of the domains, in this order.
const LISTS: [&[&InterfaceDef]; 3] = [ansai_kit::policy::INTERFACES, ansai_local::INTERFACES, ansai_reach::INTERFACES];

/// Actions of the host itself. No policy can propose them; they act with the grants of an instance all the same.
const HOST_ACTIONS: &[&InterfaceDef] = &[&ansai_local::files::QUARANTINE_EXPIRY];

/// What the process that calls servers does for domains of this machine.
pub const HANDLERS: [&dyn Handler; 2] = [ansai_local::hook::HANDLER, ansai_local::certificate::HANDLER];

/// Every interface that ansai offers to policies.
pub fn builtin() -> Registry {
    let [base, local, _] = LISTS;
    Registry::of(&[base, local, ansai_reach::carried::interfaces()].concat())
}

/// What an action treats, in the singular: `file` for `ansai:files/files-actions.remove`; `item` for an unknown action.
pub fn noun(action: &str) -> &'static str {
    let found = [builtin(), Registry::of(HOST_ACTIONS)].iter().find_map(|list| Some(list.action(action)?.2));
    found.map_or("item", |action| action.noun())
}

/// The checks of `ansai doctor` that the domains declare, done.
pub fn diagnose(around: &Circumstances<'_>) -> Vec<Finding> {
    builtin().entries().flat_map(|entry| entry.doctor).map(|check| check(around)).collect()
}

#[cfg(test)]
mod tests {
    use ansai_kit::registry::Body;

    use super::*;

    #[test]
    fn every_action_has_a_noun_in_the_singular() {
        for entry in LISTS.iter().copied().chain([HOST_ACTIONS]).flatten() {
            for function in entry.functions.iter().filter(|function| matches!(function.body, Body::Action(_))) {
                let name = format!("{}.{}", entry.interface.name, function.name);
                let noun = noun(&name);
                assert!(noun != "item" && (!noun.ends_with('s') || noun.ends_with("ss")), "{name}: {noun}");
            }
        }
        assert_eq!(noun("ansai:files/files-actions.expire-held"), "file");
        for unknown in ["ansai:files/files-actions.paint", "ansai:x/x-actions.remove", "remove", ""] {
            assert_eq!(noun(unknown), "item");
        }
    }

    /// With several tables, the arguments of such an action do not show which one bounds it.
    #[test]
    fn actions_whose_targets_show_their_table_are_few() {
        let unchecked = LISTS.iter().copied().chain([HOST_ACTIONS]).flatten().flat_map(|entry| {
            let actions =
                entry.functions.iter().filter(|one| matches!(one.body, Body::Action(_)) && one.checks.is_empty());
            actions.map(|one| (one.name, entry.interface.fields.is_empty()))
        });
        // A new one with fields implements `TypedAction::is_within` before it is added here.
        let expected = [("check-available", true), ("reclaim", false), ("clean-cache", true)];
        assert_eq!(unchecked.collect::<Vec<_>>(), expected);
    }

    /// Else a policy without a configuration would have it, or a server that hangs would keep local probes waiting.
    #[test]
    fn what_talks_to_servers_needs_a_grant_and_has_its_own_threads() {
        for entry in ansai_reach::INTERFACES {
            assert!(entry.interface.calls_out(), "{}", entry.interface.name);
            for function in entry.functions {
                let name = format!("{}.{}", entry.interface.name, function.name);
                assert!(matches!(function.body, Body::Remote(_) | Body::Action(_)), "{name}");
            }
        }
    }

    #[test]
    fn each_check_says_what_it_checks_once() {
        let host = ansai_kit::host::Host::at("/");
        let found = diagnose(&Circumstances { host: &host, state_dir: "/var/lib/ansai".as_ref() });
        let declared = LISTS.iter().copied().flatten().map(|entry| entry.doctor.len()).sum::<usize>();
        assert_eq!(found.len(), declared);
        let mut names: Vec<&str> = found.iter().map(|finding| finding.what).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), found.len());
        assert!(names.contains(&"write leases") && names.contains(&"package manager"), "{names:?}");
    }
}
