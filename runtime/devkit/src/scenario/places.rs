//! Finds a value's place in the text of a scenario.

use std::ops::Range;

use toml_edit::{Array, ArrayOfTables, Document, Item, Key, TableLike, Value};

/// A node on the way to a value.
enum At<'d> {
    Table(&'d dyn TableLike),
    Array(&'d Array),
    Tables(&'d ArrayOfTables),
    Leaf,
}

/// The place of the value at a path of keys and indexes, or of its key; if it is missing, of its nearest parent.
pub(super) fn of(text: &str, path: &[&str], about_key: bool) -> Range<usize> {
    let Ok(document) = Document::parse(text) else { return 0..0 };
    let mut at = At::Table(document.as_table());
    let mut span = 0..0;
    for (index, part) in path.iter().enumerate() {
        let (key, next, found) = match &at {
            At::Table(table) => match table.get(part) {
                Some(item) => (table.key(part).and_then(Key::span), of_item(item), item.span()),
                None => break,
            },
            At::Array(array) => match part.parse().ok().and_then(|index: usize| array.get(index)) {
                Some(value) => (None, of_value(value), value.span()),
                None => break,
            },
            At::Tables(tables) => match part.parse().ok().and_then(|index: usize| tables.get(index)) {
                Some(table) => (None, At::Table(table), table.span()),
                None => break,
            },
            At::Leaf => break,
        };
        at = next;
        let last = index + 1 == path.len();
        let wanted = if about_key && last { key.or(found) } else { found.or(key) };
        span = wanted.unwrap_or(span);
    }
    span
}

fn of_item(item: &Item) -> At<'_> {
    match item {
        Item::Table(table) => At::Table(table),
        Item::ArrayOfTables(tables) => At::Tables(tables),
        Item::Value(value) => of_value(value),
        Item::None => At::Leaf,
    }
}

fn of_value(value: &Value) -> At<'_> {
    match value {
        Value::InlineTable(table) => At::Table(table),
        Value::Array(array) => At::Array(array),
        _ => At::Leaf,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn a_path_leads_through_every_kind_of_table() {
        let text = "a = 1\n[[reply]]\ncall = \"x\"\n[reply.ok]\nskipped = 0\n[[reply.ok.entries]]\nmount = \"/\"\n\
                    [[reply]]\nok = { entries = [{ mount = 7 }] }\n";
        let shown = |path: &[&str], key| &text[of(text, path, key)];
        assert_eq!(shown(&["reply", "0", "ok", "entries", "0", "mount"], false), "\"/\"");
        assert_eq!(shown(&["reply", "1", "ok", "entries", "0", "mount"], false), "7");
        assert_eq!(shown(&["reply", "1", "ok", "entries", "0", "mount"], true), "mount");
        assert_eq!(shown(&["reply", "0", "ok", "skipped"], true), "skipped");
        assert_eq!(shown(&["reply", "1", "ok", "entries", "0", "gone", "more"], false), "{ mount = 7 }");
        assert_eq!(of("= broken", &["a"], false), 0..0);
    }
}
