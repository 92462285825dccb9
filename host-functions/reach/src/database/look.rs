//! `look`.

use ansai_core::{Measure, Refusal, Subject, Timestamp, Unit, Value};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::One;
use super::names::{self, limit, millis, shown};
use crate::postgresql::client::{BadRow, Row, Server};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Looked {
    pub(crate) about: Subject,
    pub(crate) engine: String,
    pub(crate) version: String,
    pub(crate) started: Timestamp,
    pub(crate) replica: bool,
    pub(crate) connections: u32,
    pub(crate) most_connections: u32,
    pub(crate) reserved: u32,
    pub(crate) numbers: Vec<Measure>,
}

/// Columns that are numbers of the reply, with their units.
const NUMBERS: [(&str, Unit); 9] = [
    ("cache-requests", Unit::None),
    ("transaction-age", Unit::None),
    ("multixact-age", Unit::None),
    ("freeze-age", Unit::None),
    ("oldest-snapshot-age", Unit::None),
    ("longest-transaction", Unit::Milliseconds),
    ("prepared-transactions", Unit::None),
    ("deadlocks", Unit::None),
    ("temporary-bytes", Unit::Bytes),
];
const HITS: &str = "cache-hits";

fn statement() -> String {
    let started = millis("pg_postmaster_start_time()");
    // ansai's own transaction is not counted.
    format!(
        "select current_setting('server_version') as version, {started} as started, pg_is_in_recovery() as replica,
           (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
           current_setting('max_connections') as most,
           current_setting('superuser_reserved_connections')::int
             + coalesce(current_setting('reserved_connections', true), '0')::int as reserved,
           d.*, a.*, current_setting('autovacuum_freeze_max_age') as \"freeze-age\",
           (select count(*) from pg_prepared_xacts) as \"prepared-transactions\"
         from (select max(age(datfrozenxid)) as \"transaction-age\", max(mxid_age(datminmxid)) as \"multixact-age\"
                 from pg_database) x,
           lateral (select x.\"transaction-age\", x.\"multixact-age\", sum(deadlocks) as deadlocks,
               sum(temp_bytes) as \"temporary-bytes\",
               sum(blks_hit + blks_read) as \"cache-requests\",
               sum(blks_hit)::float8 / nullif(sum(blks_hit + blks_read), 0) as \"cache-hits\"
             from pg_stat_database) d,
           lateral (select coalesce(max(age(backend_xmin)), 0) as \"oldest-snapshot-age\",
               coalesce(floor(extract(epoch from max(clock_timestamp() - xact_start)) * 1000), 0)::bigint
                 as \"longest-transaction\"
             from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend') a"
    )
}

pub(super) fn look(ask: &ProbeContext<'_>, One { target }: One) -> Result<Looked, Refusal> {
    let server = Server::of(ask.reach, &target)?;
    let rows = server.rows(limit(ask)?, &statement())?;
    let invalid = || Refusal::Unavailable(format!("target `{target}`: an invalid reply"));
    let row = rows.first().ok_or_else(invalid)?;
    read(&target, row).map_err(|BadRow| invalid())
}

fn read(target: &str, row: &Row) -> Result<Looked, BadRow> {
    let mut numbers = Vec::new();
    if let Some(hits) = row.maybe::<f64>(HITS)?.filter(|hits| hits.is_finite()) {
        numbers.push(Measure { name: HITS.into(), value: Value::Number(hits), unit: Unit::Ratio });
    }
    for (name, unit) in NUMBERS {
        if let Some(number) = row.maybe::<i64>(name)? {
            numbers.push(Measure::count(name, u64::try_from(number).unwrap_or(0), unit));
        }
    }
    Ok(Looked {
        about: names::target(target),
        engine: crate::postgresql::KIND.into(),
        version: shown(&row.text("version")?),
        started: row.instant("started")?.ok_or(BadRow)?,
        replica: row.flag("replica")?,
        connections: row.number("connections")?,
        most_connections: row.number("most")?,
        reserved: row.number("reserved")?,
        numbers,
    })
}
