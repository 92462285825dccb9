//! A PostgreSQL server with a database.

use ansai_harness::Daemon;
use ansai_harness::server::Postgresql;
use ansai_kit::target::TargetAccess;

use crate::database::{statements_of, target_of};

pub(crate) use crate::database::proposal::Proposal;
pub(crate) use crate::database::{DATABASE, SESSIONS, ask, look, reach};

/// The kind of its targets.
pub(crate) const KIND: &str = "postgresql";
/// Nothing is read from the host.
pub(crate) const HOST: &str = "/none";
pub(crate) const TABLES: &str = "ansai:postgresql/postgresql-probe";
pub(crate) const ACTIONS: &str = "ansai:postgresql/postgresql-actions";

/// The page that says how to make the role of ansai.
const PAGE: &str = include_str!("../../../../runtime/docs/postgresql.md");

pub(crate) type Scene = crate::database::Scene<Postgresql>;

/// A target at an address, used as the role of ansai.
pub(crate) fn target(name: &str, address: &str) -> TargetAccess {
    target_of(name, address, "postgresql@15-main.service", "/srv")
}

impl Scene {
    /// `None` if there is no server: then the test returns.
    pub(crate) fn new() -> Option<Scene> {
        Scene::with(&[])
    }

    pub(crate) fn with(settings: &[&str]) -> Option<Scene> {
        let server = Postgresql::start_with(settings)?;
        server.sql("postgres", "create role app login");
        server.sql("postgres", "create database app owner app");
        server.sql("app", statements_of(PAGE));
        let reach = reach([target("db", &address(&server))]);
        Some(Scene { server, reach })
    }

    /// Runs statements as the role that owns the tables.
    pub(crate) fn app(&self, statements: &str) -> String {
        self.server.sql("app", &format!("set role app; {statements}"))
    }

    /// A client of a role, which has run statements that begin a transaction, and waits in it until this is dropped.
    pub(crate) fn idle_in_transaction(&self, role: &str, application: &str, statements: &str) -> Daemon {
        let client = self.server.client("app", statements).args(["-U", role, "-c", r"\! exec sleep 600"]);
        let client = client.env("PGAPPNAME", application).spawn();
        let state = format!("select state from pg_stat_activity where application_name = '{application}'");
        self.server.wait_for("app", &state, "idle in transaction");
        client
    }
}

pub(crate) fn address(server: &Postgresql) -> String {
    format!("postgresql://127.0.0.1:{}/app", server.port())
}
