//! Describes the values that a schema accepts.

use ansai_core::text::inert;
use jsonschema::error::TypeKind;
use jsonschema::{JsonType, JsonTypeSet};
use serde_json::Value;

use super::quantity::Quantity;
use super::tree::{self, View};
use crate::nearest;

pub(super) const MOST_SHOWN: usize = 60;

/// The first value of a keyword; views that always apply come first.
pub(super) fn first<'s>(views: &[View<'s>], keyword: &str) -> Option<&'s Value> {
    let of =
        |always: bool| views.iter().filter(move |view| view.always == always).find_map(|view| view.schema.get(keyword));
    of(true).or_else(|| of(false))
}

/// Describes the accepted values, such as `whole number, 1 to 100`.
pub(super) fn kind(views: &[View<'_>]) -> String {
    let quantity = Quantity::of_views(views).map(|(quantity, _)| quantity);
    if let Some(Value::Array(options)) = first(views, "enum") {
        return format!("one of {}", choices(options));
    }
    let base = match (quantity, first(views, "type")) {
        (Some(quantity), _) => quantity.name().to_owned(),
        (None, Some(Value::String(one))) => type_name(one).to_owned(),
        (None, Some(Value::Array(several))) => {
            let names: Vec<&str> = several.iter().filter_map(Value::as_str).map(type_name).collect();
            names.join(" or ")
        }
        _ => "any value".to_owned(),
    };
    let base = match (base.as_str(), tree::elements(views)) {
        ("table", _) if !tree::names(views).is_empty() => {
            format!("table with {}", nearest::list(&tree::names(views)).unwrap_or_default())
        }
        ("list", elements) if !elements.is_empty() => format!("list of {}", kind(&elements)),
        _ => base,
    };
    let bound = |keyword: &str| first(views, keyword).map(|value| amount(value, quantity));
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|v| format!("more than {v}")));
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|v| format!("less than {v}")));
    match (least, most) {
        (Some(least), Some(most)) => format!("{base}, {least} to {most}"),
        (Some(least), None) => format!("{base}, {least} or more"),
        (None, Some(most)) => format!("{base}, up to {most}"),
        (None, None) => base,
    }
}

pub(super) fn amount(value: &Value, quantity: Option<Quantity>) -> String {
    match (quantity, value.as_u64()) {
        (Some(quantity), Some(amount)) => quantity.show(amount),
        _ => show(value),
    }
}

pub(super) fn show(value: &Value) -> String {
    match value {
        Value::Object(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => format!("\"{}\"", inert(text, MOST_SHOWN)),
        other => inert(&other.to_string(), MOST_SHOWN),
    }
}

pub(super) fn choices(options: &[Value]) -> String {
    let (shown, rest) = options.split_at(options.len().min(12));
    let mut words: Vec<String> = shown.iter().map(show).collect();
    if !rest.is_empty() {
        words.push(format!("{} more", rest.len()));
    }
    words.join(", ")
}

fn type_name(name: &str) -> &str {
    match name {
        "integer" => "whole number",
        "string" => "text",
        "boolean" => "true or false",
        "array" => "list",
        "object" => "table",
        "null" => "nothing",
        other => other,
    }
}

fn with_article(one: JsonType) -> &'static str {
    match one {
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a text",
        JsonType::Boolean => "true or false",
        JsonType::Array => "a list",
        JsonType::Object => "a table",
        JsonType::Null => "nothing",
    }
}

pub(super) fn expected(kind: &TypeKind) -> String {
    let words = |set: &JsonTypeSet| -> Vec<&'static str> { set.iter().map(with_article).collect() };
    match kind {
        TypeKind::Single(one) => with_article(*one).to_owned(),
        TypeKind::Multiple(set) => words(set).join(" or "),
    }
}

pub(super) fn found_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}
