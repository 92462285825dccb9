//! `list-tables`.

use std::collections::HashMap;

use ansai_core::{Refusal, Subject};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::client::Server;
use super::table::{self, files, of_users};
use crate::database::List;
use crate::database::names::{after, limit, shown};
use crate::database::page::{self, FETCHED, Page};
use crate::postgresql::client::{BadRow, Row};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Table {
    about: Subject,
    id: String,
    name: String,
    database: String,
    bytes: u64,
    free_bytes: u64,
    rows: u64,
}

pub(super) fn list_tables(ask: &ProbeContext<'_>, List { target, cursor }: List) -> Result<Page<Table>, Refusal> {
    let server = Server::of(ask.reach, &target)?;
    let after: u64 = after(cursor.as_deref())?;
    // The dictionary of InnoDB first: details of all tables would open the file of each one.
    let [rows] = server.rows(limit(ask)?, |dialect| {
        let (files, users) = (files(dialect), of_users(dialect));
        [format!("{files} where t.table_id > {after} and {users} order by t.table_id limit {FETCHED}")]
    })?;
    let details = details(ask, &server, page::of_page(&rows))?;
    Ok(Page::of(&rows, "id", |row| read(&target, row, &details)))
}

/// Free room and rows of the tables of a page, by id: each is asked for by its name, so that no other is opened.
fn details(ask: &ProbeContext<'_>, server: &Server, rows: &[Row]) -> Result<HashMap<u64, [u64; 2]>, Refusal> {
    let one = |row: &Row| {
        let id: u64 = row.number("id").ok()?;
        let condition = table::named(row.optional("db").ok()??, row.optional("name").ok()??);
        Some(format!(
            "select {id} as id, coalesce(data_free, 0) as free, coalesce(table_rows, 0) as rows_of
             from information_schema.tables where {condition}"
        ))
    };
    let selects: Vec<String> = rows.iter().filter_map(one).collect();
    if selects.is_empty() {
        return Ok(HashMap::new());
    }
    let whole = selects.join(" union all ");
    let [rows] = server.rows(limit(ask)?, |_| [whole.clone()])?;
    let read = |row: &Row| Some((row.number("id").ok()?, [row.number("free").ok()?, row.number("rows_of").ok()?]));
    Ok(rows.iter().filter_map(read).collect())
}

/// `None` if it was dropped meanwhile, or if the user of ansai has no privilege on it.
fn read(target: &str, row: &Row, details: &HashMap<u64, [u64; 2]>) -> Result<Option<Table>, BadRow> {
    let id: u64 = row.number("id")?;
    let (database, name) = (row.text("db")?, row.text("name")?);
    let Some([free_bytes, rows]) = details.get(&id).copied() else { return Ok(None) };
    Ok(Some(Table {
        about: table::subject(target, &database, &name),
        id: id.to_string(),
        name: shown(&name),
        database: shown(&database),
        bytes: row.number("bytes")?,
        free_bytes,
        rows,
    }))
}
