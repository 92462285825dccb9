//! A tree of values with their places, read from TOML or JSON.

use ansai_core::codes;
use serde_json::Value as Json;
use toml_edit::{Document, Item, Table, Value};

use crate::problem::Problem;
use crate::source::Span;

/// Maximum nesting of tables and lists.
const MOST_DEPTH: usize = 32;
/// Maximum number of values in a manifest.
pub(crate) const MOST_AUTHOR_VALUES: usize = 5_000;
/// Maximum number of values in a configuration. Ten thousand instances have about 100,000.
pub(crate) const MOST_HOST_VALUES: usize = 500_000;

/// A value and its place. For a table with a header, the place is the last key of the header.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Table(Vec<Entry>),
    Array(Vec<Node>),
    Text(String),
    /// Wide enough for all integers of JSON and TOML.
    Integer(i128),
    Float(f64),
    Bool(bool),
    Datetime(String),
    /// Only from JSON: a number that does not fit, or null.
    Unreadable(String),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) node: Node,
}

impl Node {
    /// Parses TOML of at most this many values. They are counted before the text is parsed, because the parser needs
    /// hundreds of bytes for each.
    pub(crate) fn from_toml(text: &str, most_values: usize) -> Result<Node, Problem> {
        // One of these is before every value, and more of them are in texts and comments.
        if text.bytes().filter(|byte| matches!(byte, b'=' | b',' | b'[' | b'{')).count() > most_values {
            return Err(too_many(most_values));
        }
        let document = Document::parse(text).map_err(|error| {
            let at = error.span().unwrap_or(0..0);
            syntax(at, error.message())
        })?;
        table(document.as_table(), 0..0, 0)
    }

    /// Builds the tree from JSON. All places are the start of the text.
    pub(crate) fn from_json(value: &Json) -> Result<Node, Problem> {
        if count(value, MOST_AUTHOR_VALUES) > MOST_AUTHOR_VALUES {
            return Err(too_many(MOST_AUTHOR_VALUES));
        }
        from_json(value, 0)
    }

    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Table(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key == key)
    }

    /// Describes the type of the value, for "…, not a list".
    pub(crate) fn what(&self) -> &'static str {
        match self.kind {
            Kind::Table(_) => "a table",
            Kind::Array(_) => "a list",
            Kind::Text(_) => "a text",
            Kind::Integer(_) => "a whole number",
            Kind::Float(_) => "a number with a fraction",
            Kind::Bool(_) => "true or false",
            Kind::Datetime(_) => "a date",
            Kind::Unreadable(_) => "null or a number beyond 64 bits",
        }
    }

    /// Converts to JSON. Dates become strings; infinity and NaN become null.
    pub(crate) fn to_json(&self) -> Json {
        match &self.kind {
            Kind::Table(entries) => {
                Json::Object(entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect())
            }
            Kind::Array(nodes) => Json::Array(nodes.iter().map(Node::to_json).collect()),
            Kind::Text(text) | Kind::Datetime(text) | Kind::Unreadable(text) => Json::String(text.clone()),
            Kind::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => Json::from(number),
                (_, Ok(number)) => Json::from(number),
                _ => Json::Null,
            },
            Kind::Float(number) => Json::from(*number),
            Kind::Bool(yes) => Json::Bool(*yes),
        }
    }
}

fn syntax(at: Span, message: &str) -> Problem {
    // The parser may list the expected tokens on further lines.
    let first = message.lines().next().unwrap_or_default();
    let code = match first.split(',').next().unwrap_or_default() {
        "duplicate key" => codes::DUPLICATE_KEY,
        "recursion limit" | "cannot recurse further; max recursion depth met" => codes::TOO_DEEP,
        _ => codes::SYNTAX,
    };
    let (words, hint) = match first.split(',').next().unwrap_or_default() {
        "duplicate key" => ("duplicate key", Some("keep one of them")),
        "recursion limit" | "cannot recurse further; max recursion depth met" => ("nested too deeply", None),
        "invalid basic string" => ("text without a closing quote on its line", Some("close it with `\"`")),
        "string values must be quoted" => {
            ("missing value, or text without quotes", Some("write texts in double quotes: key = \"value\""))
        }
        "invalid unquoted key" => (first, Some("write such a name in double quotes: \"a/b\" = {}")),
        "key with no value" => (first, Some("write key = value")),
        _ => (first, None),
    };
    Problem::error(code, at, words).maybe_hint(hint.map(str::to_owned))
}

