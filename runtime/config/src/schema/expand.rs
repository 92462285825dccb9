//! Replaces references by their targets. The result is a tree, so later steps always terminate.

use std::borrow::Cow;

use ansai_core::{Code, codes};
use serde_json::{Map, Value};

use super::bounds::Size;
use super::tree::{BY_NAME, LIST, ONE};

/// Maximum number of subschemas after all references are replaced.
const MOST_SCHEMAS: usize = 2_000;
const MOST_DEPTH: usize = 48;
/// Settings do not need these keywords, and each would change the meaning of a reference.
const UNSUPPORTED: &[&str] = &["$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$anchor"];

/// Why a schema cannot be used, and the path in the document.
pub(super) struct Unusable {
    pub(super) code: Code,
    pub(super) path: Vec<String>,
    pub(super) message: String,
    pub(super) hint: Cow<'static, str>,
}

pub(super) fn expand(root: &Value) -> Result<Value, Unusable> {
    let mut walk = Walk { root, open: Vec::new(), schemas: 0, size: Size::default() };
    let tree = walk.schema(root, &mut Vec::new(), 0)?;
    if walk.size.is_too_large() { Err(too_large(&[])) } else { Ok(tree) }
}

fn too_large(path: &[String]) -> Unusable {
    Unusable {
        code: codes::SCHEMA_TOO_LARGE,
        path: path.to_vec(),
        message: "the schema is too large after resolving its references".into(),
        hint: "use fewer levels and fewer references".into(),
    }
}

/// Decodes a part of a JSON pointer: `~1` is `/` and `~0` is `~`.
pub(super) fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

struct Walk<'s> {
    root: &'s Value,
    /// References that are being replaced, to detect cycles.
    open: Vec<&'s str>,
    schemas: usize,
    /// Of what is copied: a text is copied for each reference to the definition around it.
    size: Size,
}

impl<'s> Walk<'s> {
    fn schema(&mut self, schema: &'s Value, path: &mut Vec<String>, depth: usize) -> Result<Value, Unusable> {
        self.schemas += 1;
        if self.schemas > MOST_SCHEMAS || depth > MOST_DEPTH || self.size.is_too_large() {
            return Err(too_large(path));
        }
        let Some(map) = schema.as_object() else {
            return Ok(schema.clone());
        };
        self.refuse(map, path)?;
        let mut out = Map::new();
        for (keyword, value) in map {
            let known = |list: &[&str]| list.contains(&keyword.as_str());
            path.push(keyword.clone());
            let value = match value {
                _ if known(&["$ref", "$defs", "definitions", "$id", "$schema"]) => None,
                value if known(ONE) => Some(self.schema(value, path, depth + 1)?),
                Value::Object(named) if known(BY_NAME) => {
                    let mut below = Map::new();
                    for (name, one) in named {
                        path.push(name.clone());
                        below.insert(name.clone(), self.schema(one, path, depth + 1)?);
                        path.pop();
                    }
                    Some(Value::Object(below))
                }
                Value::Array(list) if known(LIST) => {
                    let mut below = Vec::new();
                    for (index, one) in list.iter().enumerate() {
                        path.push(index.to_string());
                        below.push(self.schema(one, path, depth + 1)?);
                        path.pop();
                    }
                    Some(Value::Array(below))
                }
                data => {
                    self.size.add(data);
                    // What is too large is not copied; the next schema is refused for it, or the whole.
                    (!self.size.is_too_large()).then(|| data.clone())
                }
            };
            path.pop();
            if let Some(value) = value {
                out.insert(keyword.clone(), value);
            }
        }
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            let target = self.reference(reference, path, depth)?;
            merge(&mut out, target);
        }
        Ok(Value::Object(out))
    }

    fn refuse(&self, map: &Map<String, Value>, path: &[String]) -> Result<(), Unusable> {
        let below = |keyword: &str| {
            let mut path = path.to_vec();
            path.push(keyword.to_owned());
            path
        };
        let keyword = UNSUPPORTED.iter().copied().find(|word| map.contains_key(*word));
        let nested_id = (!path.is_empty() && map.contains_key("$id")).then_some("$id");
        match keyword.or(nested_id) {
            Some(keyword) => Err(Unusable {
                code: codes::SCHEMA_KEYWORD,
                path: below(keyword),
                message: format!("`{keyword}` is not supported here"),
                hint: "refer to definitions by \"$ref\": \"#/$defs/NAME\"".into(),
            }),
            None => Ok(()),
        }
    }

    fn reference(&mut self, reference: &'s str, path: &[String], depth: usize) -> Result<Value, Unusable> {
        let at = |path: &[String]| {
            let mut path = path.to_vec();
            path.push("$ref".to_owned());
            path
        };
        let shown = ansai_core::text::inert(reference, 100);
        let local = reference.strip_prefix('#').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let Some(pointer) = local else {
            return Err(Unusable {
                code: codes::SCHEMA_REFERENCE,
                path: at(path),
                message: format!("`{shown}` is outside this schema"),
                hint: "ansai fetches nothing: put the definition below \"$defs\" and write \"#/$defs/NAME\"".into(),
            });
        };
        if self.open.contains(&reference) || pointer.is_empty() {
            return Err(Unusable {
                code: codes::SCHEMA_REFERENCE,
                path: at(path),
                message: format!("`{shown}` is a circular reference"),
                hint: "a schema cannot contain itself".into(),
            });
        }
        let Some(target) = self.root.pointer(pointer) else {
            return Err(Unusable {
                code: codes::SCHEMA_REFERENCE,
                path: at(path),
                message: format!("`{shown}` is not defined in this schema"),
                hint: "put the definition below \"$defs\" and refer to it as \"#/$defs/NAME\"".into(),
            });
        };
        // From here on, problems are in the definition.
        let mut path: Vec<String> = pointer.split('/').skip(1).map(unescape).collect();
        self.open.push(reference);
        let target = self.schema(target, &mut path, depth + 1);
        self.open.pop();
        target
    }
}

/// Merges the target of a reference. If both hold a describing keyword, the one next to the reference wins; other
/// keywords apply both.
fn merge(out: &mut Map<String, Value>, target: Value) {
    const DESCRIBE: &[&str] =
        &["title", "description", "default", "examples", "deprecated", "ansai-aliases", "$comment"];
    match target {
        Value::Object(target) if out.keys().all(|key| DESCRIBE.contains(&key.as_str())) => {
            for (keyword, value) in target {
                out.entry(keyword).or_insert(value);
            }
        }
        target => match out.get_mut("allOf") {
            Some(Value::Array(list)) => list.push(target),
            _ => {
                out.insert("allOf".into(), Value::Array(vec![target]));
            }
        },
    }
}
