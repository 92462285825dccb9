//! Bounds of schemas and of the values that they validate. A schema comes with a component from anybody, and ansai reads it
//! in its own process. Its text is bounded, but each `$ref`, each pattern and each default can cost a multiple of its text:
//! here is the sum of all of them.

use ansai_core::codes;
use serde_json::{Map, Value};

use super::expand::Unusable;
use super::tree::{BY_NAME, LIST, ONE};

/// Maximum number of values in a schema, and in settings with their defaults.
pub(super) const MOST_VALUES: usize = 20_000;
/// Maximum size of all texts and names in a schema, and in settings with their defaults, in bytes.
pub(super) const MOST_TEXT: usize = 1 << 20;
/// Maximum number of patterns after all references are replaced: each compiles to up to 1 MiB.
const MOST_PATTERNS: usize = 64;
/// Maximum length of a pattern in bytes: parsing takes thousands of bytes for each class.
const LONGEST_PATTERN: usize = 1_000;
/// Maximum number of validators that the schema is compiled to.
const MOST_VALIDATORS: usize = 10_000;
/// How often a part is compiled below a keyword that must know what the others have evaluated.
const UNEVALUATED: usize = 3;
/// Maximum number of checks of one validation: pairs of a schema and a value. Each may keep an error in memory.
const MOST_CHECKS: usize = 250_000;

/// How much a value holds.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Size {
    values: usize,
    text: usize,
}

impl Size {
    /// Adds a value without what is below it.
    pub(super) fn add_one(&mut self, value: &Value) {
        self.values = self.values.saturating_add(1);
        let text = match value {
            Value::String(text) => text.len(),
            Value::Object(map) => map.keys().map(String::len).sum(),
            _ => 0,
        };
        self.text = self.text.saturating_add(text);
    }

    /// Adds a value with everything below it, at least until the sum is too large.
    pub(super) fn add(&mut self, value: &Value) {
        self.add_one(value);
        if self.is_too_large() {
            return;
        }
        match value {
            Value::Array(list) => list.iter().for_each(|one| self.add(one)),
            Value::Object(map) => map.values().for_each(|one| self.add(one)),
            _ => {}
        }
    }

    pub(super) fn is_too_large(self) -> bool {
        self.values > MOST_VALUES || self.text > MOST_TEXT
    }
}

/// Checks a schema without references, before it is compiled.
pub(super) fn check(tree: &Value) -> Result<(), Unusable> {
    let mut parts = Parts::default();
    parts.add(tree, 1, &mut Vec::new())?;
    if parts.validators > MOST_VALIDATORS {
        return Err(too_large(&[], "the schema nests too many keywords with `unevaluated`".into()));
    }
    Ok(())
}

fn too_large(path: &[String], message: String) -> Unusable {
    Unusable {
        code: codes::SCHEMA_TOO_LARGE,
        path: path.to_vec(),
        message,
        hint: "see `ansai explain schema-too-large`".into(),
    }
}

#[derive(Default)]
struct Parts {
    patterns: usize,
    validators: usize,
}

impl Parts {
    fn add(&mut self, schema: &Value, copies: usize, path: &mut Vec<String>) -> Result<(), Unusable> {
        self.validators = self.validators.saturating_add(copies);
        let Some(map) = schema.as_object().filter(|_| self.validators <= MOST_VALIDATORS) else {
            return Ok(());
        };
        if map.get("format").is_some_and(|format| format == "regex") {
            let (code, hint) = (codes::SCHEMA_KEYWORD, "a setting cannot be a regular expression");
            let message = "the format `regex` is not supported here".to_owned();
            path.push("format".to_owned());
            return Err(Unusable { code, path: path.clone(), message, hint: hint.into() });
        }
        let own = map.get("pattern").and_then(Value::as_str).into_iter();
        let of_names = map.get("patternProperties").and_then(Value::as_object);
        for pattern in own.chain(of_names.into_iter().flat_map(Map::keys).map(String::as_str)) {
            self.patterns = self.patterns.saturating_add(copies);
            if self.patterns > MOST_PATTERNS {
                let message =
                    format!("the schema has more than {MOST_PATTERNS} patterns after resolving its references");
                return Err(too_large(path, message));
            }
            if pattern.len() > LONGEST_PATTERN {
                return Err(too_large(path, format!("a pattern is longer than {LONGEST_PATTERN} bytes")));
            }
        }
        let copies = if has_unevaluated(map) { copies.saturating_mul(UNEVALUATED) } else { copies };
        for (keyword, value) in map {
            let known = |list: &[&str]| list.contains(&keyword.as_str());
            path.push(keyword.clone());
            match value {
                value if known(ONE) => self.add(value, copies, path)?,
                Value::Object(named) if known(BY_NAME) => {
                    for (name, one) in named {
                        path.push(name.clone());
                        self.add(one, copies, path)?;
                        path.pop();
                    }
                }
                Value::Array(list) if known(LIST) => {
                    for (index, one) in list.iter().enumerate() {
                        path.push(index.to_string());
                        self.add(one, copies, path)?;
                        path.pop();
                    }
                }
                _ => {}
            }
            path.pop();
        }
        Ok(())
    }
}

