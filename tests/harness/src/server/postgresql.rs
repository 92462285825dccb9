//! A PostgreSQL server with an empty cluster of its own.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use super::packages::open_to_all;
use super::{Packages, free_port, packages};
use crate::command::Ran;
use crate::daemon::Daemon;

const READY_LIMIT: Duration = Duration::from_secs(30);
const END_LIMIT: Duration = Duration::from_secs(20);
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
pub struct Postgresql {
    daemon: Option<Daemon>,
    packages: Packages,
    directory: TempDir,
    port: u16,
    settings: Vec<String>,
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
        // Short: the path of a socket has at most 107 bytes.
        let directory = tempfile::Builder::new().prefix("ansai-pg-").tempdir().expect("a directory for the cluster");
        open_to_all(directory.path());
        packages.give_to_nobody(directory.path());
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        Some(Self { daemon: None, packages, directory, port: free_port(), settings })
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
            .arg(self.directory.path())
            .args(settings.flat_map(|setting| ["-c", setting]))
            .spawn();
        daemon.wait_for_line("ready to accept", READY_LIMIT);
        self.daemon = Some(daemon);
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the socket `.s.PGSQL.PORT`.
    pub fn socket_directory(&self) -> &Path {
        self.directory.path()
    }

    /// The directory of the cluster.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Its packages, for `pg_dump` and other programs.
    pub fn packages(&self) -> &Packages {
        &self.packages
    }

    /// The id of its first process.
    ///
    /// # Panics
    /// If it is stopped.
    pub fn pid(&self) -> u32 {
        self.daemon.as_ref().expect("it runs").pid
    }

    /// Its output so far.
    pub fn transcript(&self) -> String {
        self.daemon.as_ref().map(Daemon::transcript).unwrap_or_default()
    }

    /// Runs statements with psql as the superuser, and returns the rows: columns are separated by `|`.
    ///
    /// # Panics
    /// If one of them fails.
    #[track_caller]
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let ran = self.psql(database, statements);
        ran.expect_code(0);
        ran.stdout.trim_end_matches('\n').to_owned()
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
            .arg(self.directory.path())
            .args(["-p", &self.port.to_string(), "-d", database, "-c", statements])
    }

    /// Waits until a statement returns `expected`.
    ///
    /// # Panics
    /// With the last answer, if it does not within 30 s.
    #[track_caller]
    pub fn wait_for(&self, database: &str, statement: &str, expected: &str) {
        let end = Instant::now() + READY_LIMIT;
        loop {
            let answer = self.sql(database, statement);
            if answer == expected {
                return;
            }
            assert!(Instant::now() < end, "{statement}\nreturned {answer}\ninstead of {expected}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it: clients are disconnected.
    ///
    /// # Panics
    /// With its output, if it does not end.
    #[track_caller]
    pub fn stop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.signal(Signal::INT);
            daemon.wait(END_LIMIT);
        }
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
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
