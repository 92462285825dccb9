//! `list-tables`.

use ansai_core::{Refusal, Subject, Timestamp};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::client::{BadRow, Row, Server};
use super::relation::{self, Id};
use crate::database::List;
use crate::database::names::{self, after, limit, millis, shown};
use crate::database::page::{FETCHED, Page};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Table {
    about: Subject,
    id: String,
    name: String,
    database: String,
    bytes: u64,
    live: u64,
    dead: u64,
    transaction_age: u64,
    bloat_bytes: Option<u64>,
    vacuumed: Option<Timestamp>,
    analysed: Option<Timestamp>,
}

/// Bloat is only estimated of tables with so many bytes. The view of statistics asks for the right to read each column, and
/// that is most of what a list costs.
const LEAST_BYTES: u64 = 1 << 20;

/// A row takes its columns by their mean widths, a header of 24 bytes, padding to 8, and a pointer of 4. An estimate needs the
/// statistics of every column.
fn statement(after: u32, size: &str) -> String {
    let user = relation::of_users();
    let vacuumed = millis("greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid))");
    let analysed = millis("greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid))");
    format!(
        "select t.*, case when t.reltuples > 0 and t.bytes >= {LEAST_BYTES} and w.columns = w.known then
             greatest(t.bytes - (ceil(t.reltuples / greatest(floor((block - 24) * t.fill / 100.0
               / (ceil((24 + w.width) / 8.0) * 8 + 4)), 1)) * block)::bigint, 0) end as bloat
         from (select c.oid, (select oid from pg_database where datname = current_database()) as database_oid,
             current_database() as database, n.nspname as schema, c.relname as name, {size} as bytes,
             pg_stat_get_live_tuples(c.oid) as live, pg_stat_get_dead_tuples(c.oid) as dead, c.reltuples,
             case when c.relfrozenxid <> '0'::xid then age(c.relfrozenxid) else 0 end as age,
             {vacuumed} as vacuumed, {analysed} as analysed, current_setting('block_size')::int as block,
             coalesce((select option_value::int from pg_options_to_table(c.reloptions)
               where option_name = 'fillfactor'), 100) as fill
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r', 'm') and c.oid > {after} and {user} order by c.oid limit {FETCHED}) t,
         lateral (select (select count(*) from pg_attribute where t.bytes >= {LEAST_BYTES} and attrelid = t.oid
                 and attnum > 0 and not attisdropped) as columns,
               count(*) as known, coalesce(sum((1 - null_frac) * avg_width), 0) as width
             from pg_stats s where t.bytes >= {LEAST_BYTES} and s.schemaname = t.schema and s.tablename = t.name
               and not s.inherited) w
         order by t.oid"
    )
}

pub(super) fn list_tables(ask: &ProbeContext<'_>, List { target, cursor }: List) -> Result<Page<Table>, Refusal> {
    let server = Server::of(ask.reach, &target)?;
    let after = after(cursor.as_deref())?;
    let rows = relation::rows(ask, &server, limit(ask)?, |size| statement(after, size))?;
    Ok(Page::of(&rows, "oid", |row| read(&target, row).map(Some)))
}

fn read(target: &str, row: &Row) -> Result<Table, BadRow> {
    let (database, schema, name) = (row.text("database")?, row.text("schema")?, row.text("name")?);
    Ok(Table {
        about: names::relation("database-table", target, [&database, &schema, &name]),
        id: Id { database: row.number("database_oid")?, relation: row.number("oid")? }.to_string(),
        name: format!("{}.{}", shown(&schema), shown(&name)),
        database: shown(&database),
        bytes: row.number("bytes")?,
        live: row.number("live")?,
        dead: row.number("dead")?,
        transaction_age: row.number("age")?,
        bloat_bytes: row.maybe("bloat")?,
        vacuumed: row.instant("vacuumed")?,
        analysed: row.instant("analysed")?,
    })
}
