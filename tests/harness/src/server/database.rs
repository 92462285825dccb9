//! What the servers of databases have in common.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{Packages, free_port};
use crate::command::Ran;
use crate::daemon::Daemon;

/// How long a server may take to be ready, and a statement to return what is expected.
pub(super) const READY_LIMIT: Duration = Duration::from_secs(30);
/// How long a server may take to end.
pub(super) const END_LIMIT: Duration = Duration::from_secs(20);

/// A server with an empty directory of data: what [`Mariadb`](super::Mariadb) and [`Postgresql`](super::Postgresql) both
/// have.
pub struct DatabaseServer {
    pub(super) daemon: Option<Daemon>,
    pub(super) packages: Packages,
    directory: TempDir,
    pub(super) port: u16,
    pub(super) settings: Vec<String>,
}

impl DatabaseServer {
    /// One that does not run yet.
    pub(super) fn new(packages: Packages, prefix: &str, settings: &[&str]) -> Self {
        // Short: the path of a socket has at most 107 bytes.
        let directory = tempfile::Builder::new().prefix(prefix).tempdir().expect("a directory for the data");
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        Self { daemon: None, packages, directory, port: free_port(), settings }
    }

    /// Keeps its process, once that says that it is ready.
    #[track_caller]
    pub(super) fn runs(&mut self, daemon: Daemon, ready: &str) {
        daemon.wait_for_line(ready, READY_LIMIT);
        self.daemon = Some(daemon);
    }

    /// Ends it with the signal that disconnects clients.
    #[track_caller]
    pub(super) fn end(&mut self, signal: Signal) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.signal(signal);
            daemon.wait(END_LIMIT);
        }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of its socket, and of its data.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The directory of its data.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Its packages, for programs that make copies and the like.
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
}

/// What a client printed, which must have succeeded.
#[track_caller]
pub(super) fn rows(ran: &Ran) -> String {
    ran.expect_code(0);
    ran.stdout.trim_end_matches('\n').to_owned()
}

/// Asks until a statement returns `expected`, with a pause after each answer.
#[track_caller]
pub(super) fn wait_for(statement: &str, expected: &str, pause: Duration, ask: impl Fn() -> String) {
    let end = Instant::now() + READY_LIMIT;
    loop {
        let answer = ask();
        if answer == expected {
            return;
        }
        assert!(Instant::now() < end, "{statement}\nreturned {answer}\ninstead of {expected}");
        std::thread::sleep(pause);
    }
}
