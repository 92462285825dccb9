//! Values of fields.

use serde::{Deserialize, Serialize};

/// The value of a field. Only its field knows what it means: [`Field::show`](super::Field::show).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScopeValue {
    /// Directories, names or other texts, in the order written.
    Set(Vec<String>),
    /// A number of things, bytes, hours, minutes or percent.
    Bound(u64),
    /// True or false.
    Switch(bool),
}

impl ScopeValue {
    /// Whether it is a set without members.
    pub fn is_empty(&self) -> bool {
        self.as_set().is_some_and(<[String]>::is_empty)
    }

    pub(super) fn as_set(&self) -> Option<&[String]> {
        match self {
            ScopeValue::Set(set) => Some(set),
            ScopeValue::Bound(_) | ScopeValue::Switch(_) => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<u64> {
        match self {
            ScopeValue::Bound(number) => Some(*number),
            ScopeValue::Switch(is_on) => Some(u64::from(*is_on)),
            ScopeValue::Set(_) => None,
        }
    }

    /// As JSON, for messages.
    pub(super) fn plain(&self) -> String {
        match self {
            ScopeValue::Set(set) => format!("{set:?}"),
            ScopeValue::Bound(number) => number.to_string(),
            ScopeValue::Switch(is_on) => is_on.to_string(),
        }
    }
}
