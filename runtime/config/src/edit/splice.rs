//! Insertions and replaced values at places that the parser found.

use std::ops::Range;

use toml_edit::{InlineTable, Item, Table, TableLike, Value};

use super::{has, is_plain};

/// Changes of a text that do not overlap.
pub(super) struct Splices<'t> {
    text: &'t str,
    all: Vec<(Range<usize>, String)>,
}

impl<'t> Splices<'t> {
    pub(super) fn new(text: &'t str) -> Splices<'t> {
        Splices { text, all: Vec::new() }
    }

    fn replace(&mut self, place: Range<usize>, with: impl Into<String>) {
        self.all.push((place, with.into()));
    }

    fn insert(&mut self, at: usize, what: impl Into<String>) {
        self.replace(at..at, what);
    }

    /// The text with all changes; `None` if two of them overlap.
    pub(super) fn done(mut self) -> Option<String> {
        self.all.sort_by_key(|(place, _)| place.start);
        let mut out = String::with_capacity(self.text.len() + 256);
        let mut done = 0;
        for (place, with) in &self.all {
            out += self.text.get(done..place.start)?;
            out += with;
            done = place.end;
        }
        out += self.text.get(done..)?;
        Some(out)
    }

    /// The beginning of the line of a place.
    fn line_start(&self, at: usize) -> Option<usize> {
        Some(self.text.get(..at)?.rfind('\n').map_or(0, |end| end + 1))
    }

    /// The end of the line of a place with its line end, and that line end; the end of the text if there is none.
    fn line_end(&self, at: usize) -> Option<(usize, &'t str)> {
        let rest = self.text.get(at..)?;
        match rest.find('\n') {
            Some(end) if rest.get(..end)?.ends_with('\r') => Some((at + end + 1, "\r\n")),
            Some(end) => Some((at + end + 1, "\n")),
            None => Some((self.text.len(), "")),
        }
    }

    /// The line end of this text.
    fn newline(&self) -> &'static str {
        match self.text.find('\n') {
            Some(end) if self.text.get(..end).is_some_and(|line| line.ends_with('\r')) => "\r\n",
            _ => "\n",
        }
    }
}

/// A table in any form.
pub(super) enum AnyTable<'t> {
    /// With a header, or of dotted keys.
    Table(&'t Table),
    /// In braces.
    Inline(&'t InlineTable),
}

/// What is below a key.
pub(super) fn get<'t>(item: &'t Item, key: &str) -> Option<&'t Item> {
    item.as_table_like()?.get(key).filter(|found| has(found))
}

/// The tables of a grant: one, or those of a list.
pub(super) fn tables_of(grant: &Item) -> Option<Vec<AnyTable<'_>>> {
    match grant {
        Item::Table(table) => Some(vec![AnyTable::Table(table)]),
        Item::ArrayOfTables(tables) => Some(tables.iter().map(AnyTable::Table).collect()),
        Item::Value(Value::InlineTable(table)) => Some(vec![AnyTable::Inline(table)]),
        Item::Value(Value::Array(list)) => list.iter().map(|one| one.as_inline_table().map(AnyTable::Inline)).collect(),
        _ => None,
    }
}

/// Sets a key of a table.
pub(super) fn set_in(item: &Item, key: &str, value: &str, splices: &mut Splices<'_>) -> Option<()> {
    match item {
        Item::Table(table) => AnyTable::Table(table).set(key, value, splices),
        Item::Value(Value::InlineTable(table)) => AnyTable::Inline(table).set(key, value, splices),
        _ => None,
    }
}

