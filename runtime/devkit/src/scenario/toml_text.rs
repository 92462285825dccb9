//! Writes JSON values as TOML, as new text or in place of old values.

use serde_json::{Map, Value as Json};
use toml_edit::{Array, ArrayOfTables, InlineTable, Item, Table, TableLike, Value};

/// A JSON value that TOML cannot express.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotToml {
    /// A number outside the range of signed 64 bits.
    #[error("the number {0} is too large for TOML")]
    Number(String),
    /// Null where a value is required.
    #[error("TOML has no null in lists")]
    Null,
}

/// A new value on one line. Omits keys whose value is null.
pub(super) fn value(json: &Json) -> Result<Value, NotToml> {
    Ok(match json {
        Json::Null => return Err(NotToml::Null),
        Json::Bool(yes) => (*yes).into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => number.into(),
            (None, Some(float)) if number.is_f64() => float.into(),
            _ => return Err(NotToml::Number(number.to_string())),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(list) => Value::Array(list.iter().map(value).collect::<Result<Array, NotToml>>()?),
        Json::Object(map) => Value::InlineTable(inline(map)?),
    })
}

fn inline(map: &Map<String, Json>) -> Result<InlineTable, NotToml> {
    let mut table = InlineTable::new();
    for (key, json) in map.iter().filter(|(_, json)| !json.is_null()) {
        table.insert(key, value(json)?);
    }
    Ok(table)
}

/// A new list with one element per line.
pub(super) fn list(elements: &[Json]) -> Result<Value, NotToml> {
    let mut array = Array::new();
    for element in elements {
        let mut element = value(element)?;
        element.decor_mut().set_prefix("\n  ");
        array.push_formatted(element);
    }
    if !elements.is_empty() {
        array.set_trailing("\n");
        array.set_trailing_comma(true);
    }
    Ok(Value::Array(array))
}

/// Sets a key. Keeps the position of an existing key; in tables and lists, changes only what differs.
pub(super) fn set(table: &mut dyn TableLike, key: &str, json: &Json) -> Result<(), NotToml> {
    match table.get_mut(key) {
        Some(item) => item_to(item, json),
        None => {
            table.insert(key, Item::Value(anew(json)?));
            Ok(())
        }
    }
}

fn anew(json: &Json) -> Result<Value, NotToml> {
    match json {
        Json::Array(elements) if elements.iter().any(Json::is_object) => list(elements),
        json => value(json),
    }
}

fn item_to(item: &mut Item, json: &Json) -> Result<(), NotToml> {
    match (item, json) {
        (Item::Table(table), Json::Object(map)) => table_to(table, map),
        (Item::ArrayOfTables(tables), Json::Array(list)) if list.iter().all(Json::is_object) && !list.is_empty() => {
            tables_to(tables, list)
        }
        (Item::Value(value), json) => value_to(value, json),
        (item, json) => {
            *item = Item::Value(anew(json)?);
            Ok(())
        }
    }
}

fn table_to(table: &mut dyn TableLike, map: &Map<String, Json>) -> Result<(), NotToml> {
    let gone: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).filter(|key| !map.contains_key(key)).collect();
    for key in gone {
        table.remove(&key);
    }
    map.iter().try_for_each(|(key, json)| set(table, key, json))
}

fn tables_to(tables: &mut ArrayOfTables, list: &[Json]) -> Result<(), NotToml> {
    while tables.len() > list.len() {
        tables.remove(tables.len() - 1);
    }
    for (index, json) in list.iter().enumerate() {
        let Json::Object(map) = json else { continue };
        match tables.get_mut(index) {
            Some(table) => table_to(table, map)?,
            None => {
                let mut table = Table::new();
                table_to(&mut table, map)?;
                tables.push(table);
            }
        }
    }
    Ok(())
}

fn value_to(value: &mut Value, json: &Json) -> Result<(), NotToml> {
    match (&mut *value, json) {
        (Value::InlineTable(table), Json::Object(map)) => table_to(table, map),
        (Value::Array(array), Json::Array(list)) => array_to(array, list),
        (value, json) if is(value, json) => Ok(()),
        (value, json) => {
            let mut new = anew(json)?;
            *new.decor_mut() = value.decor().clone();
            *value = new;
            Ok(())
        }
    }
}

/// Whether both have the same value, however it is written.
fn is(value: &Value, json: &Json) -> bool {
    match (value, json) {
        (Value::String(text), Json::String(json)) => text.value() == json,
        (Value::Boolean(yes), Json::Bool(json)) => yes.value() == json,
        (Value::Integer(number), Json::Number(json)) => json.as_i64() == Some(*number.value()),
        (Value::Float(number), Json::Number(json)) => json.as_f64() == Some(*number.value()),
        _ => false,
    }
}

/// An element with the text that belongs to it: the lines before it, and the rest of its last line.
struct Element {
    value: Value,
    before: String,
    behind: String,
}

