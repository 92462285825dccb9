//! Compares the result with the expectation.

use serde_json::{Map, Value};

/// Whether `actual` contains `wanted`: objects by key, lists by position and length, everything else by equality.
pub(super) fn contains(wanted: &Value, actual: &Value) -> bool {
    match (wanted, actual) {
        (Value::Object(wanted), Value::Object(actual)) => {
            wanted.iter().all(|(key, wanted)| actual.get(key).is_some_and(|actual| contains(wanted, actual)))
        }
        (Value::Array(wanted), Value::Array(actual)) => {
            wanted.len() == actual.len() && wanted.iter().zip(actual).all(|(wanted, actual)| contains(wanted, actual))
        }
        // An integer equals the same number written with a fraction.
        (Value::Number(wanted), Value::Number(actual)) => wanted == actual || wanted.as_f64() == actual.as_f64(),
        (wanted, actual) => wanted == actual,
    }
}

/// The same for a decision, except that texts only have to be contained, so that a scenario need not repeat whole
/// sentences.
pub(super) fn decides(wanted: &Value, actual: &Value) -> bool {
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

/// The result, reduced to what the expectation mentions: of each table only the expected keys. It replaces the
/// expectation in an update, and is what the printed difference compares.
pub(super) fn narrowed(wanted: &Value, actual: &Value, fits: fn(&Value, &Value) -> bool) -> Value {
    if fits(wanted, actual) {
        return wanted.clone();
    }
    match (wanted, actual) {
        (Value::Object(wanted), Value::Object(actual)) => {
            let part: Map<String, Value> = wanted
                .iter()
                .filter_map(|(key, wanted)| Some((key.clone(), narrowed(wanted, actual.get(key)?, fits))))
                .collect();
            // Another case of a variant has none of the expected keys, so show it whole.
            if part.is_empty() { actual.clone().into() } else { part.into() }
        }
        (Value::Array(wanted), Value::Array(actual)) => {
            actual.iter().map(|actual| narrowed(like(wanted, actual), actual, fits)).collect()
        }
        (_, actual) => actual.clone(),
    }
}

/// The expectation for an element: the one with the same key or action. A new element keeps only what identifies it.
fn like<'w>(wanted: &'w [Value], actual: &Value) -> &'w Value {
    const WHAT: [&str; 2] = ["key", "action"];
    wanted
        .iter()
        .find(|wanted| WHAT.iter().any(|name| wanted.get(name).is_some() && wanted.get(name) == actual.get(name)))
        .or(wanted.iter().find(|wanted| WHAT.iter().any(|name| wanted.get(name).is_some())))
        .unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_parts_are_contained() {
        let actual = json!({"a": 1, "b": [{"c": "x", "d": 2.0}]});
        assert!(contains(&json!({}), &actual));
        assert!(contains(&json!({"b": [{"d": 2}]}), &actual));
        assert!(!contains(&json!({"b": []}), &actual));
        assert!(!contains(&json!({"a": 2}), &actual));
        assert!(!contains(&json!({"e": null}), &actual));
        assert!(decides(&json!({"give-up": "disk"}), &json!({"give-up": "the disk is full"})));
        assert!(!contains(&json!({"give-up": "disk"}), &json!({"give-up": "the disk is full"})));
    }

    #[test]
    fn results_are_narrowed_to_the_expected_keys() {
        let wanted = json!([{"key": "/", "status": "healthy"}]);
        let actual = json!([
            {"key": "/", "status": {"unhealthy": "warning"}, "summary": "long"},
            {"key": "/var", "status": "healthy", "summary": "long"},
        ]);
        let told = json!([{"key": "/", "status": {"unhealthy": "warning"}}, {"key": "/var", "status": "healthy"}]);
        assert_eq!(narrowed(&wanted, &actual, contains), told);
        let decision = narrowed(&json!({"apply": "stop"}), &json!({"wait": "for it"}), decides);
        assert_eq!(decision, json!({"wait": "for it"}));
        assert_eq!(narrowed(&json!({"wait": "for"}), &json!({"wait": "for it"}), decides), json!({"wait": "for"}));
    }
}
