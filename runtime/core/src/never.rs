//! What no step may touch, whatever is granted: a list of the operator, and defaults.
//!
//! ```
//! use ansai_core::never::Never;
//! use ansai_core::{Subject, Touch};
//!
//! let ssh = Touch::shared(Subject::new("unit", "ssh.service"));
//! let nginx = Touch::exclusive(Subject::new("unit", "nginx.service"));
//! assert!(Never::default().check([&nginx]).is_ok());
//! assert!(Never::default().check([&nginx, &ssh]).is_err());
//! ```

mod defaults;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use self::defaults::{DefaultEntry, UNIT, defaults};
use crate::text::inert;
use crate::{NamePattern, Refusal, Subject, Touch};

/// The longest name in a refusal, in characters.
const MOST_SHOWN: usize = 200;

/// The list in force. The defaults are always part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Never {
    own: BTreeMap<String, Vec<NamePattern>>,
    allowed: BTreeMap<String, BTreeSet<String>>,
}

impl Never {
    /// The defaults and these patterns of the operator, by kind. `allowed` has exceptions to the defaults: names, by
    /// kind.
    pub fn new(own: BTreeMap<String, Vec<NamePattern>>, allowed: BTreeMap<String, BTreeSet<String>>) -> Never {
        Never { own, allowed }
    }

    /// The operator's patterns by kind, in the order of the configuration.
    pub fn own(&self) -> &BTreeMap<String, Vec<NamePattern>> {
        &self.own
    }

    /// The operator's exceptions to the defaults, by kind.
    pub fn allowed(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.allowed
    }

    /// Refuses a step that touches something on the list, shared or exclusive.
    ///
    /// # Errors
    /// `denied` names the thing, the entry that covers it, and its place.
    pub fn check<'a>(&self, touches: impl IntoIterator<Item = &'a Touch>) -> Result<(), Refusal> {
        let found = touches.into_iter().find_map(|touch| Some((&touch.subject, self.place(&touch.subject)?)));
        let Some((Subject { kind, name }, place)) = found else { return Ok(()) };
        let (kind, name) = (inert(kind, MOST_SHOWN), inert(name, MOST_SHOWN));
        Err(Refusal::Denied(format!("no step may touch {kind} {name}: {place}")))
    }

    /// The entry that covers a thing, with its place.
    fn place(&self, subject: &Subject) -> Option<String> {
        self.own_place(subject).or_else(|| self.default_place(subject))
    }

    fn own_place(&self, Subject { kind, name }: &Subject) -> Option<String> {
        let patterns = self.own.get(kind)?;
        let (at, pattern) = patterns.iter().enumerate().find(|(_, pattern)| pattern.matches(name))?;
        let (kind, pattern) = (inert(kind, MOST_SHOWN), inert(pattern.text(), MOST_SHOWN));
        Some(format!("[never] `{kind}` has `{pattern}`, entry {} of {}", at + 1, patterns.len()))
    }

    fn default_place(&self, subject: &Subject) -> Option<String> {
        let entry = default_of(subject)?;
        let pattern = entry.pattern.text();
        if !entry.can_be_allowed {
            return Some(format!("[never] always has `{pattern}` for `{UNIT}`"));
        }
        if self.allowed.get(UNIT).is_some_and(|names| names.contains(&subject.name)) {
            return None;
        }
        let name = inert(&subject.name, MOST_SHOWN);
        Some(format!(
            "[never] has `{pattern}` for `{UNIT}` by default; to allow it, add \"{name}\" to `{UNIT}` in [never.allow]"
        ))
    }
}

/// The default that covers a thing.
pub fn default_of(Subject { kind, name }: &Subject) -> Option<&'static DefaultEntry> {
    let mut entries = if kind == UNIT { defaults() } else { &[] }.iter();
    entries.find(|entry| entry.pattern.matches(name))
}
