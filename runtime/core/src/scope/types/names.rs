//! Names and patterns of names.

use super::super::{Scope, Set, SetType, TypedField};

/// Names or shell patterns of names.
#[derive(Debug)]
pub enum Names {}

impl SetType for Names {
    const SET: Set = Set {
        name: "names",
        format: "list of names or shell patterns",
        preposition: "for",
        things: "names",
        example: "some-name",
        member: |pattern, _| match globset::Glob::new(pattern) {
            Ok(_) => Ok(pattern.to_owned()),
            Err(_) => Err(format!("holds `{pattern}`, which is not a valid pattern")),
        },
        covers,
        argument: "a name",
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
    if !pattern.contains(SPECIAL) {
        return name == pattern;
    }
    globset::Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(name))
}

/// Characters that do not stand for themselves in a pattern.
const SPECIAL: &[char] = &['*', '?', '[', ']', '{', '}', '\\'];

/// Whether every name that `inner` matches is a name that `outer` matches. `false` for pairs that are too complex to
/// tell: `nginx?` matches the text `nginx*`, but fewer names.
fn covers(inner: &str, outer: &str) -> bool {
    if inner == outer {
        return true;
    }
    if !inner.contains(SPECIAL) {
        return matches(inner, outer);
    }
    // One star between two plain texts.
    let plain = |text: &str| !text.contains(SPECIAL);
    match outer.split_once('*').filter(|(start, end)| plain(start) && plain(end)) {
        Some(("", "")) => true,
        // `**` can stand for nothing together with a slash beside it.
        Some(_) if inner.contains("**") => false,
        Some((start, end)) => {
            let first = inner.split(SPECIAL).next().unwrap_or_default();
            let last = inner.rsplit(SPECIAL).next().unwrap_or_default();
            first.starts_with(start) && last.ends_with(end)
        }
        None => false,
    }
}
