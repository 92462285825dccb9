//! Statements of MySQL and MariaDB: those that the performance schema counts, and those that sessions run.

use ansai_core::Refusal;
use ansai_kit::host::ProbeContext;

use super::client::Server;
use super::session::{Identity, SESSIONS};
use crate::database::One;
use crate::database::masked::Quotes;
use crate::database::names::{self, limit};
use crate::database::page::FETCHED;
use crate::database::text::{SessionText, Statements, not_counted};

const HOW: &str = "set `performance_schema = on` in its configuration and restart it";

/// Times are in picoseconds. The row without a digest counts all that found no place.
fn statement() -> String {
    format!(
        "select concat(coalesce(schema_name, ''), '.', digest) as id, left(digest_text, 4000) as text,
           coalesce(schema_name, '') as db, count_star as calls, sum_rows_affected + sum_rows_sent as rows_of,
           sum_timer_wait div 1000000000 as total, max_timer_wait div 1000000000 as longest
         from performance_schema.events_statements_summary_by_digest where digest is not null
         order by sum_timer_wait desc, digest limit {FETCHED}"
    )
}

pub(super) fn list_statements(ask: &ProbeContext<'_>, One { target }: One) -> Result<Statements, Refusal> {
    let server = Server::of(ask.reach, &target)?;
    let [counts] = server.rows(limit(ask)?, |_| ["select @@performance_schema as counts".to_owned()])?;
    if counts.first().and_then(|row| row.flag("counts").ok()) != Some(true) {
        return Err(not_counted(&target, HOW));
    }
    let [rows] = server.rows(limit(ask)?, |_| [statement()])?;
    Ok(Statements::of(&target, &rows, Quotes::Values))
}

pub(super) fn look_at_session(ask: &ProbeContext<'_>, target: &str, id: Identity) -> Result<SessionText, Refusal> {
    let server = Server::of(ask.reach, target)?;
    let [rows] = server.rows(limit(ask)?, |dialect| {
        [format!("select left(coalesce(p.info, ''), 4000) as text from {SESSIONS} where {}", id.condition(dialect))]
    })?;
    let gone = || Refusal::Changed(format!("session {} ended, or its transaction did", id.id));
    let text = rows.first().ok_or_else(gone)?.text("text");
    let text = text.map_err(|_| Refusal::Unavailable(format!("the statement of session {} cannot be read", id.id)))?;
    Ok(SessionText::of(names::session(target, id.id), &text, Quotes::Values))
}
