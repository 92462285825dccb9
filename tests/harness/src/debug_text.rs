//! Finds the output of Rust's `Debug` in texts for people.

use serde_json::Value;

/// Whether a text contains what `Debug` writes for a struct, a tuple or an escaped string: `Foo { … }`, `Some(…)`,
/// `\"`.
pub fn is_debug_text(text: &str) -> bool {
    text.contains("\\\"") || text.match_indices(['(', '{']).any(|(at, _)| is_named(&text[..at]))
}

/// The strings in a JSON value that contain such text.
pub fn debug_texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) if is_debug_text(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(debug_texts).collect(),
        Value::Object(fields) => fields.values().flat_map(debug_texts).collect(),
        _ => Vec::new(),
    }
}

/// Whether a text ends with the name of a Rust type or variant. Before `{` there is a space.
fn is_named(before: &str) -> bool {
    let before = before.strip_suffix(' ').filter(|name| !name.ends_with(' ')).unwrap_or(before);
    let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.contains(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_debug_writes_is_found() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "only shown")]
        struct Example {
            text: Option<&'static str>,
        }
        let shown = [
            format!("{:?}", Example { text: None }),
            format!("failed: {:?}", Some(1)),
            format!("{:?}", Err::<(), _>("no")),
            format!("{:?}", "say \"no\""),
        ];
        for text in shown {
            assert!(is_debug_text(&text), "{text}");
        }
    }

    #[test]
    fn what_a_person_writes_is_not() {
        for text in ["roots = [\"/var\"] (granted)", "removed 2 files (freed 8 KiB)", "the DAC (x)", "", "{\"a\": 1}"] {
            assert!(!is_debug_text(text), "{text}");
        }
    }

    #[test]
    fn a_value_is_searched_to_its_leaves() {
        let value = serde_json::json!({"a": [{"b": "Some(1)"}], "Key(": "fine"});
        assert_eq!(debug_texts(&value), ["Some(1)"]);
    }
}
