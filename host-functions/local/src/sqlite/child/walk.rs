//! Every row of a table that can be read, although pages between them cannot.

use rusqlite::{Connection, ErrorCode, Row, Statement};

use super::Failure;
use crate::sqlite::job::Kind;

/// The most places where reading begins again in one table.
const MOST_STARTS: u64 = 1_000_000;

/// What of a table could not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) rows: u64,
    pub(super) gaps: u64,
}

/// A table to read. All of it is quoted.
pub(super) struct Table<'a> {
    pub(super) name: &'a str,
    /// What is selected besides the rowid.
    pub(super) columns: &'a str,
    /// The name by which it has a rowid; `None` for a table without.
    pub(super) rowid: Option<&'a str>,
}

/// Reads all rows in the order of their rowid. The first column of a row is the rowid, if the table has one.
pub(super) fn rows(
    source: &Connection,
    table: &Table<'_>,
    take: &mut dyn FnMut(&Row<'_>) -> Result<(), Failure>,
) -> Result<Lost, Failure> {
    let Table { name, columns, rowid } = table;
    let Some(rowid) = rowid else {
        let mut all = source.prepare(&format!("SELECT {columns} FROM {name}"))?;
        let end = pass(&mut all, None, &mut |_, row| take(row))?;
        return Ok(Lost { rows: 0, gaps: u64::from(end == End::Damaged) });
    };
    let select =
        |what: &str, rest: &str| format!("SELECT {what} FROM {name} WHERE {rowid} >= ?1 ORDER BY {rowid}{rest}");
    let mut all = source.prepare(&select(&format!("{rowid}, {columns}"), ""))?;
    let mut first = source.prepare(&select(rowid, " LIMIT 1"))?;
    let (mut from, mut lost) = (i64::MIN, Lost::default());
    for _ in 0..MOST_STARTS {
        let mut next = Some(from);
        let end = pass(&mut all, Some(from), &mut |rowid, row| {
            next = rowid.checked_add(1);
            take(row)
        })?;
        let (End::Damaged, Some(low)) = (end, next) else { return Ok(lost) };
        match look(&mut first, low)? {
            // The row can be found, but what it consists of cannot be read.
            Some(Found::Row(rowid)) => {
                lost.rows += 1;
                match rowid.checked_add(1) {
                    Some(after) => from = after,
                    None => return Ok(lost),
                }
            }
            Some(Found::End) => return Ok(lost),
            None => {
                lost.gaps += 1;
                match beyond(&mut first, low)? {
                    Some(after) => from = after,
                    None => return Ok(lost),
                }
            }
        }
    }
    Err(Failure::new(Kind::Damaged, format!("{name} has more than {MOST_STARTS} damaged places")))
}

/// How a pass over rows ended.
#[derive(PartialEq)]
enum End {
    All,
    Damaged,
}

fn pass(
    all: &mut Statement<'_>,
    from: Option<i64>,
    take: &mut dyn FnMut(i64, &Row<'_>) -> Result<(), Failure>,
) -> Result<End, Failure> {
    let mut rows = match all.query(rusqlite::params_from_iter(from)) {
        Ok(rows) => rows,
        Err(error) => return damaged(error),
    };
    loop {
        match rows.next() {
            Ok(Some(row)) => take(if from.is_some() { row.get(0)? } else { 0 }, row)?,
            Ok(None) => return Ok(End::All),
            Err(error) => return damaged(error),
        }
    }
}

fn damaged(error: rusqlite::Error) -> Result<End, Failure> {
    if is_damage(&error) { Ok(End::Damaged) } else { Err(error.into()) }
}

/// A row of absurd length is damage too.
fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TooBig | ErrorCode::OutOfMemory)
    )
}

enum Found {
    Row(i64),
    End,
}

/// The first row at or after this place; `None` if its page is damaged.
fn look(first: &mut Statement<'_>, from: i64) -> Result<Option<Found>, Failure> {
    match first.query_row([from], |row| row.get(0)) {
        Ok(rowid) => Ok(Some(Found::Row(rowid))),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(Some(Found::End)),
        Err(error) if is_damage(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The first place after a damaged page: further and further away until something can be read, then halfway back. Most
/// tables have no negative rowid, so the search for the first row begins at 0.
fn beyond(first: &mut Statement<'_>, low: i64) -> Result<Option<i64>, Failure> {
    let low = low.max(-1);
    let (mut bad, mut step) = (low, 1_i64);
    let mut good = loop {
        // The last steps are larger than what is left of the numbers.
        let probe = if step == i64::MAX { i64::MAX } else { low.saturating_add(step) };
        match look(first, probe)? {
            Some(_) => break probe,
            None if probe == i64::MAX => return Ok(None),
            None => bad = probe,
        }
        step = step.saturating_mul(2);
    };
    while good - bad > 1 {
        let middle = bad + (good - bad) / 2;
        match look(first, middle)? {
            Some(_) => good = middle,
            None => bad = middle,
        }
    }
    Ok(Some(good))
}
