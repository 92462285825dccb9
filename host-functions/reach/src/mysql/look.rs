//! `look`.

use std::collections::HashMap;

use ansai_core::{Measure, Refusal, Timestamp, Unit, Value};
use ansai_kit::host::ProbeContext;

use super::client::{Dialect, Server};
use super::replicas;
use super::session::began_of;
use crate::database::look::Looked;
use crate::database::names::{self, limit, shown};
use crate::postgresql::client::{BadRow, Row};

/// Counters of the server that are numbers of the reply.
const NUMBERS: [(&str, &str, Unit); 5] = [
    ("threads-running", "Threads_running", Unit::None),
    ("slow-queries", "Slow_queries", Unit::None),
    ("refused-connections", "Connection_errors_max_connections", Unit::None),
    ("temporary-disk-tables", "Created_tmp_disk_tables", Unit::None),
    ("deadlocks", "Innodb_deadlocks", Unit::None),
];
/// Those that others are computed from.
const OTHERS: [&str; 4] =
    ["Uptime", "Threads_connected", "Innodb_buffer_pool_reads", "Innodb_buffer_pool_read_requests"];

/// The table of counters.
pub(super) fn status(dialect: Dialect) -> &'static str {
    if dialect.is_mariadb { "information_schema.global_status" } else { "performance_schema.global_status" }
}

/// When the server was started, in seconds since 1970: exact, because both are of the begin of the statement.
pub(super) fn started(dialect: Dialect) -> String {
    let status = status(dialect);
    format!("(select cast(unix_timestamp() - variable_value as signed) from {status} where variable_name = 'Uptime')")
}

fn counters(dialect: Dialect) -> String {
    let names = NUMBERS.iter().map(|(_, name, _)| *name).chain(OTHERS);
    let names: Vec<String> = names.map(|name| format!("'{name}'")).collect();
    let (status, names) = (status(dialect), names.join(", "));
    format!(
        "select variable_name as name, variable_value as value, unix_timestamp() as now from {status}
         where variable_name in ({names})"
    )
}

/// ansai's own transaction is not counted.
fn settings() -> String {
    let began = began_of("t");
    format!(
        "select version() as version, @@global.max_connections as most, @@global.read_only as read_only,
       (select count from information_schema.innodb_metrics where name = 'trx_rseg_history_len') as history,
       coalesce((select greatest(max(cast(unix_timestamp() as signed) - cast({began} as signed)), 0) * 1000
         from information_schema.innodb_trx t where t.trx_mysql_thread_id not in (0, connection_id())), 0) as longest"
    )
}

pub(super) fn look(ask: &ProbeContext<'_>, target: &str) -> Result<Looked, Refusal> {
    let server = Server::of(ask.reach, target)?;
    let [counters, settings] = server.rows(limit(ask)?, |dialect| [counters(dialect), settings()])?;
    let invalid = || Refusal::Unavailable(format!("target `{target}`: an invalid reply"));
    let settings = settings.first().ok_or_else(invalid)?;
    let mut looked = read(target, &counters, settings).map_err(|BadRow| invalid())?;
    // Whether it follows another server needs a privilege, and matters only for one that takes no changes.
    if looked.replica {
        match server.rows(limit(ask)?, |dialect| [replicas::sources(dialect).into()]) {
            Ok([sources]) => looked.replica = !sources.is_empty(),
            Err(why @ Refusal::TimedOut(_)) => return Err(why),
            // Without the privilege, all else is still known.
            Err(_) => {}
        }
    }
    Ok(looked)
}

fn read(target: &str, counters: &[Row], settings: &Row) -> Result<Looked, BadRow> {
    let mut known: HashMap<String, u64> = HashMap::new();
    let mut now = 0_u64;
    for row in counters {
        known.insert(row.text("name")?.to_ascii_lowercase(), row.number("value")?);
        now = row.number("now")?;
    }
    let of = |name: &str| known.get(&name.to_ascii_lowercase()).copied();
    let mut numbers = Vec::new();
    let (reads, requests) = (of("Innodb_buffer_pool_reads"), of("Innodb_buffer_pool_read_requests"));
    if let Some((reads, requests)) = reads.zip(requests).filter(|(_, requests)| *requests > 0) {
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        let hits = (1.0 - reads as f64 / requests as f64).clamp(0.0, 1.0);
        numbers.push(Measure { name: "cache-hits".into(), value: Value::Number(hits), unit: Unit::Ratio });
    }
    if let Some(history) = settings.maybe("history")? {
        numbers.push(Measure::count("history-list", history, Unit::None));
    }
    numbers.push(Measure::count("longest-transaction", settings.number("longest")?, Unit::Milliseconds));
    for (name, counter, unit) in NUMBERS {
        numbers.extend(of(counter).map(|number| Measure::count(name, number, unit)));
    }
    let version = settings.text("version")?;
    let started = now.checked_sub(of("Uptime").ok_or(BadRow)?).and_then(|at| at.checked_mul(1_000)).ok_or(BadRow)?;
    Ok(Looked {
        about: names::target(target),
        engine: if version.contains("MariaDB") { "mariadb" } else { "mysql" }.into(),
        version: shown(&version),
        started: Timestamp::from_millis(started),
        replica: settings.text("read_only")? != "0",
        connections: u32::try_from(of("Threads_connected").ok_or(BadRow)?).map_err(|_| BadRow)?,
        most_connections: settings.number("most")?,
        reserved: 0,
        numbers,
    })
}