fn has_unevaluated(map: &Map<String, Value>) -> bool {
    map.contains_key("unevaluatedProperties") || map.contains_key("unevaluatedItems")
}

/// Whether validating these settings takes more checks than permitted.
pub(super) fn is_too_costly(tree: &Value, settings: &Value) -> bool {
    let mut checks = Checks(0);
    checks.add(tree, settings, 1);
    checks.is_over()
}

/// Counts checks, somewhat more than there are.
struct Checks(usize);

impl Checks {
    fn is_over(&self) -> bool {
        self.0 > MOST_CHECKS
    }

    fn count(&mut self, checks: usize, times: usize) {
        self.0 = self.0.saturating_add(checks.saturating_mul(times));
    }

    fn add(&mut self, schema: &Value, value: &Value, times: usize) {
        self.count(1, times);
        let Some(map) = schema.as_object().filter(|_| !self.is_over()) else {
            return;
        };
        let times = if has_unevaluated(map) { times.saturating_mul(UNEVALUATED) } else { times };
        for (keyword, part) in map {
            if self.is_over() {
                return;
            }
            self.keyword(keyword, part, value, times);
        }
    }

    fn keyword(&mut self, keyword: &str, part: &Value, value: &Value, times: usize) {
        match (keyword, part, value) {
            ("not" | "if" | "then" | "else", one, value) => self.add(one, value, times),
            ("allOf" | "anyOf" | "oneOf", Value::Array(list), value) => {
                list.iter().for_each(|one| self.add(one, value, times));
            }
            ("dependentSchemas", Value::Object(named), value) => {
                named.values().for_each(|one| self.add(one, value, times));
            }
            ("enum" | "required", Value::Array(list), _) => self.count(list.len(), times),
            ("pattern", _, Value::String(text)) => self.count(text.len(), times),
            ("properties", Value::Object(named), Value::Object(table)) => {
                self.count(named.len(), times);
                for (name, value) in table {
                    if let Some(one) = named.get(name) {
                        self.add(one, value, times);
                    }
                }
            }
            ("patternProperties", Value::Object(named), Value::Object(table)) => {
                for (name, value) in table {
                    for one in named.values() {
                        self.count(name.len(), times);
                        self.add(one, value, times);
                    }
                }
            }
            ("additionalProperties" | "unevaluatedProperties", one, Value::Object(table)) => {
                table.values().for_each(|value| self.add(one, value, times));
            }
            ("propertyNames", one, Value::Object(table)) => {
                table.keys().for_each(|name| self.add(one, &Value::String(name.clone()), times));
            }
            ("items" | "contains" | "unevaluatedItems", one, Value::Array(list)) => {
                list.iter().for_each(|value| self.add(one, value, times));
            }
            ("prefixItems", Value::Array(schemas), Value::Array(list)) => {
                schemas.iter().zip(list).for_each(|(one, value)| self.add(one, value, times));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn checks_are_pairs_of_schemas_and_values() {
        let count = |tree: &Value, settings: &Value| {
            let mut checks = Checks(0);
            checks.add(tree, settings, 1);
            checks.0
        };
        let tree = json!({"properties": {"a": {"items": {"allOf": [{}, {}]}}}});
        assert_eq!(count(&tree, &json!({"a": [1, 2, 3]})), 1 + 1 + 1 + 3 * 3);
        assert_eq!(count(&tree, &json!({})), 2);
        let patterns = json!({"patternProperties": {"x": {"pattern": "y"}}});
        assert_eq!(count(&patterns, &json!({"name": "text"})), 1 + 4 + 1 + 4);
        // Each level with `unevaluated` may evaluate again what is below it.
        let mut nested = json!({});
        for _ in 0..20 {
            nested = json!({"unevaluatedProperties": false, "anyOf": [nested]});
        }
        assert!(is_too_costly(&nested, &json!({})) && check(&nested).is_err());
        assert!(check(&tree).is_ok());
    }

    #[test]
    fn a_size_counts_names_and_texts() {
        let mut size = Size::default();
        size.add(&json!({"abc": ["de", 1, null]}));
        assert_eq!((size.values, size.text), (5, 5));
        size.add(&vec![0; MOST_VALUES].into());
        assert!(size.is_too_large());
    }
}
