//! A table in the catalogue, and whether a step may treat it.

use std::time::Duration;

use ansai_core::{Refusal, Subject};

use super::client::{Dialect, Server, quote};
use super::session::own;
use crate::database::names::shown;
use crate::postgresql::client::{BadRow, Row};

/// One call of the executor.
pub(super) const LIMIT: Duration = Duration::from_secs(5);
/// A rebuild waits for transactions at its begin and its end, and others wait behind it. In seconds.
const LONG_TRANSACTION: u32 = 60;

/// A table of InnoDB.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) id: u64,
    pub(super) database: String,
    pub(super) name: String,
    /// The size of its file.
    pub(super) bytes: u64,
    pub(super) free_bytes: u64,
    is_granted: bool,
    has_full_text: bool,
    is_cluster: bool,
    is_in_work: bool,
    has_long_transactions: bool,
}

/// The database and the name of a table `t` with the file `s`, as expressions. The dictionary has `database/table` in the encoding
/// of names of files. Only MariaDB can decode that; MySQL has the name of the file decoded, so a slash may be part of a name.
fn names(dialect: Dialect) -> [String; 2] {
    if !dialect.is_mariadb {
        return ["database()".into(), "substring(s.name, char_length(database()) + 2)".into()];
    }
    [1, -1].map(|part| {
        let encoded = format!("substring_index(t.name, '/', {part})");
        format!("convert(convert(convert({encoded} using binary) using filename) using utf8mb4)")
    })
}

/// `select … from` the dictionary `t` of InnoDB with the files `s`.
pub(super) fn files(dialect: Dialect) -> String {
    let sys = if dialect.is_mariadb { "sys_" } else { "" };
    let [database, name] = names(dialect);
    format!(
        "select t.table_id as id, {database} as db, {name} as name, s.file_size as bytes
         from information_schema.innodb_{sys}tables t join information_schema.innodb_{sys}tablespaces s on s.space = t.space"
    )
}

/// The condition that a table `t` is in the database of the target, and in a file of its own. `#` is in the names of partitions
/// and temporary tables only; those of full-text indexes belong to other tables.
pub(super) fn of_users(dialect: Dialect) -> String {
    let [database, _] = names(dialect);
    let is_in_it = if dialect.is_mariadb {
        format!("binary {database} = binary database()")
    } else {
        // `app/x` is a table of `app`, or the begin of a table of the database `app/x`: encoded, that one has one more slash.
        let slashes = |text: &str, slash: &str| format!("char_length(replace({text}, '{slash}', '{slash}-'))");
        let encoded = "substring_index(t.name, '/', 1)";
        let more = |text: &str, slash: &str| format!("({} - char_length({text}))", slashes(text, slash));
        format!(
            "cast(left(s.name, char_length(database()) + 1) as binary) = cast(concat(database(), '/') as binary)
               and {} = {}",
            more(encoded, "@002f"),
            more("database()", "/")
        )
    };
    format!(
        "t.space <> 0 and t.name not like '%#%' and t.name not regexp '/fts_[0-9a-f]{{16}}_' and {is_in_it}
           and {database} not in ('mysql', 'sys', 'performance_schema', 'information_schema')"
    )
}

/// The condition that finds one table in `information_schema.tables`, without opening others.
pub(super) fn named(database: &str, name: &str) -> String {
    format!("table_schema = {} and table_name = {}", quote::text(database), quote::text(name))
}

/// The subject of a table.
pub(super) fn subject(target: &str, database: &str, name: &str) -> Subject {
    let part = |name: &str| shown(name).replace('/', "\\/");
    Subject::new("database-table", format!("{target}/{}/{}", part(database), part(name)))
}

/// The statements that see more of a table: its details, and what goes on at the server.
fn more(table: &Row, own: &str) -> Result<[String; 2], BadRow> {
    let (database, name) = (table.text("db")?, table.text("name")?);
    let (named, own) = (named(&database, &name), quote::text(own));
    Ok([
        format!(
            "select coalesce(data_free, 0) as free,
               exists (select 1 from information_schema.statistics where {named} and index_type = 'FULLTEXT') as full_text
             from information_schema.tables where {named}"
        ),
        format!(
            "select exists (select 1 from information_schema.innodb_trx where trx_mysql_thread_id not in (0, connection_id())
                 and trx_started < now() - interval {LONG_TRANSACTION} second) as long_transactions,
               exists (select 1 from information_schema.processlist where user = {own} and id <> connection_id()
                 and lower(info) like 'optimize%') as in_work"
        ),
    ])
}

