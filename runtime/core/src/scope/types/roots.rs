//! Directories.

use super::super::{Scope, Set, SetType, TypedField, is_plain_absolute, is_within};
use crate::text::inert;

/// Absolute directories: what is at or below one of them.
#[derive(Debug)]
pub enum Roots {}

impl SetType for Roots {
    const SET: Set = Set {
        name: "roots",
        format: "list of absolute directories",
        preposition: "under",
        things: "directories",
        example: "/some/directory",
        member: |written, _| {
            // Accept only one spelling of a root: `/var/log/` becomes `/var/log`.
            let root = if written.len() > 1 { written.trim_end_matches('/') } else { written };
            match is_plain_absolute(root) {
                true => Ok(root.to_owned()),
                false => Err(format!("holds `{root}`, which is not an absolute path without `.` or `..`")),
            }
        },
        covers: is_within,
        argument: "a path",
        valid: |path| match is_plain_absolute(path) {
            true => Ok(()),
            false => Err(format!("is `{}`: not an absolute path without `.`, `..` or empty parts", inert(path, 200))),
        },
        permits: is_within,
        must: |field| format!("at or below one of `{field}`"),
    };
}

impl Scope {
    /// Directories; none where the scope lacks the field.
    pub fn roots(&self, field: &TypedField<Roots>) -> &[String] {
        self.members(field)
    }
}
