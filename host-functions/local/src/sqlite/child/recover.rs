//! `recover-copy`: every row that can be read, into a new database.
//!
//! The library is built without `sqlite3_recover`. So each table is made again by its statement, and filled row by row in
//! the order of the rowid; behind a damaged page, the next row that can be read is searched for. Rows on pages that no table
//! reaches any more are not found.

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, Row};

use super::Failure;
use super::check::problems;
use super::copy::open_new;
use super::open::{Access, open};
use super::schema::{Object, What, columns, objects, quoted};
use super::walk::{Table, rows};
use crate::sqlite::job::{Job, Kind, NewFile, Recovered, Reply};

/// The longest row in bytes: a longer one is damage.
const MOST_ROW: i32 = 256 << 20;

pub(super) fn recover(job: &Job, to: &NewFile) -> Result<Reply, Failure> {
    let source = open(job, Access::Read)?;
    // A damaged list of objects is no reason to give up. The database is open for reading only.
    source.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
    source.pragma_update(None, "writable_schema", true)?;
    source.set_limit(Limit::SQLITE_LIMIT_LENGTH, MOST_ROW)?;
    // One snapshot of all tables.
    source.execute_batch("BEGIN")?;
    let target = open_new(to)?;
    target.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    for (name, value) in [("foreign_keys", false), ("ignore_check_constraints", true)] {
        target.pragma_update(None, name, value)?;
    }
    take_over(&source, &target);
    let (objects, missing, lost) = objects(&source)?;
    if objects.is_empty() && (missing > 0 || lost.gaps > 0 || lost.rows > 0) {
        let why = "its list of tables cannot be read; sqlite3 with `.recover` may still find rows";
        return Err(Failure::new(Kind::Damaged, why));
    }
    let mut saved =
        Recovered { missing_objects: missing, gaps: lost.gaps, unreadable_rows: lost.rows, ..Recovered::default() };
    for table in objects.iter().filter(|object| object.what == What::Table) {
        fill(&source, &target, table, &mut saved)?;
    }
    sequences(&source, &target);
    // After the rows: an index is made faster, and no trigger runs.
    for what in [What::Index, What::View, What::Trigger] {
        for object in objects.iter().filter(|object| object.what == what) {
            make(&target, object, &mut saved)?;
        }
    }
    add_virtual_tables(&target, &objects, &mut saved)?;
    target.execute_batch("PRAGMA journal_mode=DELETE")?;
    match problems(&target, "quick_check", 1)?.into_iter().next() {
        None => Ok(Reply::Recovered(saved)),
        Some(problem) => Err(Failure::new(Kind::Other, format!("the new database is damaged too: {problem}"))),
    }
}

/// What programs expect of their database besides tables. As far as it can be read.
fn take_over(source: &Connection, target: &Connection) {
    if let Ok(encoding) = source.pragma_query_value(None, "encoding", |row| row.get::<_, String>(0)) {
        let _ = target.pragma_update(None, "encoding", encoding);
    }
    for name in ["page_size", "auto_vacuum", "user_version", "application_id"] {
        if let Ok(value) = source.pragma_query_value(None, name, |row| row.get::<_, i64>(0)) {
            let _ = target.pragma_update(None, name, value);
        }
    }
}

/// Runs the one statement of an object. A statement that SQLite refuses is a missing object.
fn make(target: &Connection, object: &Object, saved: &mut Recovered) -> Result<bool, Failure> {
    match target.execute(&object.sql, []) {
        Ok(_) => Ok(true),
        Err(error) if is_end(&error) => Err(error.into()),
        Err(_) => {
            saved.missing_objects += 1;
            Ok(false)
        }
    }
}

/// Whether it makes no sense to go on with the next row or object.
fn is_end(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::OperationInterrupted
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseCorrupt
        )
    )
}

fn fill(source: &Connection, target: &Connection, table: &Object, saved: &mut Recovered) -> Result<(), Failure> {
    if !make(target, table, saved)? {
        return Ok(());
    }
    let (columns, rowid) = match columns(source, &table.name) {
        Ok((columns, rowid)) if !columns.is_empty() => (columns, rowid),
        // The statement is there, its table is not.
        _ => {
            saved.missing_objects += 1;
            return Ok(());
        }
    };
    let name = quoted(&table.name);
    let all: Vec<&str> = rowid.into_iter().chain(columns.iter().map(String::as_str)).collect();
    let places = vec!["?"; all.len()].join(", ");
    let insert = format!("INSERT OR IGNORE INTO {name}({}) VALUES ({places})", all.join(", "));
    let Ok(mut insert) = target.prepare(&insert) else {
        saved.missing_objects += 1;
        return Ok(());
    };
    saved.tables += 1;
    target.execute_batch("BEGIN")?;
    let selected = columns.join(", ");
    let lost = rows(source, &Table { name: &name, columns: &selected, rowid }, &mut |row| {
        let values = (0..all.len()).map(|at| value(row, at)).collect::<Result<Vec<_>, _>>()?;
        match insert.execute(rusqlite::params_from_iter(values)) {
            Ok(1) => saved.rows += 1,
            Err(error) if is_end(&error) => return Err(error.into()),
            // A rule of its table, or a value that is none of its type.
            _ => saved.rejected_rows += 1,
        }
        Ok(())
    })?;
    saved.gaps += lost.gaps;
    saved.unreadable_rows += lost.rows;
    target.execute_batch("COMMIT")?;
    Ok(())
}

/// A value as it is: text need not be UTF-8.
struct Raw<'a>(ValueRef<'a>);

impl ToSql for Raw<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

fn value<'a>(row: &'a Row<'_>, at: usize) -> Result<Raw<'a>, Failure> {
    Ok(Raw(row.get_ref(at)?))
}

/// The highest number that AUTOINCREMENT has used: numbers of deleted rows are not used again. As far as it can be read.
fn sequences(source: &Connection, target: &Connection) {
    let table = Table { name: "sqlite_sequence", columns: "name, seq", rowid: Some("rowid") };
    let _ = rows(source, &table, &mut |row| {
        let (Ok(name), Ok(highest)) = (row.get::<_, String>(1), row.get::<_, i64>(2)) else { return Ok(()) };
        let known = target.execute("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", (&name, highest));
        if known.is_ok_and(|known| known == 0) {
            let _ = target.execute("INSERT INTO sqlite_sequence(name, seq) VALUES (?1, ?2)", (&name, highest));
        }
        Ok(())
    });
}

/// Lists them again, as `.dump` does: the tables in which they keep their content are tables like all others.
fn add_virtual_tables(target: &Connection, objects: &[Object], saved: &mut Recovered) -> Result<(), Failure> {
    let tables: Vec<&Object> = objects.iter().filter(|object| object.what == What::VirtualTable).collect();
    if tables.is_empty() {
        return Ok(());
    }
    target.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
    target.pragma_update(None, "writable_schema", true)?;
    let sql = "INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql) VALUES ('table', ?1, ?1, 0, ?2)";
    for table in tables {
        if target.execute(sql, (&table.name, &table.sql)).is_err() {
            saved.missing_objects += 1;
        }
    }
    target.pragma_update(None, "writable_schema", false)?;
    Ok(())
}
