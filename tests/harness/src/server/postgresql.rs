//! A PostgreSQL server with an empty cluster of its own.

use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use super::database::{DatabaseServer, END_LIMIT, READY_LIMIT, rows, wait_for};
use super::packages;
use super::packages::open_to_all;
use crate::command::Ran;
use crate::daemon::Daemon;

/// Small, without disk flushes, and without anything outside of its directory.
const SETTINGS: [&str; 8] = [
    "fsync=off",
    "shared_buffers=16MB",
    "dynamic_shared_memory_type=mmap",
    "max_connections=20",
    "autovacuum=off",
    "wal_level=replica",
    "listen_addresses=127.0.0.1",
    "max_wal_size=64MB",
];

/// A running server. Its superuser is `postgres`, and needs no password on the socket and on loopback. Dropping this stops it
/// and removes the cluster.
pub struct Postgresql(DatabaseServer);

impl Deref for Postgresql {
    type Target = DatabaseServer;

    fn deref(&self) -> &DatabaseServer {
        &self.0
    }
}

impl Postgresql {
    /// Starts a server without autovacuum. `None` if that is impossible: then the reason was printed, and the test returns.
    ///
    /// # Panics
    /// With its output, if it does not start.
    #[must_use]
    #[track_caller]
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same with more settings: `["max_prepared_transactions=4"]`.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    #[track_caller]
    pub fn start_with(settings: &[&str]) -> Option<Self> {
        let server = Self::new(settings)?;
        let data = server.data();
        let made = server
            .packages
            .program_as_nobody("initdb")
            .args(["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D"])
            .arg(&data)
            .run();
        made.expect_code(0);
        Some(server.run())
    }

    /// Starts a standby that copies this server and follows it.
    ///
    /// # Panics
    /// With the output, if one of its programs fails.
    #[track_caller]
    pub fn standby(&self, settings: &[&str]) -> Self {
        let standby = Self::new(settings).expect("the packages are unpacked already");
        let copied = standby
            .packages
            .program_as_nobody("pg_basebackup")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres", "-R", "--no-sync", "-c", "fast"])
            .args(["-X", "stream", "-D"])
            .arg(standby.data())
            .run();
        copied.expect_code(0);
        standby.run()
    }

    fn new(settings: &[&str]) -> Option<Self> {
        let packages = packages(&["postgresql-15", "postgresql-client-15"])?;
        let server = DatabaseServer::new(packages, "ansai-pg-", settings);
        open_to_all(server.directory());
        server.packages.give_to_nobody(server.directory());
        Some(Self(server))
    }

    #[track_caller]
    fn run(mut self) -> Self {
        self.start_again();
        self
    }

    /// Starts it again on the same port, after [`stop`](Self::stop).
    ///
    /// # Panics
    /// With its output, if it does not start.
    #[track_caller]
    pub fn start_again(&mut self) {
        let settings = SETTINGS.iter().copied().chain(self.settings.iter().map(String::as_str));
        let daemon = self
            .packages
            .program_as_nobody("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-k"])
            .arg(self.directory())
            .args(settings.flat_map(|setting| ["-c", setting]))
            .spawn();
        self.0.runs(daemon, "ready to accept");
    }

    /// The directory of the socket `.s.PGSQL.PORT`.
    pub fn socket_directory(&self) -> &Path {
        self.directory()
    }

    /// Runs statements with psql as the superuser, and returns the rows: columns are separated by `|`.
    ///
    /// # Panics
    /// If one of them fails.
    #[track_caller]
    pub fn sql(&self, database: &str, statements: &str) -> String {
        rows(&self.psql(database, statements))
    }

    /// The same for statements that may fail.
    pub fn psql(&self, database: &str, statements: &str) -> Ran {
        self.client(database, statements).run()
    }

    /// Runs statements in a session that stays: it sleeps after them until this is dropped, and prints `open` before that.
    /// `begin; …` leaves a transaction open and idle.
    ///
    /// # Panics
    /// If it does not get that far.
    #[track_caller]
    pub fn session(&self, database: &str, application: &str, statements: &str) -> Daemon {
        // psql waits in its own process, so the session of the server is idle.
        let client = self
            .client(database, statements)
            .env("PGAPPNAME", application)
            .args(["-c", r"\! echo open", "-c", r"\! exec sleep 600"])
            .spawn();
        client.wait_for_line("open", READY_LIMIT);
        client
    }

    /// psql with these statements, before it runs.
    pub fn client(&self, database: &str, statements: &str) -> crate::Invocation {
        self.packages
            .program("psql")
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"])
            .arg(self.directory())
            .args(["-p", &self.port.to_string(), "-d", database, "-c", statements])
    }

    /// Waits until a statement returns `expected`.
    ///
    /// # Panics
    /// With the last answer, if it does not within 30 s.
    #[track_caller]
    pub fn wait_for(&self, database: &str, statement: &str, expected: &str) {
        wait_for(statement, expected, Duration::from_millis(20), || self.sql(database, statement));
    }

    /// Stops it: clients are disconnected.
    ///
    /// # Panics
    /// With its output, if it does not end.
    #[track_caller]
    pub fn stop(&mut self) {
        self.0.end(Signal::INT);
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        let Some(mut daemon) = self.0.daemon.take() else { return };
        if daemon.has_ended() {
            return;
        }
        // Its processes have sessions of their own, and it ends them even if they are stopped by a signal.
        daemon.signal(Signal::QUIT);
        if daemon.finished(END_LIMIT).is_none() {
            eprintln!("PostgreSQL was killed\n{}", daemon.transcript());
        }
    }
}
