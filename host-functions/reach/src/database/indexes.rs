//! `list-indexes`.

use ansai_core::{Refusal, Subject};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::List;
use super::names::{self, after, limit, shown};
use super::page::{FETCHED, Page};
use crate::postgresql::client::{BadRow, Row, Server};
use crate::postgresql::relation::{self, Id};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Index {
    about: Subject,
    id: String,
    name: String,
    table: String,
    bytes: u64,
    scans: u64,
    valid: bool,
    leftover: bool,
    building: bool,
}

/// The page is cut first: then only its indexes are looked up, measured and described.
fn statement(after: u32, size: &str) -> String {
    let (user, leftover, building) = (relation::of_users(), relation::leftover(), relation::building());
    format!(
        "select c.oid, (select oid from pg_database where datname = current_database()) as database_oid,
           current_database() as database, c.schema, c.relname as name, tn.nspname || '.' || t.relname as table,
           {size} as bytes, coalesce(pg_stat_get_numscans(c.oid), 0) as scans, i.indisvalid as valid,
           {leftover} as leftover, {building} as building
         from (select c.oid, c.relname, c.relpages, n.nspname as schema
             from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where c.relkind = 'i' and c.oid > {after} and {user} order by c.oid limit {FETCHED}) c
           join pg_index i on i.indexrelid = c.oid
           join pg_class t on t.oid = i.indrelid join pg_namespace tn on tn.oid = t.relnamespace
         order by c.oid"
    )
}

pub(super) fn list_indexes(ask: &ProbeContext<'_>, List { target, cursor }: List) -> Result<Page<Index>, Refusal> {
    let server = Server::of(ask.reach, &target)?;
    let after = after(cursor.as_deref())?;
    let rows = relation::rows(ask, &server, limit(ask)?, |size| statement(after, size))?;
    Ok(Page::of(&rows, "oid", |row| read(&target, row).map(Some)))
}

fn read(target: &str, row: &Row) -> Result<Index, BadRow> {
    let (database, schema, name) = (row.text("database")?, row.text("schema")?, row.text("name")?);
    Ok(Index {
        about: names::relation("database-index", target, [&database, &schema, &name]),
        id: Id { database: row.number("database_oid")?, relation: row.number("oid")? }.to_string(),
        name: shown(&name),
        table: shown(&row.text("table")?),
        bytes: row.number("bytes")?,
        scans: row.number("scans")?,
        valid: row.flag("valid")?,
        leftover: row.flag("leftover")?,
        building: row.flag("building")?,
    })
}
