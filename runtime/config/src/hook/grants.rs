//! Hooks that grants name: each exists.

use std::collections::BTreeSet;

use ansai_core::{InstanceName, Interface};

use super::links::unknown;
use crate::node::Node;
use crate::problem::Problems;
use crate::target_grants::{names, tables};

/// Checks all grants below `[policy]`; `written` are the names of all hooks, of invalid ones too.
pub(crate) fn check(policies: &Node, interfaces: &[Interface], written: &BTreeSet<&str>, problems: &mut Problems) {
    for policy in policies.entries().unwrap_or_default() {
        let grants = policy.node.get("grant").and_then(|grant| grant.node.entries()).unwrap_or_default();
        for grant in grants {
            let Some(interface) = interfaces.iter().find(|one| one.name == grant.key) else { continue };
            for field in interface.fields.iter().filter(|field| field.names_hooks()) {
                for (name, span) in tables(&grant.node).iter().flat_map(|table| names(table, field)) {
                    // What is not a name is a problem already.
                    if InstanceName::is_valid(name) && !written.contains(name) {
                        problems.add(unknown(name, span, written));
                    }
                }
            }
        }
    }
}
