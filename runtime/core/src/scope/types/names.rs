//! Names and patterns of names.

use super::super::{Scope, Set, SetType, TypedField};

/// Names or shell patterns of names.
#[derive(Debug)]
pub enum Names {}

impl SetType for Names {
    const SET: Set = Set {
        name: "names",
        format: "list of names or shell patterns",
        preposition: "named",
        things: "names",
        example: "some-name",
        member: |pattern| match globset::Glob::new(pattern) {
            Ok(_) => Ok(pattern.to_owned()),
            Err(_) => Err(format!("holds `{pattern}`, which is not a valid pattern")),
        },
        covers,
        argument: "name",
        valid: |_| Ok(()),
        permits: matches,
        must: |field| format!("a name that one of `{field}` covers"),
    };
}

impl Scope {
    /// Names and patterns; none where the scope lacks the field.
    pub fn names(&self, field: &TypedField<Names>) -> &[String] {
        self.members(field)
    }
}

fn matches(name: &str, pattern: &str) -> bool {
    globset::Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(name))
}

/// For patterns only where they are equal or `outer` matches `inner` as a name.
fn covers(inner: &str, outer: &str) -> bool {
    inner == outer || matches(inner, outer)
}
