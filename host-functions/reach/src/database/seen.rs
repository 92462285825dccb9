//! The session of a step as it is now, and whether it may be ended.

use std::time::Duration;

use ansai_core::{Refusal, Timestamp};

use super::fields::MIN_MINUTES;
use super::names::{millis, minutes_since};
use super::session::{Identity, work};
use super::signal::Signal;
use crate::postgresql::client::{BadRow, Row, Server};

/// A session as it is now.
pub(crate) struct Seen {
    pub(crate) user: String,
    pub(crate) application: String,
    pub(crate) database: String,
    pub(crate) state: String,
    pub(crate) work: String,
    pub(crate) is_privileged: bool,
    pub(crate) since: Timestamp,
    pub(crate) now: Timestamp,
}

impl Seen {
    /// The session in its transaction.
    pub(super) fn of(server: &Server, limit: Duration, identity: Identity) -> Result<Seen, Refusal> {
        let (since, now, work) =
            (millis("coalesce(a.xact_start, a.state_change)"), millis("clock_timestamp()"), work());
        let rows = server.rows(
            limit,
            &format!(
                "select coalesce(a.usename, '') as user, a.application_name as application,
                   coalesce(a.datname, '') as database, coalesce(a.state, '') as state, {work} as work,
                   coalesce(r.rolsuper or r.rolreplication, true) as privileged, {since} as since, {now} as now
                 from pg_stat_activity a left join pg_roles r on r.oid = a.usesysid where {}",
                identity.condition()
            ),
        )?;
        let gone = || Refusal::Changed(format!("session {} ended, or its transaction did", identity.pid));
        let row = rows.first().ok_or_else(gone)?;
        Seen::read(row).map_err(|BadRow| Refusal::Unavailable(format!("session {} cannot be examined", identity.pid)))
    }

    fn read(row: &Row) -> Result<Seen, BadRow> {
        Ok(Seen {
            user: row.text("user")?,
            application: row.text("application")?,
            database: row.text("database")?,
            state: row.text("state")?,
            work: row.text("work")?,
            is_privileged: row.flag("privileged")?,
            since: row.instant("since")?.ok_or(BadRow)?,
            now: row.instant("now")?.ok_or(BadRow)?,
        })
    }

    /// Refuses what no grant permits, and what is too young.
    pub(super) fn may_end(&self, signal: Signal, pid: u64, min_minutes: u64) -> Result<(), Refusal> {
        let denied = |why: String| Err(Refusal::Denied(format!("session {pid} {why}")));
        match self.work.as_str() {
            "client" => {}
            "replica" => return denied("sends changes to a replica".into()),
            "maintenance" => return denied("works for the server, or for ansai".into()),
            "dump" => return denied("copies data out".into()),
            _ => {
                return denied(
                    "cannot be examined: its role is privileged, or ansai lacks a privilege such as pg_monitor".into(),
                );
            }
        }
        if self.is_privileged {
            return denied("belongs to a superuser, or to a role for replication".into());
        }
        if signal == Signal::Cancel && self.state != "active" {
            return Err(Refusal::Unsupported(format!("session {pid} runs no statement: terminate it")));
        }
        match minutes_since(self.since, self.now) {
            age if age < min_minutes => {
                let field = MIN_MINUTES.field().name;
                denied(format!("is {age} min in its transaction or state; `{field}` of the grant is {min_minutes}"))
            }
            _ => Ok(()),
        }
    }
}
