//! A rebuild while it runs: a statement in a connection of its own, which the server goes on with if ansai ends.
//!
//! It is found again by the begin of the server and the id of its connection. How it ended is told by the task that waits for
//! it; after a restart of ansai, by the catalogue: a table that was rebuilt has its name and another id.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::{Millis, Outcome, Refusal};
use ansai_kit::action::{Applied, Begun, Progress, StepContext};
use ansai_kit::call::to_text;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::client::{Server, quote};
use super::look::started;
use super::optimize::Target;
use super::session::own;
use super::table::{LIMIT, Table};
use crate::database::names::shown;
use crate::postgresql::client::Row;
use crate::runtime;

/// How long a rebuild waits for a lock, in seconds. Meanwhile, others that want the table wait behind it.
const LOCK: u32 = 5;
/// What a step may take beyond the limit of its statement.
const MARGIN: Millis = Millis::new(30_000);
const AGAIN: Millis = Millis::new(500);
/// While the server does not answer.
const LATER: Millis = Millis::new(5_000);
/// How long a cancelled statement may take to end.
const END: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// A session of the server: when the server was started, in seconds since 1970, and the id of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Backend {
    started: u64,
    id: u64,
}

/// Finds a statement again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Handle {
    backend: Backend,
    target: Target,
}

/// How statements of this process ended; `None` while they run. One whose connection was lost is not among them.
type Statements = HashMap<Backend, Option<Result<(), Refusal>>>;

fn statements() -> MutexGuard<'static, Statements> {
    static STATEMENTS: LazyLock<Mutex<Statements>> = LazyLock::new(Mutex::default);
    STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins a statement. MariaDB ends it by itself after `within`; of MySQL, ansai ends it.
///
/// # Errors
/// Nothing was begun.
pub(super) fn begin(server: &Server, target: Target, statement: String, within: Millis) -> Result<Begun, Refusal> {
    let mut session = server.session(LIMIT)?;
    let id = session.id()?;
    let millis = within.get().max(1);
    let mut settings = format!("set session lock_wait_timeout = {LOCK}, session innodb_lock_wait_timeout = {LOCK}");
    if session.is_mariadb() {
        settings += &format!(", session max_statement_time = {}.{:03}", millis / 1_000, millis % 1_000);
    }
    server.block_on(LIMIT, session.run(&settings))??;
    let [rows] = server.rows(LIMIT, |dialect| [format!("select {} as started", started(dialect))])?;
    let began = rows.first().and_then(|row| row.number("started").ok());
    let invalid = || Refusal::Unavailable(format!("target `{}`: an invalid reply", server.name()));
    let backend = Backend { started: began.ok_or_else(invalid)?, id };
    let longest = Millis::new(within.get().saturating_add(MARGIN.get()));
    // Of MySQL, the host cancels the step.
    let limit = if session.is_mariadb() { longest } else { within };
    let runtime = runtime::handle()?;
    statements().insert(backend, None);
    runtime.spawn(async move {
        let ended = timeout(Duration::from(longest), session.end_of(&statement)).await.ok().flatten();
        let mut all = statements();
        let Some(ended) = ended else {
            all.remove(&backend);
            return;
        };
        // One that was cancelled is not among them any more.
        if let Some(known) = all.get_mut(&backend) {
            *known = Some(ended.and_then(|rows| verdict(&rows)));
        }
    });
    Ok(Begun::Running { handle: to_text(&Handle { backend, target })?, limit })
}

/// The server reports errors of this statement as rows: what it did, and how that ended.
fn verdict(rows: &[Row]) -> Result<(), Refusal> {
    let kind = |row: &Row| row.text("Msg_type").unwrap_or_default();
    match rows.iter().find(|row| kind(row).eq_ignore_ascii_case("error")) {
        None if rows.iter().any(|row| kind(row).eq_ignore_ascii_case("status")) => Ok(()),
        None => Err(Refusal::Unavailable("the server does not say how the rebuild ended".into())),
        Some(row) if row.text("Msg_text").is_ok_and(|text| text.starts_with("Lock wait timeout")) => {
            Err(Refusal::Busy("a lock was not available in time".into()))
        }
        Some(_) => Err(Refusal::Unavailable("the server reports an error".into())),
    }
}

/// What the server says of a statement: its progress, or nothing if it is over.
fn progress(server: &Server, Backend { started: began, id }: Backend) -> Result<Option<String>, Refusal> {
    let [rows] = server.rows(LIMIT, |dialect| {
        let (started, progress) = (
            started(dialect),
            match dialect.is_mariadb {
                true => "p.stage, p.max_stage, p.progress",
                false => "0 as stage, 0 as max_stage, 0 as progress",
            },
        );
        [format!(
            "select coalesce(p.state, '') as state, {progress} from information_schema.processlist p
             where p.id = {id} and {started} = {began} and p.command = 'Query'"
        )]
    })?;
    Ok(rows.first().map(|row| {
        let state = shown(&row.text("state").unwrap_or_default());
        match (row.number::<u64>("stage"), row.number::<u64>("max_stage"), row.number::<f64>("progress")) {
            (Ok(stage), Ok(of), Ok(percent)) if of > 0 && percent.is_finite() => {
                format!("{state}: stage {stage} of {of}, {percent:.0} %")
            }
            _ => state,
        }
    }))
}

