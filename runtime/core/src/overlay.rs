//! Settings that differ for one part of a whole: laid over those of the whole.

use serde_json::Value;

/// `over` laid over `base`: objects are merged key by key, everything else replaces what `base` has.
///
/// ```
/// use ansai_core::overlay;
/// use serde_json::json;
/// let base = json!({"lag": {"warning": 10, "critical": 60}, "ignore": ["a", "b"]});
/// let over = json!({"lag": {"warning": 5}, "ignore": []});
/// assert_eq!(overlay(&base, &over), json!({"lag": {"warning": 5, "critical": 60}, "ignore": []}));
/// ```
pub fn overlay(base: &Value, over: &Value) -> Value {
    let (Value::Object(base), Value::Object(over)) = (base, over) else {
        return over.clone();
    };
    let mut merged = base.clone();
    for (key, over) in over {
        let below = merged.get(key).map_or_else(|| over.clone(), |base| overlay(base, over));
        merged.insert(key.clone(), below);
    }
    Value::Object(merged)
}
