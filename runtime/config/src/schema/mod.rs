//! The schema of a policy's settings: JSON Schema 2020-12 with sizes, durations and aliases.
//!
//! Extensions of the standard: a property may have `"format": "bytes"` or `"format": "duration"` (texts such as `100M`
//! or `30 days` are accepted and become an integer of bytes or milliseconds; an integer is used unchanged), and
//! `"ansai-aliases": ["old_name"]`, and `"ansai-at-most": "other"` where it must not exceed the property `other` of the same
//! table. Objects accept no other properties, unless they have `"additionalProperties": true`
//! or a schema there. References must stay within the document and may not be circular.

mod bounds;
mod describe;
mod expand;
mod known;
mod order;
mod place;
mod quantity;
mod refused;
mod resolve;
mod tree;
mod words;

use std::path::Path;
use std::sync::Arc;

use ansai_core::codes;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::diagnostics::Diagnostics;
use crate::file;
use crate::problem::{Problem, Problems};
use crate::source::{MOST_AUTHOR_BYTES, Source};

pub use describe::SettingDescription;
pub use resolve::SettingProblem;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Maximum compiled size of one `pattern`, in bytes.
const MOST_PATTERN: usize = 64 << 10;
/// Maximum size of the cache with which a pattern is matched, in bytes.
const MOST_PATTERN_CACHE: usize = 256 << 10;
const MOST_PROBLEMS: usize = 20;

/// A valid settings schema, ready to resolve settings.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The schema without references.
    tree: Value,
    validator: Validator,
}

impl Schema {
    /// Parses a schema. `file_name` appears only in messages.
    ///
    /// # Errors
    /// Problems of the text, the schema or its defaults, each with its place.
    pub fn parse(file_name: &str, text: &str) -> Result<Schema, Diagnostics> {
        let (source, problem) = Source::from_text(file_name, text, MOST_AUTHOR_BYTES);
        Self::from_source(source, problem)
    }

    /// Reads a schema file of at most 256 KiB.
    ///
    /// # Errors
    /// As [`Schema::parse`], and if the file cannot be read.
    pub fn load(path: &Path) -> Result<Schema, Diagnostics> {
        let (source, problem, _) = file::read(path, MOST_AUTHOR_BYTES)?;
        Self::from_source(source, problem)
    }

    /// Returns settings as the policy gets them: valid, with canonical names, defaults, and quantities as integers.
    ///
    /// # Errors
    /// All problems, each with the path as written.
    pub fn resolve(&self, settings: &Value) -> Result<Value, Vec<SettingProblem>> {
        resolve::resolve(&self.tree, &self.validator, settings)
    }

    /// Resolves settings of which some differ from `base`, settings that [`Schema::resolve`] returned. Together they must
    /// be valid. Returns only what differs, with canonical names, and quantities as integers.
    ///
    /// # Errors
    /// All problems, each with the path as written.
    pub fn resolve_over(&self, base: &Value, own: &Value) -> Result<Value, Vec<SettingProblem>> {
        resolve::resolve_over(&self.tree, &self.validator, base, own)
    }

    /// Describes every setting, in the order of the schema.
    pub fn describe(&self) -> Vec<SettingDescription> {
        describe::describe(&self.tree)
    }

    fn from_source(source: Source, problem: Option<Problem>) -> Result<Schema, Diagnostics> {
        let source = Arc::new(source);
        let mut problems = Problems::default();
        let schema = match problem {
            Some(problem) => {
                problems.add(problem);
                None
            }
            None if source.text.trim().is_empty() => {
                problems.add(
                    Problem::whole(codes::EMPTY_FILE, "the schema is empty")
                        .hint("begin with {\"type\": \"object\", \"properties\": {}}"),
                );
                None
            }
            None => build(&source.text, &mut problems),
        };
        schema.ok_or_else(|| problems.of(&source))
    }
}

fn build(text: &str, problems: &mut Problems) -> Option<Schema> {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            problems.add(place::syntax(text, &error));
            return None;
        }
    };
    let mut size = bounds::Size::default();
    size.add(&value);
    if size.is_too_large() {
        let message = format!(
            "the schema has more than {} values, or more than {} KiB of text",
            bounds::MOST_VALUES,
            bounds::MOST_TEXT >> 10
        );
        problems.add(Problem::whole(codes::SCHEMA_TOO_LARGE, message));
        return None;
    }
    check_root(text, &value, problems)?;
    for error in jsonschema::draft202012::meta::validator().iter_errors(&value).take(MOST_PROBLEMS) {
        problems.add(invalid(text, &error));
    }
    if problems.has_errors() {
        return None;
    }
    let tree = match known::check(&value)
        .and_then(|()| expand::expand(&value))
        .and_then(|tree| bounds::check(&tree).map(|()| tree))
    {
        Ok(tree) => tree,
        Err(found) => {
            problems.add(Problem::error(found.code, place::of(text, &found.path), found.message).hint(found.hint));
            return None;
        }
    };
    let compiled = jsonschema::draft202012::options()
        .offline()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex().size_limit(MOST_PATTERN).dfa_size_limit(MOST_PATTERN_CACHE))
        .build(&quantity::as_numbers(&tree));
    let validator = match compiled {
        Ok(validator) => validator,
        Err(error) => {
            problems.add(invalid(text, &error));
            return None;
        }
    };
    let schema = Schema { tree, validator };
    for problem in schema.resolve(&serde_json::json!({})).err().unwrap_or_default() {
        // The operator sets what has no default.
        if !problem.missing {
            let message = format!("the defaults do not fit the schema: {}", problem.message);
            let path = problem.path.iter().flat_map(|part| ["properties".to_owned(), part.clone()]);
            let place = place::of(text, &path.collect::<Vec<_>>());
            problems.add(Problem::error(codes::SCHEMA_DEFAULT, place, message).maybe_hint(problem.hint));
        }
    }
    (!problems.has_errors()).then_some(schema)
}

/// An error of the schema itself, at its place.
fn invalid(text: &str, error: &ValidationError<'_>) -> Problem {
    let path = pointer(error.instance_path());
    let message = format!("not a valid schema: {}", refused::meta(error));
    let problem = Problem::error(codes::BAD_SCHEMA, place::of(text, &path), message);
    match path.last().map(String::as_str) {
        Some("type") => problem.hint("types: object, array, string, integer, number, boolean, null"),
        _ => problem,
    }
}

/// Splits a JSON pointer into its parts.
fn pointer(location: &jsonschema::paths::Location) -> Vec<String> {
    location.as_str().split('/').skip(1).map(expand::unescape).collect()
}

fn check_root(text: &str, value: &Value, problems: &mut Problems) -> Option<()> {
    if value.get("type").and_then(Value::as_str) != Some("object") {
        let path = match value.get("type") {
            Some(_) => vec!["type".to_owned()],
            None => Vec::new(),
        };
        problems.add(
            Problem::error(
                codes::SCHEMA_ROOT,
                place::of(text, &path),
                "settings are a table, but the schema does not describe one",
            )
            .hint("write \"type\": \"object\" at the top"),
        );
    }
    if let Some(draft) = value.get("$schema")
        && draft.as_str().map(|draft| draft.trim_end_matches('#')) != Some(DRAFT)
    {
        problems.add(
            Problem::error(
                codes::SCHEMA_DRAFT,
                place::of(text, &["$schema".to_owned()]),
                "only JSON Schema 2020-12 is supported",
            )
            .hint(format!("write \"$schema\": \"{DRAFT}\"")),
        );
    }
    (!problems.has_errors()).then_some(())
}
