//! Finds subschemas, and the schemas that apply to the same value.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// Keywords whose value is a schema.
pub(super) const ONE: &[&str] = &[
    "items",
    "additionalProperties",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
/// Keywords whose value maps names to schemas.
pub(super) const BY_NAME: &[&str] = &["properties", "patternProperties", "dependentSchemas"];
/// Keywords whose value is a list of schemas.
pub(super) const LIST: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];

/// A schema that applies to a value, and whether it always applies.
#[derive(Clone, Copy)]
pub(super) struct View<'s> {
    pub(super) schema: &'s Map<String, Value>,
    pub(super) always: bool,
}

/// All schemas that apply to the value of this schema, starting with itself.
pub(super) fn views(schema: &Value) -> Vec<View<'_>> {
    let mut found = Vec::new();
    collect(schema, true, &mut found);
    found
}

fn collect<'s>(schema: &'s Value, always: bool, found: &mut Vec<View<'s>>) {
    let Some(schema) = schema.as_object() else {
        return;
    };
    found.push(View { schema, always });
    for (keyword, value) in schema {
        match (keyword.as_str(), value) {
            ("allOf", Value::Array(list)) => {
                list.iter().for_each(|one| collect(one, always, found));
            }
            ("anyOf" | "oneOf", Value::Array(list)) => {
                list.iter().for_each(|one| collect(one, false, found));
            }
            ("if" | "then" | "else", one) => collect(one, false, found),
            ("dependentSchemas", Value::Object(map)) => {
                map.values().for_each(|one| collect(one, false, found));
            }
            _ => {}
        }
    }
}

/// The views of one property. `additionalProperties` applies if no view names the property.
pub(super) fn property<'s>(around: &[View<'s>], name: &str) -> Vec<View<'s>> {
    let below = |keyword: &str, name: Option<&str>| -> Vec<View<'s>> {
        around
            .iter()
            .filter_map(|view| {
                let value = view.schema.get(keyword)?;
                let schema = name.map_or(Some(value), |name| value.get(name))?;
                Some((schema, view.always))
            })
            .flat_map(|(schema, always)| {
                views(schema).into_iter().map(move |mut view| {
                    view.always &= always;
                    view
                })
            })
            .collect()
    };
    let named = below("properties", Some(name));
    if named.is_empty() { below("additionalProperties", None) } else { named }
}

/// The views of a list's elements.
pub(super) fn elements<'s>(around: &[View<'s>]) -> Vec<View<'s>> {
    around
        .iter()
        .filter_map(|view| Some((view.schema.get("items")?, view.always)))
        .flat_map(|(schema, always)| {
            views(schema).into_iter().map(move |mut view| {
                view.always &= always;
                view
            })
        })
        .collect()
}

/// Names of the properties that any view declares, in order.
pub(super) fn names<'s>(around: &[View<'s>]) -> Vec<&'s str> {
    let (mut names, mut known) = (Vec::new(), HashSet::new());
    for view in around {
        if let Some(properties) = view.schema.get("properties").and_then(Value::as_object) {
            for name in properties.keys() {
                if known.insert(name.as_str()) {
                    names.push(name.as_str());
                }
            }
        }
    }
    names
}

/// Whether a view describes a table.
pub(super) fn is_table(view: &View<'_>) -> bool {
    let typed = match view.schema.get("type") {
        Some(Value::String(one)) => one == "object",
        Some(Value::Array(several)) => several.iter().any(|one| one == "object"),
        _ => false,
    };
    typed || view.schema.contains_key("properties")
}
