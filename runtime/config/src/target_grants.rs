//! Targets that grants name: each exists, has a kind that the interface knows, and is one of the instance.

use std::collections::{BTreeMap, BTreeSet};

use ansai_core::text::inert;
use ansai_core::{Field, InstanceName, Interface, codes};

use crate::instance::Instance;
use crate::node::{Entry, Kind, Node};
use crate::problem::{Problem, Problems};
use crate::source::Span;
use crate::target::Targets;
use crate::target_use::unknown;

/// What the configuration says about targets.
pub(crate) struct Configured<'c> {
    pub(crate) instances: &'c BTreeMap<InstanceName, Instance>,
    pub(crate) targets: &'c Targets,
    /// The names of all tables, of invalid targets too.
    pub(crate) written: &'c BTreeSet<&'c str>,
}

/// Checks all grants below `[policy]`.
pub(crate) fn check(policies: &Node, interfaces: &[Interface], configured: &Configured<'_>, problems: &mut Problems) {
    for policy in policies.entries().unwrap_or_default() {
        let grants = policy.node.get("grant").and_then(|grant| grant.node.entries()).unwrap_or_default();
        for grant in grants {
            let Some(interface) = interfaces.iter().find(|one| one.name == grant.key) else { continue };
            for field in interface.fields.iter().filter(|field| field.names_targets()) {
                for (name, span) in tables(&grant.node).iter().flat_map(|table| names(table, field)) {
                    if let Some(problem) = configured.problem(&policy.key, field, name, span) {
                        problems.add(problem);
                    }
                }
            }
        }
    }
}

/// One table, or each of a list of them.
pub(crate) fn tables(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::Array(tables) => tables,
        _ => std::slice::from_ref(node),
    }
}

/// The texts of a field in a table.
pub(crate) fn names<'n>(table: &'n Node, field: &Field) -> impl Iterator<Item = (&'n str, &'n Span)> + use<'n> {
    let list = match table.get(field.name) {
        Some(Entry { node: Node { kind: Kind::Array(list), .. }, .. }) => list.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(|node| match &node.kind {
        Kind::Text(name) => Some((name.as_str(), &node.span)),
        _ => None,
    })
}

impl Configured<'_> {
    fn problem(&self, instance: &str, field: &Field, name: &str, span: &Span) -> Option<Problem> {
        // What is not a name is a problem already.
        if !InstanceName::is_valid(name) {
            return None;
        }
        if !self.written.contains(name) {
            return Some(unknown(name, span, self.written));
        }
        let kinds = field.among();
        let bad = |message: String| Problem::error(codes::BAD_SCOPE, span.clone(), message);
        if let Some(target) = self.targets.get(name)
            && !kinds.is_empty()
            && !kinds.contains(&target.kind.as_str())
        {
            let (kind, kinds) = (inert(&target.kind, 64), kinds.join(" or "));
            let message = format!("`{}` holds `{name}`, a target of the kind {kind}", field.name);
            return Some(bad(message).hint(format!("name a target of the kind {kinds}")));
        }
        let instance = self.instances.get_key_value(instance);
        let (instance, _) = instance.filter(|(_, instance)| !instance.targets.contains_key(name))?;
        let message = format!("`{}` holds `{name}`, which is not a target of {instance}", field.name);
        Some(bad(message).hint(format!("add [policy.{instance}.target.{name}], or delete the name here")))
    }
}
