//! What a database consists of, as its list of objects says.

use rusqlite::Connection;

use super::Failure;
use super::walk::{Lost, Table, rows};

/// The most objects of one database.
const MOST_OBJECTS: usize = 100_000;
/// The names by which a table has a rowid, if no column has the same name.
const ROWIDS: [&str; 3] = ["_rowid_", "rowid", "oid"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Table,
    VirtualTable,
    Index,
    View,
    Trigger,
}

/// One object, with the statement that makes it.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) what: What,
    pub(super) name: String,
    pub(super) sql: String,
}

impl Object {
    /// What the statement makes; `None` for one that makes nothing of what a list has. The file could have any text there.
    fn of(name: String, sql: String) -> Option<Object> {
        let begin: String = sql.chars().take(30).collect::<String>().to_ascii_uppercase();
        let what = [
            ("CREATE TABLE", What::Table),
            ("CREATE VIRTUAL TABLE", What::VirtualTable),
            ("CREATE INDEX", What::Index),
            ("CREATE UNIQUE INDEX", What::Index),
            ("CREATE VIEW", What::View),
            ("CREATE TRIGGER", What::Trigger),
        ];
        let (_, what) = what.into_iter().find(|(prefix, _)| begin.starts_with(prefix))?;
        Some(Object { what, name, sql })
    }
}

/// All objects, how many are lost, and what is lost of the list itself.
pub(super) fn objects(source: &Connection) -> Result<(Vec<Object>, u64, Lost), Failure> {
    let (mut found, mut missing) = (Vec::new(), 0);
    let table = Table { name: "sqlite_schema", columns: "name, sql", rowid: Some("rowid") };
    let lost = rows(source, &table, &mut |row| {
        let (name, sql) = (row.get::<_, String>(1), row.get::<_, Option<String>>(2));
        match (name, sql) {
            (Ok(name), Ok(sql)) => match sql {
                // Indexes that SQLite makes by itself have no statement.
                None => {}
                // Those of SQLite: made by itself, or made again by ANALYZE.
                Some(_) if name.starts_with("sqlite_") => {}
                Some(sql) => match Object::of(name, sql) {
                    Some(object) if found.len() < MOST_OBJECTS => found.push(object),
                    _ => missing += 1,
                },
            },
            _ => missing += 1,
        }
        Ok(())
    })?;
    Ok((found, missing, lost))
}

/// A name as a part of a statement.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The columns of a table that have values of their own, quoted, and the name of its rowid.
pub(super) fn columns(source: &Connection, table: &str) -> Result<(Vec<String>, Option<&'static str>), Failure> {
    let mut statement = source.prepare("SELECT name, hidden FROM pragma_table_xinfo(?1)")?;
    let all: Vec<(String, i64)> =
        statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let is_free = |name: &&&str| !all.iter().any(|(column, _)| column.eq_ignore_ascii_case(name));
    let rowid = ROWIDS.iter().find(is_free).copied();
    // A table WITHOUT ROWID has none by any name.
    let has = |name: &&str| source.prepare(&format!("SELECT {name} FROM {}", quoted(table))).is_ok();
    let rowid = rowid.filter(has);
    let stored = all.iter().filter(|(_, hidden)| *hidden == 0).map(|(name, _)| quoted(name)).collect();
    Ok((stored, rowid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_makes_an_object_of_a_list() {
        let what = |sql: &str| Object::of("a".into(), sql.into()).map(|object| object.what);
        assert_eq!(what("CREATE TABLE a(b)"), Some(What::Table));
        assert_eq!(what("create unique index a ON b(c)"), Some(What::Index));
        assert_eq!(what("CREATE VIRTUAL TABLE a USING fts5(b)"), Some(What::VirtualTable));
        for sql in
            ["", "ATTACH '/etc/x' AS y", "DROP TABLE a", "PRAGMA writable_schema=1", "CREATE TEMP TABLE a(b)", "é"]
        {
            assert_eq!(what(sql), None, "{sql}");
        }
    }

    #[test]
    fn a_name_stays_a_name() {
        assert_eq!(quoted("a\"; DROP TABLE b; --"), "\"a\"\"; DROP TABLE b; --\"");
    }

    #[test]
    fn the_rowid_has_a_name_that_no_column_has() {
        let source = Connection::open_in_memory().unwrap();
        let made = "CREATE TABLE a(b, \"_ROWID_\", c AS (b)); CREATE TABLE d(e PRIMARY KEY) WITHOUT ROWID;
                    CREATE TABLE f(rowid, oid, _rowid_);";
        source.execute_batch(made).unwrap();
        assert_eq!(columns(&source, "a").unwrap(), (vec!["\"b\"".into(), "\"_ROWID_\"".into()], Some("rowid")));
        assert_eq!(columns(&source, "d").unwrap(), (vec!["\"e\"".into()], None));
        assert_eq!(columns(&source, "f").unwrap().1, None);
    }
}