pub(super) fn poll(doing: &StepContext<'_>, handle: &RawValue) -> Progress {
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

/// Ends a statement, with its session: so one that has not begun yet does not begin. Only one of ansai.
pub(super) fn cancel(doing: &StepContext<'_>, handle: &RawValue) -> Applied {
    let Ok(Handle { backend, target }) = serde_json::from_str::<Handle>(handle.get()) else {
        return Applied::unknown("the handle of the step is invalid");
    };
    let server = match Server::of(doing.reach, &target.target) {
        Ok(server) => server,
        Err(why) => return Applied::unknown(why.to_string()),
    };
    let Backend { started: began, id } = backend;
    let own = quote::text(own(&server));
    let killed = server.change(LIMIT, |dialect| {
        let started = started(dialect);
        let same = format!("p.id = {id} and {started} = {began} and p.user = {own}");
        [format!("select p.id from information_schema.processlist p where {same}"), format!("kill connection {id}")]
    });
    match killed {
        Ok(_) | Err(Refusal::Changed(_)) => {}
        Err(why) => return Applied::unknown(format!("the statement cannot be cancelled: {why}")),
    }
    let asked = Instant::now();
    loop {
        let there = server.rows(LIMIT, |dialect| {
            let started = started(dialect);
            [format!("select p.id from information_schema.processlist p where p.id = {id} and {started} = {began}")]
        });
        match there {
            Ok([rows]) if rows.is_empty() => break,
            Ok(_) if asked.elapsed() < END => std::thread::sleep(PAUSE),
            Ok(_) => return Applied::unknown("the statement was cancelled, and still goes on"),
            Err(why) => return Applied::unknown(format!("nobody knows whether the statement ended: {why}")),
        }
    }
    let known = statements().remove(&backend);
    let why = Refusal::TimedOut(format!("{} was not rebuilt in time", target.shown()));
    // It may have been done just before.
    let ended = known.flatten().filter(Result::is_ok).unwrap_or(Err(why));
    conclude(&server, &target, Some(ended))
}

/// What became of a step whose handle was lost.
///
/// # Errors
/// The server does not answer.
pub(super) fn resolve(doing: &StepContext<'_>, target: &Target) -> Result<Applied, Refusal> {
    let server = Server::of(doing.reach, &target.target)?;
    let own = quote::text(own(&server));
    let [running] = server.rows(LIMIT, |_| {
        [format!(
            "select id from information_schema.processlist
             where user = {own} and id <> connection_id() and lower(info) like 'optimize%'"
        )]
    })?;
    match running.is_empty() {
        true => Ok(conclude(&server, target, None)),
        false => Ok(Applied::unknown(format!("the server still works on {}", target.shown()))),
    }
}

/// The outcome, as the catalogue shows it. `ended` is how the statement ended, if that is known.
fn conclude(server: &Server, target: &Target, ended: Option<Result<(), Refusal>>) -> Applied {
    let name = target.shown();
    let now = match Table::named(server, LIMIT, &target.name) {
        Ok(now) => now,
        Err(why) => return Applied::unknown(format!("nobody knows whether {name} was rebuilt: {why}")),
    };
    let is_rebuilt = now.as_ref().is_some_and(|now| now.id != target.id);
    let error = ended.and_then(Result::err);
    if is_rebuilt {
        // After the rebuild, the same statement analyses the table.
        let rest = if error.is_some() { "; its statistics may be old, because the statement did not end" } else { "" };
        return target.applied(Outcome::Done, format!("{name} was rebuilt{rest}"), now.as_ref());
    }
    let reason = error.unwrap_or_else(|| Refusal::Other(format!("{name} was not rebuilt")));
    let detail = format!("{name} was not rebuilt: {reason}");
    Applied { reason: Some(reason), ..target.applied(Outcome::Failed, detail, now.as_ref()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_rebuild_say_how_it_ended() {
        let rows = |texts: &[[&str; 2]]| -> Vec<Row> {
            let columns = || ["Msg_type".to_owned(), "Msg_text".to_owned()].into();
            let row = |[kind, text]: &[&str; 2]| {
                Row::of_mysql(columns(), vec![Some(kind.as_bytes().to_vec()), Some(text.as_bytes().to_vec())])
            };
            texts.iter().map(row).collect()
        };
        let note = ["note", "Table does not support optimize, doing recreate + analyze instead"];
        assert_eq!(verdict(&rows(&[note, ["status", "OK"]])), Ok(()));
        let locked =
            verdict(&rows(&[note, ["error", "Lock wait timeout exceeded; try …"], ["status", "Operation failed"]]));
        assert!(matches!(locked, Err(Refusal::Busy(_))), "{locked:?}");
        let failed = verdict(&rows(&[["Error", "The table 'secret' is full"], ["status", "Operation failed"]]));
        assert!(matches!(&failed, Err(Refusal::Unavailable(why)) if !why.contains("secret")), "{failed:?}");
        assert!(verdict(&rows(&[note])).is_err() && verdict(&[]).is_err());
    }
}