/// Matches elements by their `key`, whatever their position, and elements without a key by position.
fn array_to(array: &mut Array, list: &[Json]) -> Result<(), NotToml> {
    let (opening, mut old, closing) = taken_apart(array);
    let keyed = list.iter().all(|json| json.get("key").is_some());
    let before = old.iter().flatten().last().map_or_else(|| "\n  ".to_owned(), |last| without_comments(&last.before));
    let closing = if old.is_empty() && !list.is_empty() { "\n".to_owned() } else { closing };
    array.clear();
    let mut behind = opening;
    for (index, json) in list.iter().enumerate() {
        let place = if keyed { old.iter().position(|one| is_same(one.as_ref(), json)) } else { Some(index) };
        let mut element = match place.and_then(|place| old.get_mut(place)).and_then(Option::take) {
            Some(mut element) => {
                value_to(&mut element.value, json)?;
                element
            }
            None => Element { value: value(json)?, before: before.clone(), behind: String::new() },
        };
        element.value.decor_mut().set_prefix(format!("{behind}{}", element.before));
        behind = element.behind;
        array.push_formatted(element.value);
    }
    // Without the comma, a comment would end up after the bracket.
    if closing.contains('\n') && !list.is_empty() {
        array.set_trailing_comma(true);
    }
    array.set_trailing(format!("{behind}{closing}"));
    Ok(())
}

fn is_same(element: Option<&Element>, json: &Json) -> bool {
    let key = element.and_then(|element| element.value.as_inline_table()?.get("key")?.as_str());
    key.is_some() && key == json.get("key").and_then(Json::as_str)
}

/// Splits an array into the text after the opening bracket, its elements, and the text before the closing bracket.
fn taken_apart(array: &Array) -> (String, Vec<Option<Element>>, String) {
    let text = |raw: Option<&toml_edit::RawString>| raw.and_then(|raw| raw.as_str()).unwrap_or_default().to_owned();
    let mut gaps: Vec<(String, String)> = array
        .iter()
        .map(|value| of_lines(&text(value.decor().prefix())))
        .chain([of_lines(&text(Some(array.trailing())))])
        .collect();
    let opening = gaps.first_mut().map(|(behind, _)| std::mem::take(behind)).unwrap_or_default();
    let behind: Vec<String> = gaps.iter().skip(1).map(|(behind, _)| behind.clone()).collect();
    let elements = array
        .iter()
        .zip(gaps.iter().zip(behind))
        .map(|(value, ((_, before), behind))| Some(Element { value: value.clone(), before: before.clone(), behind }));
    (opening, elements.collect(), gaps.last().map(|(_, before)| before.clone()).unwrap_or_default())
}

/// Splits text into the rest of the current line and the lines after it.
fn of_lines(text: &str) -> (String, String) {
    match text.find('\n').and_then(|at| text.split_at_checked(at)) {
        Some((line, rest)) => (line.to_owned(), rest.to_owned()),
        None => (String::new(), text.to_owned()),
    }
}

/// Removes comments, because they describe the element that they precede.
fn without_comments(before: &str) -> String {
    match before.contains('#') {
        true => before.rfind('\n').and_then(|at| before.get(at..)).unwrap_or_default().to_owned(),
        false => before.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;
    use toml_edit::DocumentMut;

    use super::*;

    fn after(text: &str, json: &Json) -> String {
        let mut document: DocumentMut = text.parse().unwrap();
        set(document.as_table_mut(), "a", json).unwrap();
        document.to_string()
    }

    #[test]
    fn comments_stay_with_their_elements() {
        let text =
            "a = [ # open\n  { key = \"x\", n = 1 }, # x\n  # before y\n  { key = \"y\", n = 2 }, # y\n] # end\n";
        assert_eq!(after(text, &json!([{"key": "x", "n": 1}, {"key": "y", "n": 2}])), text);
        let changed = after(text, &json!([{"key": "x", "n": 3}, {"key": "y", "n": 2}]));
        assert_eq!(changed, text.replace("n = 1", "n = 3"));
        let last = after(text, &json!([{"key": "y", "n": 2}]));
        assert_eq!(last, "a = [ # open\n  # before y\n  { key = \"y\", n = 2 }, # y\n] # end\n");
        let first = after(text, &json!([{"key": "x", "n": 1}]));
        assert_eq!(first, "a = [ # open\n  { key = \"x\", n = 1 }, # x\n] # end\n");
        let more = after(text, &json!([{"key": "x", "n": 1}, {"key": "z"}, {"key": "y", "n": 2}]));
        assert_eq!(more, text.replace("  # before y", "  { key = \"z\" },\n  # before y"));
        for text in ["a = [1, 2]\n", "a = [\n  1, # one\n  2\n]\n", "a = []\n", "a = [ 1 ]\n"] {
            let json = json!([1, 7, 3]);
            let parsed: DocumentMut = after(text, &json).parse().unwrap();
            assert_eq!(parsed.get("a").unwrap().as_array().unwrap().len(), 3, "{parsed}");
        }
    }

    #[test]
    fn an_equal_number_keeps_its_spelling() {
        assert_eq!(after("a = 1_000 # k\n", &json!(1000)), "a = 1_000 # k\n");
        assert_eq!(after("a = 1_000 # k\n", &json!(2000)), "a = 2000 # k\n");
        assert!(value(&json!(u64::MAX)).is_err());
        assert!(value(&json!([null])).is_err());
    }
}
