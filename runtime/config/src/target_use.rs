//! `[policy.NAME.target.TARGET]`: which targets an instance may use, and the settings that differ for them.

use std::collections::{BTreeMap, BTreeSet};

use ansai_core::codes;
use ansai_core::text::inert;

use crate::fields::Fields;
use crate::instance::{Instance, check_finite};
use crate::manifest::table_of;
use crate::nearest;
use crate::node::{Entry, Node};
use crate::problem::{Problem, Problems};
use crate::source::Span;
use crate::target::Targets;

pub(crate) const KEYS: &[&str] = &["settings"];

/// A target that an instance may use.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetUse {
    /// The settings for this target as written, an object with some of the instance's settings. Resolve them with
    /// [`crate::Schema::resolve_over`].
    pub settings: serde_json::Value,
    pub(crate) settings_node: Option<Node>,
    pub(crate) name_span: Span,
}

/// The targets of an instance, by name.
pub type TargetUses = BTreeMap<String, TargetUse>;

/// Reads `target` of an instance. Whether the targets exist is [`check`]ed when all are read.
pub(crate) fn read(node: Option<&Node>, instance: &str, problems: &mut Problems) -> TargetUses {
    let entries = node.and_then(|node| table_of("`target`", node, problems)).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((entry.key.clone(), one(entry, instance, problems)?))).collect()
}

fn one(entry: &Entry, instance: &str, problems: &mut Problems) -> Option<TargetUse> {
    let place = format!("`[policy.{}.target.{}]`", inert(instance, 64), inert(&entry.key, 64));
    let fields = Fields::of(&entry.node, &place, KEYS, problems)?;
    let settings = fields.get("settings").filter(|node| table_of("`settings`", node, problems).is_some());
    if let Some(node) = settings {
        check_finite(node, problems);
    }
    Some(TargetUse {
        settings: settings.map_or_else(|| serde_json::json!({}), Node::to_json),
        settings_node: settings.cloned(),
        name_span: entry.key_span.clone(),
    })
}

/// Reports targets that an instance names and that do not exist, and those that no instance uses. `written` are the
/// names of all tables, of invalid targets too.
pub(crate) fn check<'i>(
    instances: impl Iterator<Item = &'i Instance>,
    targets: &Targets,
    written: &BTreeSet<&str>,
    problems: &mut Problems,
) {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for (name, wanted) in instances.flat_map(|instance| &instance.targets) {
        used.insert(name);
        if !written.contains(name.as_str()) {
            problems.add(unknown(name, &wanted.name_span, written));
        }
    }
    for (name, target) in targets.iter().filter(|(name, _)| !used.contains(name.as_str())) {
        let name = inert(name, 80);
        let message = format!("no policy uses the target `{name}`");
        problems.add(
            Problem::warning(codes::UNUSED_TARGET, target.name_span.clone(), message)
                .hint(format!("add [policy.NAME.target.{name}], or delete the target")),
        );
    }
}

/// The problem of a name without a target; `written` are the names of all targets.
pub(crate) fn unknown(name: &str, span: &Span, written: &BTreeSet<&str>) -> Problem {
    let shown = inert(name, 80);
    let hint = match nearest::nearest(name, written.iter().copied()) {
        Some(near) => format!("did you mean `{}`?", inert(near, 80)),
        None => format!("add [target.{shown}] with its `kind` and `address`"),
    };
    Problem::error(codes::UNKNOWN_TARGET, span.clone(), format!("no target is named `{shown}`")).hint(hint)
}
