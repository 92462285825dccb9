//! A session of PostgreSQL: which one it is, and for whom it works.

use ansai_core::Refusal;
use serde::{Deserialize, Serialize};

use crate::postgresql::client::APPLICATION;

/// Identifies a session in its transaction. A process id is used again; together with the instants it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Identity {
    pub(super) pid: i32,
    /// When the process began, in microseconds since 1970.
    pub(super) began: i64,
    /// When its transaction began; `None` without a transaction.
    pub(super) transaction: Option<i64>,
}

impl Identity {
    /// `4711/1764422112345678/1764422200000000`.
    pub(super) fn parse(text: &str) -> Result<Identity, Refusal> {
        let read = || {
            let mut parts = text.split('/');
            let (pid, began, transaction) = (parts.next()?, parts.next()?, parts.next()?);
            let transaction = if transaction == "-" { None } else { Some(transaction.parse().ok()?) };
            let identity = Identity { pid: pid.parse().ok()?, began: began.parse().ok()?, transaction };
            (parts.next().is_none() && identity.pid > 0).then_some(identity)
        };
        read().ok_or_else(|| Refusal::Invalid("`session` is not the identity of a session".into()))
    }

    /// The identity of a row `a` of `pg_stat_activity`, as an expression.
    pub(super) fn expression(alias: &str) -> String {
        let (began, transaction) = (micros(&format!("{alias}.backend_start")), micros(&format!("{alias}.xact_start")));
        format!("{alias}.pid || '/' || {began} || '/' || coalesce({transaction}::text, '-')")
    }

    /// The condition that a row `a` is this session in this transaction.
    pub(super) fn condition(&self) -> String {
        let transaction = match self.transaction {
            Some(transaction) => format!("{} = {transaction}", micros("a.xact_start")),
            None => "a.xact_start is null".into(),
        };
        format!("a.pid = {} and {} = {} and {transaction}", self.pid, micros("a.backend_start"), self.began)
    }

    /// The condition that a row `a` is this session, in any transaction.
    pub(super) fn same_session(&self) -> String {
        format!("a.pid = {} and {} = {}", self.pid, micros("a.backend_start"), self.began)
    }
}

/// Exact up to PostgreSQL 13, too, which computes with floating-point numbers here.
fn micros(expression: &str) -> String {
    format!("round(extract(epoch from {expression}) * 1000000)::bigint")
}

/// The kind of work of a row `a` of `pg_stat_activity`, as an expression. Programs that copy data are known by the names that
/// they give themselves, and by what they do. A statement that ansai may not see makes a session `other`. The server shows the
/// first 1,024 bytes of a statement, and comments may precede it: so it is a dump unless it says that it is none. A `LOCK` whose
/// whole text names no mode excludes everybody, which no dump does.
pub(super) fn work() -> String {
    // Whole characters are cut off, so a text may be a few bytes shorter than the limit.
    let is_cut = "octet_length(a.query) >= coalesce((select setting::int from pg_settings
                   where name = 'track_activity_query_size'), 0) - 4";
    format!(
        "case when a.backend_type = 'walsender' then 'replica'
           when a.backend_type not in ('client backend', 'parallel worker') then 'maintenance'
           when a.application_name = '{APPLICATION}' or a.pid in (
             select pid from pg_stat_progress_vacuum union all select pid from pg_stat_progress_create_index
             union all select pid from pg_stat_progress_cluster union all select pid from pg_stat_progress_analyze)
             or a.query ~* '(^|;|\\*/|\\n)\\s*(vacuum|analyze|reindex|cluster|create\\s+(unique\\s+)?index|refresh)\\M' then 'maintenance'
           when a.application_name ~ '^(pg_dump|pg_dumpall|pg_basebackup|pgbackrest|barman|wal-g|pg_probackup)'
             or (a.query ~* '(^|;|\\*/|\\n)\\s*copy\\M' and a.query !~* '\\mfrom\\s+stdin\\M')
             or (a.query ~* '(^|;|\\*/|\\n)\\s*lock\\M' and (a.query ~* '\\maccess\\s+share\\M'
               or (a.query !~* '\\min\\s+(row|share|exclusive|access\\s+exclusive)\\M'
                 and (a.query ~ '/\\*|--' or {is_cut})))) then 'dump'
           when a.query is null or a.query = '<insufficient privilege>' or a.usesysid is null then 'other'
           when a.backend_type = 'client backend' then 'client' else 'other' end"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_identity_is_numbers_only() {
        let whole = Identity { pid: 12, began: 34, transaction: Some(56) };
        assert_eq!(Identity::parse("12/34/56").unwrap(), whole);
        assert_eq!(Identity::parse("12/34/-").unwrap(), Identity { transaction: None, ..whole });
        for bad in ["", "12", "12/34", "12/34/", "12/34/56/7", "0/1/-", "-1/1/-", "1 or true/2/-", "1/2/- or true", "0"]
        {
            assert!(matches!(Identity::parse(bad), Err(Refusal::Invalid(_))), "{bad}");
        }
    }
}
