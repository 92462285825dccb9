//! A session of MySQL or MariaDB: which one it is, and for whom it works.

use std::fmt;
use std::time::Duration;

use ansai_core::Refusal;
use serde::{Deserialize, Serialize};

use super::client::{Dialect, Server, quote};
use super::look::started;
use crate::database::names::shown;
use crate::postgresql::client::connect::APPLICATION;
use crate::postgresql::client::{BadRow, Row};

/// Identifies a session in its transaction. A server gives an id to one connection only, until it is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Identity {
    /// When the server was started, in seconds since 1970.
    pub(crate) started: u64,
    /// The id of the connection.
    pub(crate) id: u64,
    /// `None` without a transaction.
    pub(crate) transaction: Option<Transaction>,
}

/// A transaction of InnoDB. One that only reads has an id that is used again, so its begin belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transaction {
    id: u64,
    /// In seconds since 1970.
    began: u64,
}

impl Identity {
    /// `1764422112/4711/8123.1764422200`, or `1764422112/4711/-` without a transaction.
    pub(super) fn parse(text: &str) -> Result<Identity, Refusal> {
        let read = || {
            let mut parts = text.split('/');
            let (started, id, transaction) = (parts.next()?, parts.next()?, parts.next()?);
            let transaction = match transaction.split_once('.') {
                Some((id, began)) => Some(Transaction { id: id.parse().ok()?, began: began.parse().ok()? }),
                None => (transaction == "-").then_some(None)?,
            };
            let identity = Identity { started: started.parse().ok()?, id: id.parse().ok()?, transaction };
            (parts.next().is_none() && identity.id > 0).then_some(identity)
        };
        read().ok_or_else(|| Refusal::Invalid("`session` is not the identity of a session".into()))
    }

    /// Of a row with the columns `started`, and these three.
    pub(super) fn read(row: &Row, [id, transaction, began]: [&str; 3]) -> Result<Identity, BadRow> {
        let transaction = match row.maybe(transaction)? {
            Some(id) => Some(Transaction { id, began: row.number(began)? }),
            None => None,
        };
        Ok(Identity { started: row.number("started")?, id: row.number(id)?, transaction })
    }

    /// The condition that a row `p` of the process list, with its transaction `t`, is this session in this transaction.
    pub(super) fn condition(&self, dialect: Dialect) -> String {
        let transaction = match self.transaction {
            Some(Transaction { id, began }) => format!("t.trx_id = {id} and {} = {began}", began_of("t")),
            None => "t.trx_id is null".into(),
        };
        format!("{} and {transaction}", self.same_session(dialect))
    }

    /// The condition that a row `p` is this session, in any transaction.
    pub(super) fn same_session(&self, dialect: Dialect) -> String {
        format!("p.id = {} and {} = {}", self.id, started(dialect), self.started)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.started, self.id)?;
        match self.transaction {
            Some(Transaction { id, began }) => write!(f, "{id}.{began}"),
            None => f.write_str("-"),
        }
    }
}

/// When a transaction began, in seconds since 1970. The server tells it in local time: of the hour that comes twice when the
/// clocks are set back, the second one is meant, so that no transaction looks older than it is.
pub(super) fn began_of(alias: &str) -> String {
    instant(&format!("{alias}.trx_started"))
}

/// The later instant of a local time.
fn instant(local: &str) -> String {
    let seconds = format!("floor(unix_timestamp({local}))");
    format!("({seconds} + if(from_unixtime({seconds} + 3600) = {local}, 3600, 0))")
}

/// The rows `p` of the process list, each with its transaction `t`.
pub(super) const SESSIONS: &str = "information_schema.processlist p \
    left join information_schema.innodb_trx t on t.trx_mysql_thread_id = p.id";

/// The kind of work of a row `p`, as an expression. `own` is the user of ansai. Programs that copy data are known by what they
/// do: their statements may follow comments, so what looks like one of theirs is one.
pub(super) fn work(own: &str) -> String {
    let begins = "(^|;|[*]/|[\\n\\r])[[:space:]]*";
    let own = quote::text(own);
    format!(
        "case when p.command like 'Binlog Dump%' or p.command like 'Slave%' or p.command in ('Register Slave', 'Table Dump')
             or (p.user = 'system user' and (p.command in ('Connect', 'Query') or p.state like '%relay log%')) then 'replica'
           when p.user in ('system user', 'event_scheduler', 'mysql.session', 'mysql.sys', 'mysql.infoschema', 'mariadb.sys')
             or p.command in ('Daemon', 'Shutdown', 'Refresh') or p.user = {own}
             or lower(p.info) regexp '{begins}(optimize|analyze|alter|repair|check|rename|truncate|drop|create)[[:space:]]'
             then 'maintenance'
           when lower(p.info) regexp '{begins}(lock|flush|backup)[[:space:]]'
             or lower(p.info) regexp 'sql_no_cache|into[[:space:]]+(outfile|dumpfile)|consistent[[:space:]]+snapshot' then 'dump'
           when coalesce(p.user, '') = '' or p.user like 'unauthenticated%' or p.command in ('Connect', 'Change user')
             then 'other'
           else 'client' end"
    )
}

