//! Refuses keywords and formats that nothing reads: a misspelt bound would bound nothing.

use ansai_core::codes;
use ansai_core::text::inert;
use serde_json::{Map, Value};

use super::expand::Unusable;
use super::order::AT_MOST;
use super::tree::{BY_NAME, LIST, ONE};
use super::words::MOST_SHOWN;
use crate::nearest;

/// Keywords besides those that hold schemas. The list has all that JSON Schema 2020-12 defines for validation, and for
/// describing what is validated; [`super::expand`] refuses some of them in words of its own.
const KEYWORDS: &[&str] = &[
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveRef",
    "$ref",
    "$schema",
    "ansai-aliases",
    AT_MOST,
    "const",
    "default",
    "definitions",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
];
/// Formats that are validated.
const FORMATS: &[&str] = &[
    "bytes",
    "duration",
    "date",
    "date-time",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
];
/// Deeper schemas are refused elsewhere.
const MOST_DEPTH: usize = 200;

/// The first keyword or format of a schema that ansai does not know.
pub(super) fn check(schema: &Value) -> Result<(), Unusable> {
    walk(schema, &mut Vec::new())
}

fn walk(schema: &Value, path: &mut Vec<String>) -> Result<(), Unusable> {
    let Value::Object(map) = schema else { return Ok(()) };
    if path.len() > MOST_DEPTH {
        return Ok(());
    }
    for (keyword, value) in map {
        let is = |list: &[&str]| list.contains(&keyword.as_str());
        path.push(keyword.clone());
        match value {
            one if is(ONE) => walk(one, path)?,
            Value::Object(named) if is(BY_NAME) || is(&["$defs", "definitions"]) => {
                if keyword == "properties" {
                    order(named, path)?;
                }
                for (name, one) in named {
                    below(one, name, path)?;
                }
            }
            Value::Array(list) if is(LIST) => {
                for (index, one) in list.iter().enumerate() {
                    below(one, &index.to_string(), path)?;
                }
            }
            Value::String(format) if keyword == "format" && !FORMATS.contains(&format.as_str()) => {
                return Err(unknown("format", format, FORMATS.to_vec(), path));
            }
            _ if is(KEYWORDS) || is(BY_NAME) || is(LIST) => {}
            _ => {
                let known = [KEYWORDS, ONE, BY_NAME, LIST].concat();
                return Err(unknown("keyword", keyword, known, path));
            }
        }
        path.pop();
    }
    Ok(())
}

fn below(schema: &Value, part: &str, path: &mut Vec<String>) -> Result<(), Unusable> {
    path.push(part.to_owned());
    walk(schema, path)?;
    path.pop();
    Ok(())
}

fn unknown(what: &str, written: &str, known: Vec<&'static str>, path: &[String]) -> Unusable {
    let hint = match nearest::nearest(written, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None if what == "format" => format!("formats: {}", known.join(", ")),
        None => "remove it; notes for readers belong in \"$comment\"".to_owned(),
    };
    Unusable {
        code: codes::SCHEMA_KEYWORD,
        path: path.to_vec(),
        message: format!("unknown {what} `{}`", inert(written, MOST_SHOWN)),
        hint: hint.into(),
    }
}

/// `ansai-at-most` names another property of the same table.
fn order(properties: &Map<String, Value>, path: &[String]) -> Result<(), Unusable> {
    for (name, schema) in properties {
        let Some(other) = schema.get(AT_MOST) else { continue };
        if !other.as_str().is_some_and(|other| other != name && properties.contains_key(other)) {
            return Err(Unusable {
                code: codes::SCHEMA_KEYWORD,
                path: [path, &[name.clone(), AT_MOST.to_owned()]].concat(),
                message: format!("`{AT_MOST}` does not name another property of the same table"),
                hint: format!("write the name of a property beside `{}`", inert(name, MOST_SHOWN)).into(),
            });
        }
    }
    Ok(())
}
