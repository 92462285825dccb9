//! PostgreSQL behind `ansai:database`.

use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::host::ProbeContext;
use ansai_kit::target::{Reach, TargetAccess};

use super::engine::{self, Control, Engine};
use super::indexes::{self, Index};
use super::look::{self, Looked};
use super::page::Page;
use super::replicas::{self, Replica};
use super::seen::Seen;
use super::session::{Identity, work};
use super::sessions;
use super::signal::{Signal, Targeted};
use super::statements;
use super::text::{SessionText, Statements};
use super::{List, One};
use crate::postgresql::client::{Server, quote};

pub(super) struct Postgresql;

impl Engine for Postgresql {
    fn look(&self, ask: &ProbeContext<'_>, one: One) -> Result<Looked, Refusal> {
        look::look(ask, one)
    }

    fn list_sessions(&self, ask: &ProbeContext<'_>, list: List) -> Result<Page<sessions::Session>, Refusal> {
        sessions::list_sessions(ask, list)
    }

    fn list_replicas(&self, ask: &ProbeContext<'_>, list: List) -> Result<Page<Replica>, Refusal> {
        replicas::list_replicas(ask, list)
    }

    fn list_indexes(&self, ask: &ProbeContext<'_>, list: List) -> Result<Page<Index>, Refusal> {
        indexes::list_indexes(ask, list)
    }

    fn list_statements(&self, ask: &ProbeContext<'_>, one: One) -> Result<Statements, Refusal> {
        statements::list_statements(ask, one)
    }

    fn look_at_session(
        &self,
        ask: &ProbeContext<'_>,
        target: &str,
        id: engine::Identity,
    ) -> Result<SessionText, Refusal> {
        let engine::Identity::Postgresql(id) = id else {
            return Err(Refusal::Invalid("`session` is not the identity of a session".into()));
        };
        statements::look_at_session(ask, target, id)
    }

    fn identity(&self, session: &str) -> Result<engine::Identity, Refusal> {
        Identity::parse(session).map(engine::Identity::Postgresql)
    }

    fn session(&self, reach: &Reach, target: &str, identity: engine::Identity) -> Result<Box<dyn Control>, Refusal> {
        let engine::Identity::Postgresql(identity) = identity else {
            return Err(Refusal::Changed(format!("target `{target}` has another engine now")));
        };
        Ok(Box::new(Session { server: Server::of(reach, target)?, identity }))
    }
}

struct Session {
    server: Server,
    identity: Identity,
}

impl Control for Session {
    fn target(&self) -> &TargetAccess {
        self.server.target()
    }

    fn seen(&self, limit: Duration) -> Result<Seen, Refusal> {
        Seen::of(&self.server, limit, self.identity)
    }

    /// The same statement examines the session and signals it.
    fn send(&self, limit: Duration, signal: Signal, what: &Targeted, min_minutes: u64) -> Result<bool, Refusal> {
        let function = match signal {
            Signal::Cancel => "pg_cancel_backend",
            Signal::Terminate => "pg_terminate_backend",
        };
        let (work, condition) = (work(), self.identity.condition());
        let (user, application) = (quote::text(&what.user), quote::text(&what.application));
        let state = if signal == Signal::Cancel { "and a.state = 'active'" } else { "" };
        let statement = format!(
            "select {function}(a.pid) as sent from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
             where {condition} {state} and {work} = 'client' and not r.rolsuper and not r.rolreplication
               and a.usename = {user} and a.application_name = {application}
               and coalesce(a.xact_start, a.state_change) <= clock_timestamp() - interval '{min_minutes} minutes'"
        );
        let rows = self.server.change(limit, &statement)?;
        Ok(rows.first().and_then(|row| row.flag("sent").ok()) == Some(true))
    }

    fn is_over(&self, limit: Duration, signal: Signal) -> Result<bool, Refusal> {
        let same = match signal {
            Signal::Cancel => format!("{} and a.state = 'active'", self.identity.condition()),
            Signal::Terminate => self.identity.same_session(),
        };
        Ok(self.server.rows(limit, &format!("select a.pid from pg_stat_activity a where {same}"))?.is_empty())
    }
}