/// Programs that copy data, by the names that they give themselves.
pub(super) fn is_dump(application: &str) -> bool {
    const DUMPS: [&str; 8] = [
        "mysqldump",
        "mariadb-dump",
        "mysqlpump",
        "mydumper",
        "mariabackup",
        "mariadb-backup",
        "xtrabackup",
        "mysqlbinlog",
    ];
    DUMPS.iter().any(|name| application.starts_with(name))
}

/// The name of the program of a session, for a server that knows it. It needs the performance schema, and a privilege on it.
pub(super) fn application(server: &Server, limit: Duration, id: u64) -> String {
    let select = format!(
        "select attr_value as name from performance_schema.session_connect_attrs
         where processlist_id = {id} and attr_name = 'program_name'"
    );
    let rows = server.rows(limit, |_| [select.clone()]);
    rows.ok().and_then(|[rows]| rows.first().and_then(|row| row.text("name").ok())).unwrap_or_default()
}

/// The user of ansai on a server.
pub(super) fn own(server: &Server) -> &str {
    server.target().user.as_deref().unwrap_or(APPLICATION)
}

/// A row `p` runs a statement.
pub(super) const RUNNING: &str = "p.command in ('Query', 'Execute', 'Fetch', 'Long Data')";

/// The state of a session, in the words of `ansai:database`.
pub(super) fn state(command: &str, is_in_transaction: bool) -> String {
    match command {
        "Sleep" if is_in_transaction => "idle in transaction".into(),
        "Sleep" => "idle".into(),
        "Query" | "Execute" | "Fetch" | "Long Data" => "active".into(),
        other => shown(&other.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_identity_is_numbers_only() {
        for text in ["12/34/-", "12/34/56.78", "1764422112/4294967296/421938475938475.1764422200"] {
            assert_eq!(Identity::parse(text).unwrap().to_string(), text);
        }
        for bad in [
            "",
            "12",
            "12/34",
            "12/34/",
            "12/34/56",
            "12/34/56.",
            "12/34/.7",
            "12/34/-/1",
            "0/0/-",
            "-1/1/-",
            "1 or true/2/-",
            "1/2/- or true",
            "1/2/3.4 or true",
            "1/18446744073709551616/-",
        ] {
            assert!(matches!(Identity::parse(bad), Err(Refusal::Invalid(_))), "{bad}");
        }
    }

    /// Would break: a transaction of this minute that looks an hour old, so that its session is ended.
    #[test]
    fn of_the_hour_that_comes_twice_the_later_instant_is_meant() {
        let Some(server) = ansai_harness::server::Mariadb::start() else { return };
        // As Europe/Berlin in 2026.
        server.sql(
            "insert into mysql.time_zone values (1, 'N'); insert into mysql.time_zone_name values ('Berlin', 1);
             insert into mysql.time_zone_transition_type values (1, 0, 3600, 0, 'CET'), (1, 1, 7200, 1, 'CEST');
             insert into mysql.time_zone_transition values (1, 1774746000, 1), (1, 1792890000, 0)",
        );
        for (local, expected) in [("01:30", "1792884600"), ("02:30", "1792891800"), ("03:30", "1792895400")] {
            let told = format!("(select cast('2026-10-25 {local}:00' as datetime) as l) t");
            let seconds = server.sql(&format!("set time_zone = 'Berlin'; select {} from {told}", instant("t.l")));
            assert_eq!(seconds, expected, "{local}");
        }
        let nothing = "(select cast(null as datetime) as l) t";
        assert_eq!(server.sql(&format!("select {} from {nothing}", instant("t.l"))), "NULL");
    }

    #[test]
    fn dumps_are_known_by_the_names_of_programs() {
        assert!(["mysqldump", "mariadb-dump", "mariabackup"].iter().all(|name| is_dump(name)));
        assert!(["", "shop", "my mysqldump"].iter().all(|name| !is_dump(name)));
    }
}
