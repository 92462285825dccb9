//! A MariaDB server with a database.

use ansai_harness::server::Mariadb;
use ansai_kit::target::TargetAccess;

use crate::database::{statements_of, target_of};

pub(crate) use crate::database::proposal::Proposal;
pub(crate) use crate::database::{DATABASE, SESSIONS, ask, look, reach};

/// The kind of its targets.
pub(crate) const KIND: &str = "mysql";
/// Actions look whether there is room on the file system of the data.
pub(crate) const HOST: &str = "/";
pub(crate) const TABLES: &str = "ansai:mysql/mysql-probe";
pub(crate) const ACTIONS: &str = "ansai:mysql/mysql-actions";

/// The page that says how to make the user of ansai.
pub(crate) const PAGE: &str = include_str!("../../../../runtime/docs/mysql.md");

pub(crate) type Scene = crate::database::Scene<Mariadb>;

/// A target at an address, used as the user of ansai.
pub(crate) fn target(name: &str, address: &str) -> TargetAccess {
    target_of(name, address, "mariadb.service", "/tmp")
}

impl Scene {
    /// `None` if there is no server: then the test returns.
    pub(crate) fn new() -> Option<Scene> {
        Scene::with(&[])
    }

    pub(crate) fn with(settings: &[&str]) -> Option<Scene> {
        let server = Mariadb::start_with(settings)?;
        server.sql("create user app; create database app; grant all on app.* to app");
        // As the page says, without the password, which tests of it set.
        server.sql(&statements_of(PAGE).replace("identified by 'PASSWORD'", ""));
        let reach = reach([target("db", &address(&server))]);
        Some(Scene { server, reach })
    }

    /// Runs statements in the database, as its owner.
    pub(crate) fn app(&self, statements: &str) -> String {
        let ran = self.server.client("app").args(["app", "-e", statements]).run();
        ran.expect_code(0);
        ran.stdout.trim_end_matches('\n').to_owned()
    }
}

pub(crate) fn address(server: &Mariadb) -> String {
    format!("mysql://127.0.0.1:{}/app", server.port())
}
