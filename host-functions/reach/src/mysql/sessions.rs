//! `list-sessions`.

use std::collections::HashMap;

use ansai_core::{Refusal, Timestamp};
use ansai_kit::host::ProbeContext;

use super::client::Server;
use super::look::started;
use super::session::{Identity, SESSIONS, began_of, is_dump, own, state, work};
use crate::database::List;
use crate::database::names::{self, after, limit, shown};
use crate::database::page::{FETCHED, Page};
use crate::database::sessions::{Session, Work};
use crate::postgresql::client::{BadRow, Row};

/// Sessions that one names as those it waits for.
const MOST_BLOCKERS: usize = 32;

fn statement(after: u64, started: &str, work: &str) -> String {
    let began = began_of("t");
    format!(
        "select p.id, s.started, p.user, p.host, coalesce(p.db, '') as db, p.command, {work} as work, t.trx_id as trx,
           {began} as began, unix_timestamp() - greatest(p.time, 0) as since,
           case when t.trx_state = 'LOCK WAIT' then 'Lock: row' when p.state like 'Waiting for % lock' then p.state
             else '' end as waits
         from {SESSIONS} join (select {started} as started) s where p.id > {after} order by p.id limit {FETCHED}"
    )
}

/// Who waits for whom, from the locks of InnoDB. All transactions of MariaDB that only read have the id 0, and lock nothing.
fn blockers(after: u64, is_mariadb: bool) -> String {
    let (waits, waiting, blocking) = match is_mariadb {
        true => ("information_schema.innodb_lock_waits", "requesting_trx_id", "blocking_trx_id"),
        false => {
            ("performance_schema.data_lock_waits", "requesting_engine_transaction_id", "blocking_engine_transaction_id")
        }
    };
    let began = began_of("b");
    format!(
        "select distinct r.trx_mysql_thread_id as waiting, b.trx_mysql_thread_id as id, b.trx_id as trx, {began} as began,
           s.started
         from {waits} w join information_schema.innodb_trx r on r.trx_id = w.{waiting}
           join information_schema.innodb_trx b on b.trx_id = w.{blocking} join (select STARTED as started) s
         where r.trx_mysql_thread_id > {after} and b.trx_id <> 0 order by 1, 2 limit 8192"
    )
}

/// The names of programs. They need the performance schema, and a privilege on it.
fn applications(after: u64) -> String {
    format!(
        "select processlist_id as id, attr_value as name from performance_schema.session_connect_attrs
         where processlist_id > {after} and attr_name = 'program_name' order by processlist_id limit 4096"
    )
}

pub(super) fn list_sessions(ask: &ProbeContext<'_>, List { target, cursor }: List) -> Result<Page<Session>, Refusal> {
    let server = Server::of(ask.reach, &target)?;
    let after: u64 = after(cursor.as_deref())?;
    let work = work(own(&server));
    let [rows, waits] = server.rows(limit(ask)?, |dialect| {
        let started = started(dialect);
        [statement(after, &started, &work), blockers(after, dialect.is_mariadb).replace("STARTED", &started)]
    })?;
    let names = server.rows(limit(ask)?, |_| [applications(after)]).map_or_else(|_| Vec::new(), |[rows]| rows);
    let names: HashMap<u64, String> =
        names.iter().filter_map(|row| Some((row.number("id").ok()?, row.text("name").ok()?))).collect();
    let mut blocked: HashMap<u64, Vec<String>> = HashMap::new();
    for row in &waits {
        let (Ok(waiting), Ok(by)) = (row.number("waiting"), Identity::read(row, ["id", "trx", "began"])) else {
            continue;
        };
        let all = blocked.entry(waiting).or_default();
        if all.len() < MOST_BLOCKERS {
            all.push(by.to_string());
        }
    }
    Ok(Page::of(&rows, "id", |row| read(&target, row, &names, &mut blocked).map(Some)))
}

fn read(
    target: &str,
    row: &Row,
    names: &HashMap<u64, String>,
    blocked: &mut HashMap<u64, Vec<String>>,
) -> Result<Session, BadRow> {
    let identity = Identity::read(row, ["id", "trx", "began"])?;
    let application = names.get(&identity.id).map(|name| shown(name)).unwrap_or_default();
    let (command, client) = (row.text("command")?, row.text("host")?);
    let instant = |column: &str| -> Result<Option<Timestamp>, BadRow> {
        let seconds: Option<u64> = row.maybe(column)?;
        Ok(seconds.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000))))
    };
    Ok(Session {
        about: names::session(target, identity.id),
        identity: identity.to_string(),
        user: shown(&row.text("user")?),
        // The port behind the name says nothing.
        client: if client == "localhost" {
            String::new()
        } else {
            shown(client.rsplit_once(':').map_or(client.as_str(), |(host, _)| host))
        },
        database: shown(&row.text("db")?),
        state: state(&command, identity.transaction.is_some()),
        waits_for: shown(&row.text("waits")?),
        work: match row.optional("work")? {
            Some("client") if is_dump(&application) => Work::Dump,
            Some("client") => Work::Client,
            Some("replica") => Work::Replica,
            Some("maintenance") => Work::Maintenance,
            Some("dump") => Work::Dump,
            _ => Work::Other,
        },
        application,
        since: instant("since")?,
        in_transaction_since: instant("began")?,
        blocked_by: blocked.remove(&identity.id).unwrap_or_default(),
    })
}
