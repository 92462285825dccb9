//! Comparing what came with what was expected.

use serde_json::Value;

/// Everything in `wanted` is in `actual`: objects by key, lists by place and length, all else equal.
pub(crate) fn contains(wanted: &Value, actual: &Value) -> bool {
    match (wanted, actual) {
        (Value::Object(wanted), Value::Object(actual)) => {
            wanted.iter().all(|(key, wanted)| actual.get(key).is_some_and(|actual| contains(wanted, actual)))
        }
        (Value::Array(wanted), Value::Array(actual)) => {
            wanted.len() == actual.len() && wanted.iter().zip(actual).all(|(wanted, actual)| contains(wanted, actual))
        }
        // A whole number in one and the same number with a fraction in the other are one number.
        (Value::Number(wanted), Value::Number(actual)) => wanted == actual || wanted.as_f64() == actual.as_f64(),
        (wanted, actual) => wanted == actual,
    }
}

/// A decision: texts need only be contained, so that a scenario does not repeat whole sentences.
pub(crate) fn decides(wanted: &Value, actual: &Value) -> bool {
    match (wanted, actual) {
        (Value::Object(wanted), Value::Object(actual)) => {
            wanted.iter().all(|(key, wanted)| actual.get(key).is_some_and(|actual| decides(wanted, actual)))
        }
        (Value::Array(wanted), Value::Array(actual)) => {
            wanted.len() == actual.len() && wanted.iter().zip(actual).all(|(wanted, actual)| decides(wanted, actual))
        }
        (Value::String(wanted), Value::String(actual)) => actual.contains(wanted.as_str()),
        (wanted, actual) => contains(wanted, actual),
    }
}

/// A coloured diff is the caller's; here two texts, a value a line.
pub(crate) fn difference(what: &str, wanted: &Value, actual: &Value) -> String {
    let text = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let (wanted, actual) = (text(wanted), text(actual));
    let diff = similar::TextDiff::from_lines(&wanted, &actual);
    format!("{what}: expected (-) is not what came (+)\n{}", diff.unified_diff().context_radius(2))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_is_contained_and_nothing_else() {
        let actual = json!({"a": 1, "b": [{"c": "x", "d": 2.0}]});
        assert!(contains(&json!({}), &actual));
        assert!(contains(&json!({"b": [{"d": 2}]}), &actual));
        assert!(!contains(&json!({"b": []}), &actual));
        assert!(!contains(&json!({"a": 2}), &actual));
        assert!(!contains(&json!({"e": null}), &actual));
        assert!(decides(&json!({"give-up": "disk"}), &json!({"give-up": "the disk is full"})));
        assert!(!contains(&json!({"give-up": "disk"}), &json!({"give-up": "the disk is full"})));
    }
}
