//! Hooks.

use super::super::{Scope, Set, SetType, TypedField};
use crate::InstanceName;
use crate::text::inert;

/// Names of hooks that the operator configured, `[hook.NAME]`, without patterns.
#[derive(Debug)]
pub enum Hooks {}

fn check(name: &str) -> Result<(), String> {
    match InstanceName::is_valid(name) {
        true => Ok(()),
        false => Err(format!("`{}`, which is not the name of a hook", inert(name, 80))),
    }
}

impl SetType for Hooks {
    const SET: Set = Set {
        name: "hooks",
        format: "list of names of hooks",
        preposition: "with",
        things: "hooks",
        example: "some-hook",
        member: |name, _| check(name).map(|()| name.to_owned()).map_err(|why| format!("holds {why}")),
        covers: |inner, outer| inner == outer,
        argument: "the name of a hook",
        valid: |name| check(name).map_err(|why| format!("is {why}")),
        permits: |argument, member| argument == member,
        must: |field| format!("a hook that `{field}` names"),
    };
}

impl Scope {
    /// Names of hooks; none where the scope lacks the field.
    pub fn hooks(&self, field: &TypedField<Hooks>) -> &[String] {
        self.members(field)
    }
}
