//! The statement of a step while it runs.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::{Millis, Outcome, Refusal};
use ansai_kit::action::{Applied, Begun, Progress, StepContext};
use ansai_kit::call::to_text;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::found::LIMIT;
use super::{Found, Target, Verb};
use crate::database::names::shown;
use crate::postgresql::client::{APPLICATION, Server, quote};
use crate::postgresql::relation::MARK;
use crate::runtime;

/// What a step may take beyond the limit of its statement.
const MARGIN: Millis = Millis::new(30_000);
const AGAIN: Millis = Millis::new(500);
/// While the server does not answer.
const LATER: Millis = Millis::new(5_000);
/// How long a cancelled statement may take to end.
const END: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// A session of the server: its process id, and when it began, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Backend {
    pid: i32,
    began: i64,
}

/// Finds a statement again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Handle {
    backend: Backend,
    target: Target,
}

/// How statements of this process ended; `None` while they run.
type Statements = HashMap<Backend, Option<Result<(), Refusal>>>;

fn statements() -> MutexGuard<'static, Statements> {
    static STATEMENTS: LazyLock<Mutex<Statements>> = LazyLock::new(Mutex::default);
    STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner)
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
        "select pid, {} as began, current_setting('statement_timeout', true) <> '0' as limited
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
    statements().insert(backend, None);
    runtime::handle()?.spawn(async move {
        let ended = session.run(&statement).await.map(|_| ());
        statements().insert(backend, Some(ended));
    });
    let limit = Millis::new(within.get().saturating_add(MARGIN.get()));
    Ok(Begun::Running { handle: to_text(&Handle { backend, target })?, limit })
}

fn micros(expression: &str) -> String {
    format!("round(extract(epoch from {expression}) * 1000000)::bigint")
}

/// What the server says of a statement: its progress, or nothing if it is over.
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

pub(in crate::postgresql) fn poll(doing: &StepContext<'_>, handle: &RawValue) -> Progress {
    let Handle { backend, target } = match serde_json::from_str(handle.get()) {
        Ok(handle) => handle,
        Err(error) => {
            return Progress::Finished(Applied::unknown(format!("the handle of the step is invalid: {error}")));
        }
    };
    let server = match Server::of(doing.reach, &target.target) {
        Ok(server) => server,
        Err(why) => return Progress::Finished(Applied::unknown(why.to_string())),
    };
    let known = statements().get(&backend).cloned();
    match (known, progress(&server, backend)) {
        (Some(Some(ended)), _) => {
            statements().remove(&backend);
            Progress::Finished(conclude(&server, &target, ended.err()))
        }
        (_, Ok(Some(note))) => Progress::Running { note, again_in: AGAIN },
        (_, Err(why)) => Progress::Running { note: why.to_string(), again_in: LATER },
        // The task is about to tell how it ended.
        (Some(None), Ok(None)) => Progress::Running { note: String::new(), again_in: AGAIN },
        // Of an earlier run of ansai.
        (None, Ok(None)) => Progress::Finished(conclude(&server, &target, None)),
    }
}

/// Ends a statement.
pub(in crate::postgresql) fn cancel(doing: &StepContext<'_>, handle: &RawValue) -> Applied {
    let Ok(Handle { backend, target }) = serde_json::from_str::<Handle>(handle.get()) else {
        return Applied::unknown("the handle of the step is invalid");
    };
    let server = match Server::of(doing.reach, &target.target) {
        Ok(server) => server,
        Err(why) => return Applied::unknown(why.to_string()),
    };
    let Backend { pid, began } = backend;
    let cancelled = server.change(
        LIMIT,
        &format!(
            "select pg_cancel_backend(a.pid) from pg_stat_activity a where a.pid = {pid} and {} = {began}
               and a.application_name = '{APPLICATION}' and a.state = 'active'",
            micros("a.backend_start")
        ),
    );
    if let Err(why) = cancelled {
        return Applied::unknown(format!("the statement cannot be cancelled: {why}"));
    }
    let asked = Instant::now();
    loop {
        match progress(&server, backend) {
            Ok(None) => break,
            Ok(Some(_)) if asked.elapsed() < END => std::thread::sleep(PAUSE),
            Ok(Some(_)) => return Applied::unknown("the statement was cancelled, and still goes on"),
            Err(why) => return Applied::unknown(format!("nobody knows whether the statement ended: {why}")),
        }
    }
    statements().remove(&backend);
    let why = Refusal::TimedOut(format!("{} was not {} in time", target.shown(), target.verb.done()));
    conclude(&server, &target, Some(why))
}

