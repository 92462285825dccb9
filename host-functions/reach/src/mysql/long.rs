//! A rebuild while it runs: a statement in a connection of its own, which the server goes on with if ansai ends.
//!
//! It is found again by the begin of the server and the id of its connection. The catalogue tells whether it was done: a table
//! that was rebuilt has its name and another id.

use std::time::Duration;

use ansai_core::{Millis, Outcome, Refusal};
use ansai_kit::action::{Applied, Begun, StepContext};
use ansai_kit::target::Reach;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::client::{Server, quote};
use super::look::started;
use super::optimize::Target;
use super::session::own;
use super::table::{LIMIT, Table};
use crate::database::names::shown;
use crate::database::statement::{Ended, Statements, Treated, longest, running};
use crate::postgresql::client::Row;
use crate::runtime;

/// How long a rebuild waits for a lock, in seconds. Meanwhile, others that want the table wait behind it.
const LOCK: u32 = 5;

/// A session of the server: when the server was started, in seconds since 1970, and the id of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Backend {
    started: u64,
    id: u64,
}

static STATEMENTS: Statements<Backend> = Statements::new();

/// Whether this process has statements that run, or whose end it has not told yet.
pub(crate) fn has_statements() -> bool {
    STATEMENTS.any()
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
    let longest = longest(within);
    // Of MySQL, the host cancels the step.
    let limit = if session.is_mariadb() { longest } else { within };
    let runtime = runtime::handle()?;
    STATEMENTS.begin(backend);
    runtime.spawn(async move {
        let ended = timeout(Duration::from(longest), session.end_of(&statement)).await.ok().flatten();
        STATEMENTS.end(backend, ended.map(|ended| ended.and_then(|rows| verdict(&rows))));
    });
    running(backend, target, limit)
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

impl Treated for Target {
    type Server = Server;
    type Backend = Backend;

    fn statements() -> &'static Statements<Backend> {
        &STATEMENTS
    }

    fn server(&self, reach: &Reach) -> Result<Server, Refusal> {
        Server::of(reach, &self.target)
    }

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

    fn is_there(server: &Server, Backend { started: began, id }: Backend) -> Result<bool, Refusal> {
        let [rows] = server.rows(LIMIT, |dialect| {
            let started = started(dialect);
            [format!("select p.id from information_schema.processlist p where p.id = {id} and {started} = {began}")]
        })?;
        Ok(!rows.is_empty())
    }

    fn terminate(server: &Server, Backend { started: began, id }: Backend) -> Result<(), Refusal> {
        let own = quote::text(own(server));
        let killed = server.change(LIMIT, |dialect| {
            let started = started(dialect);
            let same = format!("p.id = {id} and {started} = {began} and p.user = {own}");
            [format!("select p.id from information_schema.processlist p where {same}"), format!("kill connection {id}")]
        });
        match killed {
            Ok(_) | Err(Refusal::Changed(_)) => Ok(()),
            Err(why) => Err(why),
        }
    }

    fn not_done(&self) -> String {
        format!("{} was not rebuilt", self.shown())
    }

    fn conclude(&self, server: &Server, ended: Option<Ended>) -> Applied {
        let name = self.shown();
        let now = match Table::named(server, LIMIT, &self.name) {
            Ok(now) => now,
            Err(why) => return Applied::unknown(format!("nobody knows whether {name} was rebuilt: {why}")),
        };
        let is_rebuilt = now.as_ref().is_some_and(|now| now.id != self.id);
        let error = ended.and_then(Result::err);
        if is_rebuilt {
            // After the rebuild, the same statement analyses the table.
            let rest =
                if error.is_some() { "; its statistics may be old, because the statement did not end" } else { "" };
            return self.applied(Outcome::Done, format!("{name} was rebuilt{rest}"), now.as_ref());
        }
        let reason = error.unwrap_or_else(|| Refusal::Other(format!("{name} was not rebuilt")));
        let detail = format!("{name} was not rebuilt: {reason}");
        Applied { reason: Some(reason), ..self.applied(Outcome::Failed, detail, now.as_ref()) }
    }
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
        true => Ok(target.conclude(&server, None)),
        false => Ok(Applied::unknown(format!("the server still works on {}", target.shown()))),
    }
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