impl AnyTable<'_> {
    /// A key that is true or false, or missing.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.like().get(key).and_then(Item::as_bool).unwrap_or_default()
    }

    /// Sets a key to a value, which is TOML; `None` if nobody knows where to write it.
    pub(super) fn set(&self, key: &str, value: &str, splices: &mut Splices<'_>) -> Option<()> {
        if let Some(found) = self.like().get(key).filter(|found| has(found)) {
            splices.replace(found.as_value()?.span()?, value);
            return Some(());
        }
        let line = format!("{key} = {value}");
        match self {
            AnyTable::Inline(table) => insert_in_braces(table, &line, splices),
            AnyTable::Table(table) if is_plain(table) => insert_below_header(table, &line, splices),
            AnyTable::Table(table) => {
                insert_dotted(table, &line, splices).or_else(|| insert_header(table, &line, splices))
            }
        }
    }

    fn like(&self) -> &dyn TableLike {
        match self {
            AnyTable::Table(table) => *table,
            AnyTable::Inline(table) => *table,
        }
    }
}

/// `{ roots = [] }` becomes `{ approve = true, roots = [] }`.
fn insert_in_braces(table: &InlineTable, line: &str, splices: &mut Splices<'_>) -> Option<()> {
    let span = table.span().filter(|_| !table.is_dotted())?;
    let inside = splices.text.get(span.clone())?.strip_prefix('{')?;
    let text = match table.is_empty() {
        true if inside.trim_start().starts_with('}') && inside.starts_with('}') => format!(" {line} "),
        true if inside.trim_start().starts_with('}') => format!(" {line}"),
        // A comment may be inside.
        true => return None,
        false if inside.starts_with([' ', '\t', '\n', '\r']) => format!(" {line},"),
        false => format!("{line}, "),
    };
    splices.insert(span.start + 1, text);
    Some(())
}

/// As the first line below `[table]`, indented as the next key.
fn insert_below_header(table: &Table, line: &str, splices: &mut Splices<'_>) -> Option<()> {
    let at = table.span()?.start;
    if !splices.text.get(at..)?.starts_with('[') {
        return None;
    }
    let (end, newline) = splices.line_end(at)?;
    let indent = table.iter().find_map(|(key, _)| {
        let key = table.key(key)?.span()?;
        let before = splices.text.get(splices.line_start(key.start)?..key.start)?;
        (key.start > at && before.chars().all(|c| matches!(c, ' ' | '\t'))).then_some(before)
    });
    let indent = indent.unwrap_or_default();
    match newline {
        // The header is the last line, without a line end.
        "" => splices.insert(end, format!("{}{indent}{line}", splices.newline())),
        newline => splices.insert(end, format!("{indent}{line}{newline}")),
    }
    Some(())
}

/// `policy.x.source = "a"` gets the line `policy.x.mode = "observe"` before it.
fn insert_dotted(table: &Table, line: &str, splices: &mut Splices<'_>) -> Option<()> {
    if !table.is_dotted() {
        return None;
    }
    let place = table.iter().filter_map(|(key, _)| table.key(key)?.span()).min_by_key(|span| span.start)?;
    let start = splices.line_start(place.start)?;
    let path = splices.text.get(start..place.start)?;
    if !path.trim_end().ends_with('.') {
        return None;
    }
    let newline = match splices.line_end(place.start)?.1 {
        "" => splices.newline(),
        newline => newline,
    };
    splices.insert(start, format!("{path}{line}{newline}"));
    Some(())
}

/// `[policy.x.grant]` gets `[policy.x]` before it, if nothing else defines that table.
fn insert_header(table: &Table, line: &str, splices: &mut Splices<'_>) -> Option<()> {
    if table.is_dotted() || !table.is_implicit() {
        return None;
    }
    let below = |(key, item): (&str, &Item)| Some((table.key(key)?.span()?, item.as_table()?.span()?));
    let (key, header) = table.iter().filter_map(below).min_by_key(|(_, header)| header.start)?;
    let path = splices.text.get(header.start..key.start)?.strip_prefix('[')?;
    let path = path.trim().strip_suffix('.')?.trim();
    let start = splices.line_start(header.start)?;
    let newline = splices.newline();
    splices.insert(start, format!("[{path}]{newline}{line}{newline}{newline}"));
    Some(())
}