impl Target {
    /// What became of a step whose handle was lost.
    ///
    /// # Errors
    /// The server does not answer.
    pub(in crate::postgresql) fn resolve(&self, doing: &StepContext<'_>) -> Result<Applied, Refusal> {
        let server = Server::of(doing.reach, &self.target)?;
        let running = server.rows(
            LIMIT,
            &format!(
                "select a.pid from pg_stat_activity a where a.application_name = '{APPLICATION}' and a.pid in (
                   select pid from pg_stat_progress_vacuum where relid = {relation} and datname = current_database()
                   union all select pid from pg_stat_progress_create_index where datname = current_database())",
                relation = self.id.relation
            ),
        )?;
        match running.is_empty() {
            true => Ok(conclude(&server, self, None)),
            false => Ok(Applied::unknown(format!("the server still works on {}", self.shown()))),
        }
    }

    /// The condition that finds the result of a step.
    fn result(&self) -> String {
        let database = self.id.database;
        let name = [&self.schema, &self.name].map(|name| quote::text(name));
        let [schema, name] = name;
        match self.verb {
            // A rebuilt index has the old name, and another number.
            Verb::Reindex => format!("d.oid = {database} and n.nspname = {schema} and c.relname = {name}"),
            Verb::Vacuum | Verb::DropLeftover => format!("d.oid = {database} and c.oid = {}", self.id.relation),
        }
    }
}

/// The outcome, as the catalogue shows it. `error` is what the statement ended with, if that is known.
fn conclude(server: &Server, target: &Target, error: Option<Refusal>) -> Applied {
    let (name, done) = (target.shown(), target.verb.done());
    let now = match Found::where_(server, LIMIT, &target.result()) {
        Ok(now) => now,
        Err(why) => return Applied::unknown(format!("nobody knows whether {name} was {done}: {why}")),
    };
    let is_done = match (target.verb, &now) {
        (Verb::Vacuum, Some(now)) => now.vacuums > target.vacuums,
        (Verb::Reindex, Some(now)) => now.is_valid && now.oid != target.id.relation,
        (Verb::DropLeftover, None) => true,
        _ => false,
    };
    if is_done && error.is_none() {
        return target.applied(Outcome::Done, format!("{name} was {done}"), now.as_ref());
    }
    let reason = error.unwrap_or_else(|| Refusal::Other(format!("{name} was not {done}")));
    let mut detail = format!("{name} was not {done}: {reason}");
    if target.verb == Verb::Reindex {
        detail.push_str(&mark_leftovers(server, target));
    }
    Applied { reason: Some(reason), ..target.applied(Outcome::Failed, detail, now.as_ref()) }
}

/// Marks what a failed rebuild left behind, so that it may be dropped. Only invalid indexes of the same table that were not
/// there before, with the names that PostgreSQL gives them.
fn mark_leftovers(server: &Server, target: &Target) -> String {
    let Some([schema, table]) = &target.table else { return String::new() };
    let before: Vec<String> = target.invalid.iter().map(u32::to_string).chain(["0".to_owned()]).collect();
    let found = server.rows(
        LIMIT,
        &format!(
            "select n.nspname as schema, c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
               join pg_namespace n on n.oid = c.relnamespace join pg_class t on t.oid = i.indrelid
               join pg_namespace tn on tn.oid = t.relnamespace
             where not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$' and c.oid not in ({})
               and tn.nspname = {} and t.relname = {}",
            before.join(", "),
            quote::text(schema),
            quote::text(table)
        ),
    );
    let mut marked = Vec::new();
    for row in found.unwrap_or_default() {
        let (Ok(schema), Ok(name)) = (row.text("schema"), row.text("name")) else { continue };
        let Ok(quoted) = quote::qualified(&schema, &name) else { continue };
        if server.change(LIMIT, &format!("comment on index {quoted} is '{MARK}'")).is_ok() {
            marked.push(shown(&name));
        }
    }
    if marked.is_empty() { String::new() } else { format!("; it left {} behind", marked.join(", ")) }
}
