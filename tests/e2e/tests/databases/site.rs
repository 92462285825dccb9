//! A PostgreSQL server with the role of the documentation, sessions that stay, and one run of ansai.

use std::path::Path;
use std::time::Duration;

use ansai_harness::server::{Postgresql, free_port, packages};
use ansai_harness::{Ansai, Daemon, Invocation, Ran, binary, scene};

/// The page that says how to make the role of ansai.
const PAGE: &str = include_str!("../../../../runtime/docs/postgresql.md");
const LIMIT: Duration = Duration::from_secs(120);
/// Not the password of any role.
pub(super) const SECRET: &str = "b7Xq-not-a-password";

pub(super) struct Site {
    pub(super) server: Postgresql,
    place: tempfile::TempDir,
}

impl Site {
    /// `None` if there is no server: then the test returns.
    pub(super) fn start(settings: &[&str]) -> Option<Site> {
        let server = Postgresql::start_with(settings)?;
        server.sql("postgres", "create role app login");
        server.sql("postgres", "create database app owner app");
        let role = PAGE.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next());
        server.sql("app", role.expect("the page has statements"));
        Some(Site { server, place: tempfile::tempdir().unwrap() })
    }

    pub(super) fn place(&self) -> &Path {
        self.place.path()
    }

    /// Runs statements as the role that owns the tables.
    pub(super) fn app(&self, statements: &str) -> String {
        self.server.sql("app", &format!("set role app; {statements}"))
    }

    /// A client that runs these statements and then stays connected.
    pub(super) fn session(&self, user: &str, application: &str, statements: &str) -> Daemon {
        let client = self
            .server
            .client("app", statements)
            .args(["-U", user, "-c", r"\! echo open", "-c", r"\! exec sleep 600"])
            .env("PGAPPNAME", application)
            .spawn();
        client.wait_for_line("open", LIMIT);
        client
    }

    /// A client whose statements end with one that takes long, or that waits.
    pub(super) fn busy(&self, application: &str, statements: &str) -> Daemon {
        let client = self.server.client("app", statements).args(["-U", "app"]).env("PGAPPNAME", application).spawn();
        self.server.wait_for("app", &self.of(application, "count(*) filter (where state = 'active')"), "1");
        client
    }

    /// A statement about the sessions of an application.
    pub(super) fn of(&self, application: &str, what: &str) -> String {
        format!("select {what} from pg_stat_activity where application_name = '{application}'")
    }

    /// The key of the finding about the only session of an application.
    pub(super) fn key(&self, target: &str, application: &str) -> String {
        let micros = |column: &str| format!("round(extract(epoch from {column}) * 1000000)::bigint");
        let identity = format!("pid || '/' || {} || '/' || {}", micros("backend_start"), micros("xact_start"));
        format!("session:{target}/{}", self.server.sql("app", &self.of(application, &identity)))
    }

    /// pgbouncer in front of the server, and its port.
    pub(super) fn pooler(&self) -> Option<(Daemon, u16)> {
        let programs = packages(&["pgbouncer"])?;
        let (directory, port) = (self.server.socket_directory(), free_port());
        let users = directory.join("users");
        std::fs::write(&users, "\"ansai\" \"\"\n").unwrap();
        let configuration = directory.join("pgbouncer.ini");
        let text = format!(
            "[databases]\napp = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\n",
            self.server.port(),
            users.display()
        );
        std::fs::write(&configuration, text).unwrap();
        let pooler = programs.program_as_nobody("pgbouncer").arg(&configuration).spawn();
        pooler.wait_for_line("listening on", LIMIT);
        Some((pooler, port))
    }

    /// One run in the mode `enforce`. `targets` are names, users and ports; the first one is what steps are granted for.
    pub(super) fn once(&self, targets: &[(&str, &str, u16)]) -> Ran {
        self.invocation(targets).run()
    }

    /// The same run, before it begins.
    pub(super) fn invocation(&self, targets: &[(&str, &str, u16)]) -> Invocation {
        let config = self.place().join("ansai.toml");
        std::fs::write(&config, self.ansai_toml(targets)).unwrap();
        scene::permit(&config, 0o600);
        Ansai::new().args(["run", "--once", "--format", "json", "--config"]).arg(config).limit(LIMIT)
    }

    fn ansai_toml(&self, targets: &[(&str, &str, u16)]) -> String {
        let secret = self.place().join("secret");
        std::fs::write(&secret, SECRET).unwrap();
        scene::permit(&secret, 0o600);
        let target = |(name, user, port): &(&str, &str, u16)| {
            format!(
                "[target.{name}]\nkind = \"postgresql\"\naddress = \"postgresql://127.0.0.1:{port}/app\"\nuser = {user:?}\n\
                 secret = {{ file = {secret:?} }}\n[policy.database-health.target.{name}]\n"
            )
        };
        let all: String = targets.iter().map(target).collect();
        let names: Vec<&str> = targets.iter().map(|(name, ..)| *name).collect();
        let first = &names[..1];
        let policy = binary::policy("database-health");
        format!(
            r#"{all}[daemon]
state_dir = "{state}"
mode = "enforce"
[policy.database-health]
source = {source:?}
[policy.database-health.attempts]
verify_within = "1s"
[policy.database-health.settings]
connections = {{ warning = 30, critical = 99 }}
blocked = {{ warning = "1s", critical = "1h" }}
idle_in_transaction = {{ warning = "1s", critical = "1h" }}
retained = {{ warning = "1MiB" }}
wraparound = {{ warning = 0, critical = 99, emergency = 99.9 }}
tables_every = "1s"
[policy.database-health.grant]
"ansai:database/database-probe" = {{ targets = {names:?} }}
"ansai:postgresql/postgresql-probe" = {{ targets = {names:?} }}
"ansai:postgresql/postgresql-actions" = {{ targets = {first:?}, databases = ["app"] }}
[policy.database-health.grant."ansai:database/database-session-actions"]
targets = {first:?}
users = ["*"]
applications = ["*"]
min_minutes = 0
"#,
            state = self.place().join("state").display(),
            source = policy.parent().unwrap(),
        )
    }
}
