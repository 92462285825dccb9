//! Interfaces that need a grant, and their functions.

use std::collections::{BTreeMap, BTreeSet};

use ansai_core::scope::Field;
use ansai_core::{InterfaceKind, ScopeTables};

use super::{Change, Difference, Effect, What, scope};

/// What one interface lets a policy do.
#[derive(Debug, Clone)]
pub struct Ability {
    /// Probe or actions.
    pub kind: InterfaceKind,
    /// Completes "can …".
    pub words: String,
    /// What bounds it.
    pub fields: &'static [Field],
    /// The functions that it imports; `None` if they are unknown, which may be all.
    pub functions: Option<BTreeSet<String>>,
    /// What it asks for.
    pub scope: ScopeTables,
    /// Whether it does not load without a grant.
    pub required: bool,
    /// The author's reason.
    pub reason: String,
}

/// For functions that cannot be listed.
const ALL: &str = "unknown functions, possibly all";

pub(super) fn compare(old: &BTreeMap<String, Ability>, new: &BTreeMap<String, Ability>, found: &mut Difference) {
    for (name, was) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        found.push(Effect::Narrower, What::Interface, name, Some(was.sentence()), None);
    }
    for (name, is) in new {
        let Some(was) = old.get(name) else {
            found.changes.push(is.added(name));
            continue;
        };
        functions(name, was, is, found);
        scope::compare(name, is.fields, (&was.scope, &is.scope), found);
        let need = |ability: &Ability| if ability.required { "required" } else { "optional" };
        found.value(What::Need, name, &need(was), &need(is));
    }
}

fn functions(name: &str, was: &Ability, is: &Ability, found: &mut Difference) {
    let join = |functions: Vec<&String>| functions.into_iter().cloned().collect::<Vec<_>>().join(", ");
    match (&was.functions, &is.functions) {
        // All that there are were possible before.
        (None, _) => {}
        (Some(_), None) => found.push(Effect::Wider, What::Functions, name, None, Some(ALL.to_owned())),
        (Some(was), Some(is)) => {
            let (added, gone) = (join(is.difference(was).collect()), join(was.difference(is).collect()));
            if !added.is_empty() {
                found.push(Effect::Wider, What::Functions, name, None, Some(added));
            }
            if !gone.is_empty() {
                found.push(Effect::Narrower, What::Functions, name, Some(gone), None);
            }
        }
    }
}

impl Ability {
    /// `can propose to remove files`.
    fn sentence(&self) -> String {
        format!("can {}", self.words)
    }

    fn added(&self, name: &str) -> Change {
        let functions = match &self.functions {
            Some(functions) => functions.iter().cloned().collect::<Vec<_>>().join(", "),
            None => ALL.to_owned(),
        };
        let need = if self.required { "required: does not load without a grant" } else { "optional" };
        let tables = self.scope.iter().map(|table| scope::words(self.fields, table));
        let mut details = vec![format!("functions: {functions}"), need.to_owned()];
        details.extend(tables.filter(|words| !words.is_empty()).map(|words| format!("asks for {words}")));
        details.push(format!("author says: {}", self.reason));
        Change {
            effect: Effect::Wider,
            what: What::Interface,
            name: name.to_owned(),
            old: None,
            new: Some(self.sentence()),
            details,
        }
    }
}
