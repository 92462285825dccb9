//! Finds the place of a value in a JSON text.

use ansai_core::codes;
use serde_json::value::RawValue;

use crate::problem::Problem;
use crate::source::Span;

/// Byte range of the value at a path of keys and list indexes, or of its nearest existing parent. The text is valid
/// JSON.
pub(super) fn of(text: &str, path: &[String]) -> Span {
    let mut rest = text.trim_start();
    for part in path {
        let Some(below) = step(rest, part) else {
            break;
        };
        rest = below;
    }
    let start = rest.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + value_length(rest)
}

pub(super) fn syntax(text: &str, error: &serde_json::Error) -> Problem {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (line_start + error.column().saturating_sub(1)).min(text.len());
    let shown = error.to_string();
    let words = shown.split(" at line").next().unwrap_or_default();
    Problem::error(codes::SYNTAX, at..at + 1, format!("not valid JSON: {words}"))
}

/// The value of a key or index, as a slice of the text.
fn step<'t>(text: &'t str, part: &str) -> Option<&'t str> {
    let raw = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>().next()?.ok()?.get();
    let found: &'t RawValue = if raw.starts_with('{') {
        let members: Members<'t> = serde_json::from_str(raw).ok()?;
        members.0.into_iter().rev().find(|(key, _)| key == part)?.1
    } else if raw.starts_with('[') {
        let elements: Vec<&'t RawValue> = serde_json::from_str(raw).ok()?;
        elements.get(part.parse::<usize>().ok()?).copied()?
    } else {
        return None;
    };
    let offset = found.get().as_ptr().addr() - text.as_ptr().addr();
    text.get(offset..)
}

fn value_length(text: &str) -> usize {
    serde_json::Deserializer::from_str(text)
        .into_iter::<&RawValue>()
        .next()
        .and_then(Result::ok)
        .map_or(0, |raw| raw.get().len())
}

/// Keys, each with its value as text.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn values_are_found_where_they_stand() {
        let text = r#" {"a": [1, {"b~": "x"}], "a b": null} "#;
        let at = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
            &text[of(text, &path)]
        };
        assert_eq!(at(&["a", "1", "b~"]), "\"x\"");
        assert_eq!(at(&["a", "0"]), "1");
        assert_eq!(at(&["a b", "deeper"]), "null");
        assert_eq!(at(&["a", "7"]), r#"[1, {"b~": "x"}]"#);
        assert_eq!(at(&[]), text.trim());
    }
}
