//! Targets.

use super::super::{Scope, Set, SetType, TypedField};
use crate::InstanceName;
use crate::text::inert;

/// Names of targets that the operator configured, `[target.NAME]`, without patterns. A field says which kinds of targets
/// it can name: [`TypedField::targets`].
#[derive(Debug)]
pub enum Targets {}

impl SetType for Targets {
    const SET: Set = Set {
        name: "targets",
        format: "list of names of targets",
        preposition: "on",
        things: "targets",
        example: "some-target",
        member: |name, _| match InstanceName::is_valid(name) {
            true => Ok(name.to_owned()),
            false => Err(format!("holds `{}`, which is not the name of a target", inert(name, 80))),
        },
        covers: |inner, outer| inner == outer,
        argument: "the name of a target",
        valid: |name| match InstanceName::is_valid(name) {
            true => Ok(()),
            false => Err(format!("is `{}`, which is not the name of a target", inert(name, 80))),
        },
        permits: |argument, member| argument == member,
        must: |field| format!("a target that `{field}` names"),
    };
}

impl Scope {
    /// Names of targets; none where the scope lacks the field.
    pub fn targets(&self, field: &TypedField<Targets>) -> &[String] {
        self.members(field)
    }
}
