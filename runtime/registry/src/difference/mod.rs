//! What differs between two versions of a policy: above all, what the new one can do that the old one could not.
//!
//! What can be told only with much work counts as wider: a person looks at it.

mod ability;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use ansai_core::Bytes;
use serde::Serialize;

pub use self::ability::Ability;

/// What is compared of one version of a policy. All texts can be those of its author, so whoever prints them makes them
/// safe for terminals.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// Of the policy.
    pub name: String,
    /// Of the policy.
    pub version: String,
    /// SHA-256 of the component, in hexadecimal.
    pub component: String,
    /// Of the component.
    pub bytes: Bytes,
    /// Everything that it imports, with versions.
    pub imports: BTreeSet<String>,
    /// Imports that no ansai of this version has. It does not load here.
    pub unknown: BTreeSet<String>,
    /// What needs a grant: probes and actions that it imports and asks for, by interface without version.
    pub abilities: BTreeMap<String, Ability>,
    /// Kind and default of each setting, by its path.
    pub settings: BTreeMap<String, String>,
    /// Of one evaluation, if the operator sets none.
    pub limits: BTreeMap<&'static str, String>,
    /// Schedule, verification, stages and the like.
    pub behaviour: BTreeMap<&'static str, String>,
    /// Whose signatures were verified; `None` if nobody has looked.
    pub signers: Option<BTreeSet<String>>,
}

/// What a change means for what a policy can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It can do more, or fewer people vouch for it. A person decides.
    Wider,
    /// It can do less.
    Narrower,
    /// Neither, or it is the host that bounds it.
    Neutral,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The name of the policy: these are two policies.
    Name,
    /// A probe or actions that it can call.
    Interface,
    /// Functions of an interface.
    Functions,
    /// A field of the scope that it asks for, or a whole table.
    Scope,
    /// Whether it loads without a grant.
    Need,
    /// Who signed it.
    Signer,
    /// Something else that it imports.
    Import,
    /// A setting.
    Setting,
    /// A limit of one evaluation.
    Limit,
    /// Schedule, verification, stages and the like.
    Behaviour,
    /// Its version.
    Version,
    /// The size of its component.
    Size,
    /// The SHA-256 of its component.
    Component,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it means.
    pub effect: Effect,
    /// What has changed.
    pub what: What,
    /// The interface, setting or limit; empty where there is only one.
    pub name: String,
    /// What was and is no more; of a set, only its members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What is new; of a set, only its members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// Functions, scope and reason of a new interface.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// All changes: first what is wider, then what is narrower.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Difference {
    changes: Vec<Change>,
}

impl Difference {
    /// Compares two versions.
    pub fn between(old: &Subject, new: &Subject) -> Difference {
        let mut found = Difference::default();
        let mut both = |what, old: &dyn ToString, new: &dyn ToString| found.value(what, "", old, new);
        both(What::Name, &old.name, &new.name);
        both(What::Version, &old.version, &new.version);
        both(What::Size, &old.bytes, &new.bytes);
        both(What::Component, &old.component, &new.component);
        ability::compare(&old.abilities, &new.abilities, &mut found);
        found.signers(old, new);
        found.imports(old, new);
        found.table(What::Setting, &old.settings, &new.settings);
        found.table(What::Limit, &old.limits, &new.limits);
        found.table(What::Behaviour, &old.behaviour, &new.behaviour);
        found.changes.sort_by_key(|change| (change.effect, change.what));
        found
    }

    /// All changes.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether a person has to decide: the new one can do more, or fewer people vouch for it.
    pub fn is_wider(&self) -> bool {
        self.changes.iter().any(|change| change.effect == Effect::Wider)
    }

    fn push(&mut self, effect: Effect, what: What, name: &str, old: Option<String>, new: Option<String>) {
        self.changes.push(Change { effect, what, name: name.to_owned(), old, new, details: Vec::new() });
    }

    fn value(&mut self, what: What, name: &str, old: &dyn ToString, new: &dyn ToString) {
        let (old, new) = (old.to_string(), new.to_string());
        if old != new {
            self.push(Effect::Neutral, what, name, Some(old), Some(new));
        }
    }

    /// Fewer who vouch for it are as bad as more that it can do.
    fn signers(&mut self, old: &Subject, new: &Subject) {
        let (Some(old), Some(new)) = (&old.signers, &new.signers) else { return };
        for gone in old.difference(new) {
            self.push(Effect::Wider, What::Signer, "", Some(gone.clone()), None);
        }
        for added in new.difference(old) {
            self.push(Effect::Neutral, What::Signer, "", None, Some(added.clone()));
        }
    }

    /// Those that need a grant are compared as abilities.
    fn imports(&mut self, old: &Subject, new: &Subject) {
        for gone in old.imports.difference(&new.imports) {
            self.push(Effect::Neutral, What::Import, "", Some(gone.clone()), None);
        }
        for added in new.imports.difference(&old.imports) {
            let effect = if new.unknown.contains(added) { Effect::Wider } else { Effect::Neutral };
            self.push(effect, What::Import, "", None, Some(added.clone()));
        }
    }

    fn table<K: Ord + AsRef<str>>(&mut self, what: What, old: &BTreeMap<K, String>, new: &BTreeMap<K, String>) {
        for (key, was) in old {
            match new.get(key) {
                Some(is) => self.value(what, key.as_ref(), was, is),
                None => self.push(Effect::Neutral, what, key.as_ref(), Some(was.clone()), None),
            }
        }
        for (key, is) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
            self.push(Effect::Neutral, what, key.as_ref(), None, Some(is.clone()));
        }
    }
}
