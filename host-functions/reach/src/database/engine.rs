//! What every engine of databases answers, and which of them answers for a target.

use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::host::ProbeContext;
use ansai_kit::target::{Reach, TargetAccess};
use serde::{Deserialize, Serialize};

use super::indexes::Index;
use super::look::Looked;
use super::page::Page;
use super::postgresql::Postgresql;
use super::replicas::Replica;
use super::seen::Seen;
use super::sessions::Session;
use super::signal::{Signal, Targeted};
use super::text::{SessionText, Statements};
use super::{List, One, session};
use crate::mysql::{self, Mysql};
use crate::postgresql;

/// An engine.
pub(crate) trait Engine {
    fn look(&self, ask: &ProbeContext<'_>, one: One) -> Result<Looked, Refusal>;
    fn list_sessions(&self, ask: &ProbeContext<'_>, list: List) -> Result<Page<Session>, Refusal>;
    fn list_replicas(&self, ask: &ProbeContext<'_>, list: List) -> Result<Page<Replica>, Refusal>;
    fn list_indexes(&self, ask: &ProbeContext<'_>, list: List) -> Result<Page<Index>, Refusal>;
    fn list_statements(&self, ask: &ProbeContext<'_>, one: One) -> Result<Statements, Refusal>;
    fn look_at_session(&self, ask: &ProbeContext<'_>, target: &str, id: Identity) -> Result<SessionText, Refusal>;
    /// Reads the identity of a session, as the list has it.
    fn identity(&self, session: &str) -> Result<Identity, Refusal>;
    /// A session that an action is about.
    fn session(&self, reach: &Reach, target: &str, identity: Identity) -> Result<Box<dyn Control>, Refusal>;
}

/// Identifies a session in its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Identity {
    Postgresql(session::Identity),
    Mysql(mysql::Identity),
}

impl Identity {
    /// The id of its process or connection.
    pub(crate) fn number(&self) -> u64 {
        match self {
            Identity::Postgresql(identity) => u64::try_from(identity.pid).unwrap_or(0),
            Identity::Mysql(identity) => identity.id,
        }
    }
}

/// A session of a step.
pub(crate) trait Control {
    fn target(&self) -> &TargetAccess;
    /// The session in its transaction, as it is now.
    ///
    /// # Errors
    /// `changed` if it ended.
    fn seen(&self, limit: Duration) -> Result<Seen, Refusal>;
    /// Sends the signal if the session is still the one that was previewed, and may be ended. Whether it was sent.
    ///
    /// # Errors
    /// After `timed-out`, nobody knows.
    fn send(&self, limit: Duration, signal: Signal, what: &Targeted, min_minutes: u64) -> Result<bool, Refusal>;
    /// Whether the session has done what it was told.
    fn is_over(&self, limit: Duration, signal: Signal) -> Result<bool, Refusal>;
}

/// The engine of a target of the instance.
///
/// # Errors
/// The instance may not use the target, or it is no database.
pub(super) fn of(reach: &Reach, name: &str) -> Result<&'static dyn Engine, Refusal> {
    match reach.target(name)?.target.kind.as_str() {
        postgresql::KIND => Ok(&Postgresql),
        mysql::KIND => Ok(&Mysql),
        _ => Err(Refusal::Unsupported(format!("target `{name}` is not a database"))),
    }
}

pub(super) fn look(ask: &ProbeContext<'_>, one: One) -> Result<Looked, Refusal> {
    of(ask.reach, &one.target)?.look(ask, one)
}

pub(super) fn list_sessions(ask: &ProbeContext<'_>, list: List) -> Result<Page<Session>, Refusal> {
    of(ask.reach, &list.target)?.list_sessions(ask, list)
}

pub(super) fn list_replicas(ask: &ProbeContext<'_>, list: List) -> Result<Page<Replica>, Refusal> {
    of(ask.reach, &list.target)?.list_replicas(ask, list)
}

pub(super) fn list_indexes(ask: &ProbeContext<'_>, list: List) -> Result<Page<Index>, Refusal> {
    of(ask.reach, &list.target)?.list_indexes(ask, list)
}
