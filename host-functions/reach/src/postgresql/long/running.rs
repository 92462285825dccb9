//! The statement of a step while it runs.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::{Millis, Refusal};
use ansai_kit::action::{Applied, Begun, Progress, StepContext};
use ansai_kit::call::to_text;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::Target;
use super::conclude::conclude;
use super::found::LIMIT;
use crate::database::names::shown;
use crate::postgresql::client::{APPLICATION, Server};
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

/// How statements of this process ended; `None` while they run. One whose connection was lost is not among them: nobody waits
/// for it, as after a restart.
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
    let limit = Millis::new(within.get().saturating_add(MARGIN.get()));
    let runtime = runtime::handle()?;
    statements().insert(backend, None);
    runtime.spawn(async move {
        let ended = timeout(Duration::from(limit), session.end_of(&statement)).await.ok().flatten();
        let mut all = statements();
        let Some(ended) = ended else {
            all.remove(&backend);
            return;
        };
        // One that was cancelled is not among them any more.
        if let Some(known) = all.get_mut(&backend) {
            *known = Some(ended);
        }
    });
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
            Progress::Finished(conclude(&server, &target, Some(ended)))
        }
        (_, Ok(Some(note))) => Progress::Running { note, again_in: AGAIN },
        (_, Err(why)) => Progress::Running { note: why.to_string(), again_in: LATER },
        // The task is about to tell how it ended.
        (Some(None), Ok(None)) => Progress::Running { note: String::new(), again_in: AGAIN },
        // Of an earlier run of ansai, or its connection was lost.
        (None, Ok(None)) => Progress::Finished(conclude(&server, &target, None)),
    }
}

/// Whether a session is still there.
fn is_there(server: &Server, Backend { pid, began }: Backend) -> Result<bool, Refusal> {
    let micros = micros("a.backend_start");
    let select = format!("select a.pid from pg_stat_activity a where a.pid = {pid} and {micros} = {began}");
    Ok(!server.rows(LIMIT, &select)?.is_empty())
}

/// Ends a statement, with its session: so one that has not begun yet does not begin.
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
            "select pg_terminate_backend(a.pid) from pg_stat_activity a where a.pid = {pid} and {} = {began}
               and a.application_name = '{APPLICATION}'",
            micros("a.backend_start")
        ),
    );
    if let Err(why) = cancelled {
        return Applied::unknown(format!("the statement cannot be cancelled: {why}"));
    }
    let asked = Instant::now();
    loop {
        match is_there(&server, backend) {
            Ok(false) => break,
            Ok(true) if asked.elapsed() < END => std::thread::sleep(PAUSE),
            Ok(true) => return Applied::unknown("the statement was cancelled, and still goes on"),
            Err(why) => return Applied::unknown(format!("nobody knows whether the statement ended: {why}")),
        }
    }
    let known = statements().remove(&backend);
    let why = Refusal::TimedOut(format!("{} was not {} in time", target.shown(), target.verb.done()));
    // It may have been done just before.
    let ended = known.flatten().filter(Result::is_ok).unwrap_or(Err(why));
    conclude(&server, &target, Some(ended))
}
