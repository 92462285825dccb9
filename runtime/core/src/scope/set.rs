//! Types of sets.

use serde_json::Value;

use super::ScopeValue;

/// A type of sets of texts, as data. A set permits what one of its members covers; absent, it permits nothing.
#[derive(Debug, Clone, Copy)]
pub struct Set {
    /// In the JSON of the reference: `roots`.
    pub name: &'static str,
    /// The format of a value: `list of absolute directories`.
    pub format: &'static str,
    /// In "remove files under directories that you choose".
    pub preposition: &'static str,
    /// What the members are: `directories`.
    pub things: &'static str,
    /// A member.
    pub example: &'static str,
    /// Reads a member and gives its one spelling; the error is the end of a sentence that starts with the field. The
    /// second argument is what the field has to say about its members: [`Field::among`](super::Field::among).
    pub member: fn(&str, &[&str]) -> Result<String, String>,
    /// Whether one member permits all that another one permits.
    pub covers: fn(inner: &str, outer: &str) -> bool,
    /// What an argument must be: `a path`.
    pub argument: &'static str,
    /// Checks an argument; the error is the end of a sentence that starts with the argument.
    pub valid: fn(&str) -> Result<(), String>,
    /// Whether a member permits an argument.
    pub permits: fn(argument: &str, member: &str) -> bool,
    /// Completes "ARGUMENT must be …" for the name of a field.
    pub must: fn(&str) -> String,
}

/// Marks fields of this type.
pub trait SetType: 'static {
    /// The type.
    const SET: Set;
}

impl Set {
    pub(super) fn read(&self, value: &Value, among: &[&str]) -> Result<ScopeValue, String> {
        let texts = || "must be a list of texts".to_owned();
        let list = value.as_array().ok_or_else(texts)?;
        let members = list.iter().map(|entry| (self.member)(entry.as_str().ok_or_else(texts)?, among));
        members.collect::<Result<_, _>>().map(ScopeValue::Set)
    }

    /// The values that both cover. A request that leaves the field to the operator covers everything.
    pub(super) fn meet(&self, asked: Option<&[String]>, granted: &[String]) -> Vec<String> {
        let Some(asked) = asked else { return granted.to_vec() };
        let covered = |inner: &String, by: &[String]| by.iter().any(|outer| (self.covers)(inner, outer));
        let narrower = granted.iter().filter(|one| covered(one, asked));
        let wider = asked.iter().filter(|one| covered(one, granted));
        let mut met: Vec<String> = narrower.chain(wider).cloned().collect();
        met.sort();
        met.dedup();
        met
    }

    /// Whether every member of one set is covered by a member of another.
    pub(super) fn covers_all(&self, inner: &[String], outer: &[String]) -> bool {
        inner.iter().all(|inner| outer.iter().any(|outer| (self.covers)(inner, outer)))
    }
}
