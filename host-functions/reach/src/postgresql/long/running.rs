//! The statement of a step while it runs.

use std::time::Duration;

use ansai_core::{Millis, Refusal};
use ansai_kit::action::{Applied, Begun};
use ansai_kit::target::Reach;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::Target;
use super::conclude::conclude;
use super::found::LIMIT;
use crate::database::names::shown;
use crate::database::statement::{Ended, Statements, Treated, longest, running};
use crate::postgresql::client::{APPLICATION, Server};
use crate::runtime;

/// A session of the server: its process id, and when it began, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::postgresql) struct Backend {
    pid: i32,
    began: i64,
}

static STATEMENTS: Statements<Backend> = Statements::new();

/// Whether this process has statements that run, or whose end it has not told yet.
pub(crate) fn has_statements() -> bool {
    STATEMENTS.any()
}

/// Begins a statement. `lock` is how long it waits for a lock.
///
/// # Errors
/// Nothing was begun.
pub(in crate::postgresql) fn begin(
    server: &Server,
    target: Target,
    statement: String,
    within: Millis,
    lock: Duration,
) -> Result<Begun, Refusal> {
    let (within_ms, lock_ms) = (within.get().max(1), lock.as_millis());
    // As gentle as autovacuum. `search_path` keeps functions of users out of indexes of expressions.
    let settings = format!(
        "-c statement_timeout={within_ms} -c lock_timeout={lock_ms} -c vacuum_cost_delay=2 -c search_path=pg_catalog"
    );
    let session = server.session(LIMIT, &settings)?;
    let who = format!(
        "select pid, {} as began,
           (select setting from pg_settings where name = 'statement_timeout') = '{within_ms}'
             and (select setting from pg_settings where name = 'lock_timeout') = '{lock_ms}' as limited
         from pg_stat_activity where pid = pg_backend_pid()",
        micros("backend_start")
    );
    let rows = server.block_on(LIMIT, session.run(&who))??;
    let read = || {
        let row = rows.first()?;
        Some((Backend { pid: row.number("pid").ok()?, began: row.number("began").ok()? }, row.flag("limited").ok()?))
    };
    let Some((backend, true)) = read() else {
        return Err(Refusal::Unsupported(format!(
            "target `{}`: the server ignores the limits of the session; connect without a pooler",
            server.name()
        )));
    };
    let limit = longest(within);
    let runtime = runtime::handle()?;
    STATEMENTS.begin(backend);
    runtime.spawn(async move {
        let ended = timeout(Duration::from(limit), session.end_of(&statement)).await.ok().flatten();
        STATEMENTS.end(backend, ended);
    });
    running(backend, target, limit)
}

fn micros(expression: &str) -> String {
    format!("round(extract(epoch from {expression}) * 1000000)::bigint")
}

impl Treated for Target {
    type Server = Server;
    type Backend = Backend;

    fn statements() -> &'static Statements<Backend> {
        &STATEMENTS
    }

    fn server(&self, reach: &Reach) -> Result<Server, Refusal> {
        Server::of(reach, &self.target)
    }

    fn progress(server: &Server, Backend { pid, began }: Backend) -> Result<Option<String>, Refusal> {
        let rows = server.rows(
            LIMIT,
            &format!(
                "select coalesce(v.phase, i.phase, '') as phase, coalesce(v.heap_blks_scanned, i.blocks_done) as done,
                   coalesce(v.heap_blks_total, i.blocks_total) as total
                 from pg_stat_activity a left join pg_stat_progress_vacuum v on v.pid = a.pid
                   left join pg_stat_progress_create_index i on i.pid = a.pid
                 where a.pid = {pid} and {} = {began} and a.state = 'active'",
                micros("a.backend_start")
            ),
        )?;
        Ok(rows.first().map(|row| {
            let phase = shown(&row.text("phase").unwrap_or_default());
            match (row.maybe::<u64>("done"), row.maybe::<u64>("total")) {
                (Ok(Some(done)), Ok(Some(total))) if total > 0 => format!("{phase}: {done} of {total} blocks"),
                _ => phase,
            }
        }))
    }

    fn is_there(server: &Server, Backend { pid, began }: Backend) -> Result<bool, Refusal> {
        let micros = micros("a.backend_start");
        let select = format!("select a.pid from pg_stat_activity a where a.pid = {pid} and {micros} = {began}");
        Ok(!server.rows(LIMIT, &select)?.is_empty())
    }

    fn terminate(server: &Server, Backend { pid, began }: Backend) -> Result<(), Refusal> {
        server.change(
            LIMIT,
            &format!(
                "select pg_terminate_backend(a.pid) from pg_stat_activity a where a.pid = {pid} and {} = {began}
                   and a.application_name = '{APPLICATION}'",
                micros("a.backend_start")
            ),
        )?;
        Ok(())
    }

    fn not_done(&self) -> String {
        format!("{} was not {}", self.shown(), self.verb.done())
    }

    fn conclude(&self, server: &Server, ended: Option<Ended>) -> Applied {
        conclude(server, self, ended)
    }
}