/// Counts values until there are more than `most`.
fn count(value: &Json, most: usize) -> usize {
    let below = |sum: usize, one: &Json| if sum > most { sum } else { sum + count(one, most) };
    match value {
        Json::Array(list) => list.iter().fold(1, below),
        Json::Object(map) => map.values().fold(1, below),
        _ => 1,
    }
}

fn too_many(most: usize) -> Problem {
    Problem::whole(codes::TOO_MANY_VALUES, format!("more than {most} values")).hint("is this the right file?")
}

fn too_deep(span: Span) -> Problem {
    Problem::error(codes::TOO_DEEP, span, format!("nested more than {MOST_DEPTH} levels deep"))
}

fn table(table: &Table, span: Span, depth: usize) -> Result<Node, Problem> {
    if depth > MOST_DEPTH {
        return Err(too_deep(span));
    }
    let mut entries = Vec::new();
    for (key, found) in table.iter() {
        // Only a table that another header implies has no place.
        let key_span = table.key(key).and_then(|key| key.span()).unwrap_or_else(|| span.clone());
        entries.push(Entry { key: key.to_owned(), node: item(found, &key_span, depth + 1)?, key_span });
    }
    Ok(Node { span, kind: Kind::Table(entries) })
}

fn item(item: &Item, key_span: &Span, depth: usize) -> Result<Node, Problem> {
    match item {
        Item::None => Ok(Node { span: key_span.clone(), kind: Kind::Table(Vec::new()) }),
        Item::Value(found) => value(found, key_span, depth),
        Item::Table(found) => table(found, key_span.clone(), depth),
        Item::ArrayOfTables(found) => {
            let nodes: Result<Vec<Node>, Problem> =
                found.iter().map(|one| table(one, one.span().unwrap_or_else(|| key_span.clone()), depth + 1)).collect();
            Ok(Node { span: key_span.clone(), kind: Kind::Array(nodes?) })
        }
    }
}

fn value(value: &Value, around: &Span, depth: usize) -> Result<Node, Problem> {
    let span = value.span().unwrap_or_else(|| around.clone());
    if depth > MOST_DEPTH {
        return Err(too_deep(span));
    }
    let kind = match value {
        Value::String(text) => Kind::Text(text.value().clone()),
        Value::Integer(number) => Kind::Integer(i128::from(*number.value())),
        Value::Float(number) => Kind::Float(*number.value()),
        Value::Boolean(yes) => Kind::Bool(*yes.value()),
        Value::Datetime(date) => Kind::Datetime(date.value().to_string()),
        Value::Array(list) => {
            Kind::Array(list.iter().map(|one| self::value(one, &span, depth + 1)).collect::<Result<_, _>>()?)
        }
        Value::InlineTable(found) => {
            let mut entries = Vec::new();
            for (key, inner) in found.iter() {
                let key_span = found.key(key).and_then(|key| key.span()).unwrap_or_else(|| span.clone());
                entries.push(Entry { key: key.to_owned(), node: self::value(inner, &key_span, depth + 1)?, key_span });
            }
            Kind::Table(entries)
        }
    };
    Ok(Node { span, kind })
}

fn from_json(value: &Json, depth: usize) -> Result<Node, Problem> {
    if depth > MOST_DEPTH {
        return Err(too_deep(0..0));
    }
    let kind = match value {
        Json::Null => Kind::Unreadable("null".to_owned()),
        Json::Bool(yes) => Kind::Bool(*yes),
        Json::Number(number) => match (number.as_i128(), number.as_f64()) {
            (Some(number), _) => Kind::Integer(number),
            (None, Some(number)) if number.fract() != 0.0 => Kind::Float(number),
            _ => Kind::Unreadable(number.to_string()),
        },
        Json::String(text) => Kind::Text(text.clone()),
        Json::Array(list) => Kind::Array(list.iter().map(|one| from_json(one, depth + 1)).collect::<Result<_, _>>()?),
        Json::Object(map) => {
            let mut entries = Vec::new();
            for (key, value) in map {
                entries.push(Entry { key: key.clone(), key_span: 0..0, node: from_json(value, depth + 1)? });
            }
            Kind::Table(entries)
        }
    };
    Ok(Node { span: 0..0, kind })
}
