//! Settings that are sizes or durations.

use ansai_core::quantity;
use serde_json::{Map, Value};

use super::tree::{BY_NAME, LIST, ONE, View};

/// Unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    Bytes,
    Duration,
}

impl Quantity {
    pub(super) fn of(schema: &Map<String, Value>) -> Option<Quantity> {
        match schema.get("format").and_then(Value::as_str) {
            Some("bytes") => Some(Quantity::Bytes),
            Some("duration") => Some(Quantity::Duration),
            _ => None,
        }
    }

    /// The quantity of a value, and whether it always applies.
    pub(super) fn of_views(views: &[View<'_>]) -> Option<(Quantity, bool)> {
        views
            .iter()
            .filter_map(|view| Some((Quantity::of(view.schema)?, view.always)))
            .max_by_key(|(_, always)| *always)
    }

    pub(super) fn read(self, text: &str) -> Result<u64, quantity::QuantityError> {
        match self {
            Quantity::Bytes => quantity::bytes(text),
            Quantity::Duration => quantity::milliseconds(text),
        }
    }

    pub(super) fn show(self, amount: u64) -> String {
        match self {
            Quantity::Bytes => quantity::show_bytes(amount),
            Quantity::Duration => crate::fields::quantity_ms(amount),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Quantity::Bytes => "size",
            Quantity::Duration => "duration",
        }
    }

    pub(super) fn example(self) -> &'static str {
        match self {
            Quantity::Bytes => "write a number and a unit, such as \"100M\" or \"20GiB\"",
            Quantity::Duration => "write a number and a unit, such as \"90s\", \"12h\" or \"30 days\"",
        }
    }
}

/// The schema for settings whose quantities have been converted to integers. Objects with `patternProperties` are
/// closed here, because the validator matches the patterns.
pub(super) fn as_numbers(schema: &Value) -> Value {
    let Some(map) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = Map::new();
    for (keyword, value) in map {
        let known = |list: &[&str]| list.contains(&keyword.as_str());
        let value = match value {
            value if known(ONE) => as_numbers(value),
            Value::Object(named) if known(BY_NAME) => {
                named.iter().map(|(name, one)| (name.clone(), as_numbers(one))).collect::<Map<_, _>>().into()
            }
            Value::Array(list) if known(LIST) => list.iter().map(as_numbers).collect(),
            data => data.clone(),
        };
        out.insert(keyword.clone(), value);
    }
    if out.contains_key("patternProperties") && !out.contains_key("additionalProperties") {
        out.insert("additionalProperties".into(), Value::Bool(false));
    }
    if let Some(quantity) = Quantity::of(map) {
        out.remove("format");
        out.insert("type".into(), "integer".into());
        for keyword in ["enum", "const"] {
            if let Some(value) = out.get_mut(keyword) {
                numbers(value, quantity);
            }
        }
    }
    Value::Object(out)
}

fn numbers(value: &mut Value, quantity: Quantity) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|one| numbers(one, quantity)),
        Value::String(text) => {
            if let Ok(amount) = quantity.read(text) {
                *value = amount.into();
            }
        }
        _ => {}
    }
}
