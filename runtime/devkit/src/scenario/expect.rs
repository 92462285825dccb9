//! Comparing what came with what was expected.

use serde_json::{Map, Value};

/// Everything in `wanted` is in `actual`: objects by key, lists by place and length, all else equal.
pub(super) fn contains(wanted: &Value, actual: &Value) -> bool {
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

/// What came, as far as somebody wanted to know: of each table only the keys that were wanted. This is what an
/// expectation becomes that is brought up to date, and what it is compared with for people.
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
            // Another case of a variant: nothing of what was wanted is there.
            if part.is_empty() { actual.clone().into() } else { part.into() }
        }
        (Value::Array(wanted), Value::Array(actual)) => {
            actual.iter().map(|actual| narrowed(like(wanted, actual), actual, fits)).collect()
        }
        (_, actual) => actual.clone(),
    }
}

/// What was wanted of an element: the one with the same key, else action; of a new one only what says what it is.
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

    #[test]
    fn what_came_is_told_as_far_as_it_was_wanted() {
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
