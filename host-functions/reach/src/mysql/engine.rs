//! MySQL and MariaDB behind `ansai:database`.

use ansai_core::Refusal;
use ansai_kit::host::ProbeContext;
use ansai_kit::target::Reach;

use super::client::Server;
use super::session::Identity;
use super::{control, look, replicas, sessions, statements};
use crate::database::engine::{self, Control, Engine};
use crate::database::indexes::Index;
use crate::database::look::Looked;
use crate::database::page::Page;
use crate::database::replicas::Replica;
use crate::database::sessions::Session;
use crate::database::text::{SessionText, Statements};
use crate::database::{List, One};

pub(crate) struct Mysql;

impl Engine for Mysql {
    fn look(&self, ask: &ProbeContext<'_>, one: One) -> Result<Looked, Refusal> {
        look::look(ask, &one.target)
    }

    fn list_sessions(&self, ask: &ProbeContext<'_>, list: List) -> Result<Page<Session>, Refusal> {
        sessions::list_sessions(ask, list)
    }

    fn list_replicas(&self, ask: &ProbeContext<'_>, list: List) -> Result<Page<Replica>, Refusal> {
        replicas::list_replicas(ask, list)
    }

    fn list_indexes(&self, _ask: &ProbeContext<'_>, List { target, .. }: List) -> Result<Page<Index>, Refusal> {
        Err(Refusal::Unsupported(format!("target `{target}`: MySQL and MariaDB have no invalid indexes to list")))
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
        let engine::Identity::Mysql(id) = id else {
            return Err(Refusal::Invalid("`session` is not the identity of a session".into()));
        };
        statements::look_at_session(ask, target, id)
    }

    fn identity(&self, session: &str) -> Result<engine::Identity, Refusal> {
        Identity::parse(session).map(engine::Identity::Mysql)
    }

    fn session(&self, reach: &Reach, target: &str, identity: engine::Identity) -> Result<Box<dyn Control>, Refusal> {
        let engine::Identity::Mysql(identity) = identity else {
            return Err(Refusal::Changed(format!("target `{target}` has another engine now")));
        };
        Ok(Box::new(control::Session { server: Server::of(reach, target)?, identity }))
    }
}