impl Table {
    /// By its id, if a step may treat it.
    ///
    /// # Errors
    /// `not-found` if it is gone; `busy` or `unsupported` for what would hold up others.
    pub(super) fn of(server: &Server, limit: Duration, id: u64) -> Result<Table, Refusal> {
        let found = Table::where_(server, limit, |dialect| format!("t.table_id = {id} and {}", of_users(dialect)))?;
        let found = found.ok_or_else(|| Refusal::NotFound(format!("table {id} is not in this database")))?;
        found.may().map(|()| found)
    }

    /// By its name: a table that was rebuilt has another id.
    pub(super) fn named(server: &Server, limit: Duration, name: &str) -> Result<Option<Table>, Refusal> {
        let text = quote::text(name);
        Table::where_(server, limit, |dialect| {
            let [_, name] = names(dialect);
            format!("{} and cast({name} as binary) = cast({text} as binary)", of_users(dialect))
        })
    }

    fn where_(
        server: &Server,
        limit: Duration,
        condition: impl Fn(Dialect) -> String,
    ) -> Result<Option<Table>, Refusal> {
        let invalid = |BadRow| Refusal::Unavailable(format!("target `{}`: an invalid reply", server.name()));
        let [rows] = server.rows(limit, |dialect| [format!("{} where {}", files(dialect), condition(dialect))])?;
        let Some(row) = rows.first() else { return Ok(None) };
        let [details, now] = more(row, own(server)).map_err(invalid)?;
        let cluster = "show global variables like 'wsrep_on'";
        let [details, now, cluster] = server.rows(limit, |_| [details.clone(), now.clone(), cluster.into()])?;
        Table::read(row, details.first(), now.first(), cluster.first()).map(Some).map_err(invalid)
    }

    fn read(row: &Row, details: Option<&Row>, now: Option<&Row>, cluster: Option<&Row>) -> Result<Table, BadRow> {
        let now = now.ok_or(BadRow)?;
        Ok(Table {
            id: row.number("id")?,
            database: row.text("db")?,
            name: row.text("name")?,
            bytes: row.number("bytes")?,
            free_bytes: details.map_or(Ok(0), |details| details.number("free"))?,
            is_granted: details.is_some(),
            has_full_text: details.map_or(Ok(false), |details| details.flag("full_text"))?,
            is_cluster: cluster
                .is_some_and(|row| row.text("Value").is_ok_and(|value| value.eq_ignore_ascii_case("on"))),
            is_in_work: now.flag("in_work")?,
            has_long_transactions: now.flag("long_transactions")?,
        })
    }

    fn may(&self) -> Result<(), Refusal> {
        let name = shown(&self.name);
        if !self.is_granted {
            let why = "the user of ansai needs SELECT and INSERT on it";
            return Err(Refusal::Unavailable(format!("{name} cannot be rebuilt: {why}")));
        }
        if self.has_full_text {
            let why = "it has a full-text index, so nobody could write to it meanwhile";
            return Err(Refusal::Unsupported(format!("{name} is not rebuilt: {why}")));
        }
        if self.is_cluster {
            let why = "the server belongs to a Galera cluster, which would stop";
            return Err(Refusal::Unsupported(format!("{name} is not rebuilt: {why}")));
        }
        if self.is_in_work {
            return Err(Refusal::Busy("ansai already rebuilds a table of this server".into()));
        }
        if self.has_long_transactions {
            let why = format!("it would wait for a transaction that is older than {LONG_TRANSACTION} s");
            return Err(Refusal::Busy(format!("{name} is not rebuilt: {why}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Table)) -> &'static str {
        let mut table = Table {
            id: 20,
            database: "app".into(),
            name: "orders".into(),
            bytes: 8 << 20,
            free_bytes: 4 << 20,
            is_granted: true,
            has_full_text: false,
            is_cluster: false,
            is_in_work: false,
            has_long_transactions: false,
        };
        change(&mut table);
        match table.may() {
            Ok(()) => "no",
            Err(Refusal::Busy(_)) => "busy",
            Err(Refusal::Unsupported(_)) => "unsupported",
            Err(Refusal::Unavailable(_)) => "unavailable",
            Err(_) => "other",
        }
    }

    #[test]
    fn what_may_be_rebuilt() {
        assert_eq!(refused(|_| {}), "no");
        assert_eq!(refused(|table| table.is_granted = false), "unavailable");
        assert_eq!(refused(|table| table.has_full_text = true), "unsupported");
        assert_eq!(refused(|table| table.is_cluster = true), "unsupported");
        assert_eq!(refused(|table| table.is_in_work = true), "busy");
        assert_eq!(refused(|table| table.has_long_transactions = true), "busy");
    }
}
