//! A MariaDB server with an empty directory of data.

use std::fmt::Write as _;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use super::database::{DatabaseServer, END_LIMIT, READY_LIMIT, rows, wait_for};
use super::packages;
use crate::command::{Invocation, Ran};
use crate::daemon::Daemon;

/// What makes the tables of the server itself, in this order.
const SYSTEM: [&str; 3] = ["mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"];
/// Small, and without waiting for disks.
const SETTINGS: [&str; 6] = [
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--bind-address=127.0.0.1",
    "--max-connections=40",
];

/// A running server. Its superuser is `root`, and needs no password on the socket and on loopback. Dropping this stops it and
/// removes the data.
pub struct Mariadb(DatabaseServer);

impl Deref for Mariadb {
    type Target = DatabaseServer;

    fn deref(&self) -> &DatabaseServer {
        &self.0
    }
}

impl Mariadb {
    /// Starts a server. `None` if that is impossible: then the reason was printed, and the test returns.
    ///
    /// # Panics
    /// With its output, if it does not start.
    #[must_use]
    #[track_caller]
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same with more settings: `["--log-bin", "--server-id=2"]`.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    #[track_caller]
    pub fn start_with(settings: &[&str]) -> Option<Self> {
        let packages = packages(&["mariadb-server-core", "mariadb-server", "mariadb-client-core"])?;
        let mut server = Self(DatabaseServer::new(packages, "ansai-my-", settings));
        server.make();
        server.start_again();
        Some(server)
    }

    /// Makes the tables of the server, as `mariadb-install-db` does where it is installed.
    #[track_caller]
    fn make(&self) {
        std::fs::create_dir(self.data()).expect("a directory of our own");
        let mut statements = String::from("create database mysql;\nuse mysql;\nset @auth_root_socket=NULL;\n");
        for file in SYSTEM {
            let path = self.packages.file("usr/share/mysql").join(file);
            statements += &std::fs::read_to_string(path).expect("a file of the package");
            let _ = writeln!(statements);
        }
        let file = self.directory().join("system.sql");
        std::fs::write(&file, statements).expect("a directory of our own");
        let read = "exec \"$@\" < \"$0\"";
        self.server().arg("--bootstrap").under("bash", ["-c", read], file).run().expect_code(0);
    }

    fn server(&self) -> Invocation {
        let share = self.packages.file("usr/share/mysql");
        let options = [
            ("datadir", self.data()),
            ("lc-messages-dir", share.clone()),
            ("character-sets-dir", share.join("charsets")),
            ("socket", self.socket()),
            ("tmpdir", self.directory().to_owned()),
            ("pid-file", self.directory().join("pid")),
            ("plugin-dir", self.packages.file("usr/lib/mysql/plugin")),
        ];
        let invocation = self.packages.program("mariadbd").args(["--no-defaults", "--user=root"]);
        invocation.args(options.iter().map(|(name, path)| format!("--{name}={}", path.display()))).args(SETTINGS)
    }

    /// Starts it again on the same port, after [`stop`](Self::stop).
    ///
    /// # Panics
    /// With its output, if it does not start.
    #[track_caller]
    pub fn start_again(&mut self) {
        let daemon = self.server().arg(format!("--port={}", self.port)).args(&self.settings).spawn();
        self.0.runs(daemon, "ready for connections");
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.directory().join("mysqld.sock")
    }

    /// Runs statements as the superuser, and returns the rows: columns are separated by tabs.
    ///
    /// # Panics
    /// If one of them fails.
    #[track_caller]
    pub fn sql(&self, statements: &str) -> String {
        rows(&self.try_sql(statements))
    }

    /// The same for statements that may fail.
    pub fn try_sql(&self, statements: &str) -> Ran {
        self.client("root").args(["-e", statements]).run()
    }

    /// The client as a user, without statements; they follow `-e`.
    pub fn client(&self, user: &str) -> Invocation {
        let socket = format!("--socket={}", self.socket().display());
        self.packages
            .program("mariadb")
            .args(["--no-defaults", "-N", "--raw", "--unbuffered"])
            .arg(socket)
            .args(["-u", user])
    }

    /// Runs statements in a session that stays open and idle until this is dropped, once they are done.
    ///
    /// # Panics
    /// If it does not get that far.
    #[track_caller]
    pub fn session(&self, user: &str, statements: &str) -> Daemon {
        let client =
            self.client(user).args(["-e", &format!("{statements};\nselect 'open';\n\\! exec sleep 600")]).spawn();
        client.wait_for_line("open", READY_LIMIT);
        client
    }

    /// Waits until a statement returns `expected`.
    ///
    /// # Panics
    /// With the last answer, if it does not within 30 s.
    #[track_caller]
    pub fn wait_for(&self, statement: &str, expected: &str) {
        // Its views of transactions are made anew only when nobody has read them for 100 ms.
        wait_for(statement, expected, Duration::from_millis(120), || self.sql(statement));
    }

    /// Stops it: clients are disconnected.
    ///
    /// # Panics
    /// With its output, if it does not end.
    #[track_caller]
    pub fn stop(&mut self) {
        self.0.end(Signal::TERM);
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        let Some(mut daemon) = self.0.daemon.take() else { return };
        // Its data are removed: there is nothing to save.
        daemon.signal(Signal::KILL);
        let _ = daemon.finished(END_LIMIT);
    }
}
