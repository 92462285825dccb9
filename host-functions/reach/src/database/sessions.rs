//! `list-sessions`.

use ansai_core::{Refusal, Subject, Timestamp};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::List;
use super::names::{self, after, limit, millis, shown};
use super::page::{FETCHED, Page};
use super::session::{Identity, work};
use crate::postgresql::client::{BadRow, Row, Server};

/// Sessions that one names as those it waits for.
const MOST_BLOCKERS: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    Client,
    Replica,
    Maintenance,
    Dump,
    Other,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Session {
    pub(crate) about: Subject,
    pub(crate) identity: String,
    pub(crate) user: String,
    pub(crate) application: String,
    pub(crate) client: String,
    pub(crate) database: String,
    pub(crate) state: String,
    pub(crate) waits_for: String,
    pub(crate) work: Work,
    pub(crate) since: Option<Timestamp>,
    pub(crate) in_transaction_since: Option<Timestamp>,
    pub(crate) blocked_by: Vec<String>,
}

/// Blockers are searched for those only that wait for a lock: the search holds up the lock manager.
fn statement(after: u32) -> String {
    let (identity, blocker, work) = (Identity::expression("a"), Identity::expression("b"), work());
    let (since, transaction) = (millis("a.state_change"), millis("a.xact_start"));
    format!(
        "select a.pid, {identity} as identity, coalesce(a.usename, '') as user, a.application_name as application,
           coalesce(host(a.client_addr), '') as client, coalesce(a.datname, '') as database,
           coalesce(a.state, '') as state, {work} as work, {since} as since, {transaction} as transaction,
           case when a.state = 'active' or a.state is null
             then coalesce(a.wait_event_type || ': ' || a.wait_event, '') else '' end as waits,
           (select string_agg(coalesce({blocker}, '0'), ' ') from (
               select distinct unnest(case when a.wait_event_type = 'Lock' then pg_blocking_pids(a.pid) end) as pid
               limit {MOST_BLOCKERS}) p
             left join pg_stat_activity b on b.pid = p.pid) as blockers
         from (select * from pg_stat_activity where pid > {after} order by pid limit {FETCHED}) a
         order by a.pid"
    )
}

pub(super) fn list_sessions(ask: &ProbeContext<'_>, List { target, cursor }: List) -> Result<Page<Session>, Refusal> {
    let server = Server::of(ask.reach, &target)?;
    let rows = server.rows(limit(ask)?, &statement(after(cursor.as_deref())?))?;
    Ok(Page::of(&rows, "pid", |row| read(&target, row).map(Some)))
}

fn read(target: &str, row: &Row) -> Result<Session, BadRow> {
    let pid: i32 = row.number("pid")?;
    Ok(Session {
        about: names::session(target, pid),
        identity: row.text("identity")?,
        user: shown(&row.text("user")?),
        application: shown(&row.text("application")?),
        client: shown(&row.text("client")?),
        database: shown(&row.text("database")?),
        state: shown(&row.text("state")?),
        waits_for: shown(&row.text("waits")?),
        work: match row.optional("work")? {
            Some("client") => Work::Client,
            Some("replica") => Work::Replica,
            Some("maintenance") => Work::Maintenance,
            Some("dump") => Work::Dump,
            _ => Work::Other,
        },
        since: row.instant("since")?,
        in_transaction_since: row.instant("transaction")?,
        blocked_by: row.text("blockers")?.split_whitespace().map(str::to_owned).collect(),
    })
}
