//! From JSON to TOML, in place of what stood there or anew.

use serde_json::{Map, Value as Json};
use toml_edit::{Array, ArrayOfTables, InlineTable, Item, Table, TableLike, Value};

/// JSON has what TOML has no form for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotToml {
    /// A number beyond 64 bits with sign.
    #[error("{0} is too large a number for TOML")]
    Number(String),
    /// Nothing, where something must stand.
    #[error("nothing (null) in a list has no form in TOML")]
    Null,
}

/// A value anew, on one line. Keys without a value are left out.
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

/// A list with one element a line.
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

/// Sets a key, in place where it is there; where both are tables or lists, only what differs is touched.
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

/// However it is spelt.
fn is(value: &Value, json: &Json) -> bool {
    match (value, json) {
        (Value::String(text), Json::String(json)) => text.value() == json,
        (Value::Boolean(yes), Json::Bool(json)) => yes.value() == json,
        (Value::Integer(number), Json::Number(json)) => json.as_i64() == Some(*number.value()),
        (Value::Float(number), Json::Number(json)) => json.as_f64() == Some(*number.value()),
        _ => false,
    }
}

/// Elements with a key of the same name are the same ones, wherever they stand; others by their place.
fn array_to(array: &mut Array, list: &[Json]) -> Result<(), NotToml> {
    let mut old: Vec<Option<Value>> = array.iter().cloned().map(Some).collect();
    let key_of = |value: &Value| value.as_inline_table()?.get("key")?.as_str().map(str::to_owned);
    let decor = array.iter().last().map(|value| value.decor().clone());
    let keyed = list.iter().all(|json| json.get("key").is_some());
    array.clear();
    for (index, json) in list.iter().enumerate() {
        let key = json.get("key").and_then(Json::as_str);
        let place = if keyed {
            old.iter().position(|value| value.as_ref().and_then(key_of).as_deref() == key && key.is_some())
        } else {
            Some(index)
        };
        match place.and_then(|place| old.get_mut(place)).and_then(Option::take) {
            Some(mut value) => {
                value_to(&mut value, json)?;
                array.push_formatted(value);
            }
            None => {
                let mut value = value(json)?;
                match &decor {
                    // A comment before an element is about that one.
                    Some(decor) => *value.decor_mut() = without_comments(decor),
                    None => value.decor_mut().set_prefix("\n  "),
                }
                array.push_formatted(value);
            }
        }
    }
    if decor.is_none() && !list.is_empty() {
        array.set_trailing("\n");
        array.set_trailing_comma(true);
    }
    Ok(())
}

fn without_comments(decor: &toml_edit::Decor) -> toml_edit::Decor {
    let plain = |raw: Option<&toml_edit::RawString>| {
        let text = raw.and_then(|raw| raw.as_str()).unwrap_or_default();
        match text.contains('#') {
            true => text.rfind('\n').and_then(|at| text.get(at..)).unwrap_or_default().to_owned(),
            false => text.to_owned(),
        }
    };
    toml_edit::Decor::new(plain(decor.prefix()), plain(decor.suffix()))
}
