//! Statements of PostgreSQL: those that `pg_stat_statements` counts, and those that sessions run.

use ansai_core::Refusal;
use ansai_kit::host::ProbeContext;

use super::One;
use super::masked::Quotes;
use super::names::{self, limit};
use super::page::FETCHED;
use super::session::Identity;
use super::text::{SessionText, Statements, not_counted};
use crate::postgresql::client::{Server, quote};

const HOW: &str = "create the extension pg_stat_statements in its database, and add it to `shared_preload_libraries`";

/// The view of the extension. A function of a user could be in a view that only has its name, so it must belong to the extension
/// and to a superuser.
const VIEW: &str = "select n.nspname as schema, exists (select 1 from pg_attribute a where a.attrelid = c.oid
       and a.attname = 'total_exec_time' and not a.attisdropped) as is_new
     from pg_extension e
       join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
         and d.classid = 'pg_class'::regclass
       join pg_class c on c.oid = d.objid and c.relname = 'pg_stat_statements' and c.relkind = 'v'
       join pg_namespace n on n.oid = c.relnamespace join pg_roles r on r.oid = c.relowner and r.rolsuper
     where e.extname = 'pg_stat_statements'";

/// The times have other names since PostgreSQL 13. A statement that ansai may not see has no `queryid`, and is skipped.
fn statement(view: &str, is_new: bool) -> String {
    let (total, longest) = if is_new { ("total_exec_time", "max_exec_time") } else { ("total_time", "max_time") };
    format!(
        "select userid || '.' || queryid as id, left(min(query), 4000) as text, current_database() as db,
           sum(calls)::bigint as calls, sum(rows)::bigint as rows_of, round(sum({total}))::bigint as total,
           round(max({longest}))::bigint as longest
         from {view} where dbid = (select oid from pg_database where datname = current_database())
           and query <> '<insufficient privilege>'
         group by userid, queryid order by sum({total}) desc, userid, queryid limit {FETCHED}"
    )
}

pub(super) fn list_statements(ask: &ProbeContext<'_>, One { target }: One) -> Result<Statements, Refusal> {
    let server = Server::of(ask.reach, &target)?;
    let found = server.rows(limit(ask)?, VIEW)?;
    let Some(view) = found.first() else { return Err(not_counted(&target, HOW)) };
    let unreadable = |_| Refusal::Unavailable(format!("target `{target}`: its catalogue cannot be read"));
    let (schema, is_new) = (view.text("schema").map_err(unreadable)?, view.flag("is_new").map_err(unreadable)?);
    let view = quote::qualified(&schema, "pg_stat_statements")?;
    let rows = server.rows(limit(ask)?, &statement(&view, is_new))?;
    Ok(Statements::of(&target, &rows, Quotes::Names))
}

pub(super) fn look_at_session(ask: &ProbeContext<'_>, target: &str, id: Identity) -> Result<SessionText, Refusal> {
    let server = Server::of(ask.reach, target)?;
    let condition = id.condition();
    let rows = server
        .rows(limit(ask)?, &format!("select left(a.query, 4000) as text from pg_stat_activity a where {condition}"))?;
    let gone = || Refusal::Changed(format!("session {} ended, or its transaction did", id.pid));
    let text = rows.first().ok_or_else(gone)?.text("text");
    let text = text.map_err(|_| Refusal::Unavailable(format!("the statement of session {} cannot be read", id.pid)))?;
    if text == "<insufficient privilege>" {
        return Err(Refusal::Denied(format!(
            "target `{target}`: ansai may not see statements; grant it pg_read_all_stats"
        )));
    }
    Ok(SessionText::of(names::session(target, id.pid), &text, Quotes::Names))
}
