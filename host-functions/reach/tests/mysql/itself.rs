//! MySQL itself, of which Debian has no package in a stable release: a server that is empty, and is there already.
//!
//! `ANSAI_TEST_MYSQL` is a directory with its socket `s.sock`, its port in the file `port`, and a program `client` that calls
//! `mysql` with this socket. Its user `root` needs no password.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ansai_core::{Outcome, Refusal, Scope};
use ansai_harness::{Daemon, Invocation, until};
use ansai_kit::evaluation_state::Label;
use ansai_kit::target::{Reach, TargetAccess};
use ansai_reach::database::MIN_MINUTES;
use ansai_reach::mysql::MAX_BYTES;
use serde_json::{Value, json};

use crate::database::proposal::Proposal;
use crate::database::secrets::secret;
use crate::database::{TEXTS, number};
use crate::scene::{ACTIONS, DATABASE, PAGE, SESSIONS, TABLES, ask, reach, target};

const PASSWORD: &str = "c0rrect-horse";
const LIMIT: Duration = Duration::from_secs(30);

struct MysqlServer(PathBuf);

impl MysqlServer {
    fn client(&self, user: &str, statements: &str) -> Invocation {
        Invocation::of(self.0.join("client")).args(["-N", "--force", "-u", user, "-e", statements])
    }

    fn sql(&self, statements: &str) -> String {
        let ran = self.client("root", statements).run();
        ran.expect_code(0);
        ran.stdout.trim_end().to_owned()
    }

    /// A client that runs statements and then stays, once `state` is 1.
    fn busy(&self, user: &str, statements: &str, state: &str) -> Daemon {
        // Its client may not run other programs, so it waits for the next statement.
        let client =
            Invocation::of("bash").args(["-c", r#"(echo "$2;"; exec sleep 600) | exec "$0" -N -u "$1" -D app"#]);
        let client = client.arg(self.0.join("client")).args([user, statements]).spawn();
        until(user, LIMIT, || Some(()).filter(|()| self.sql(state) == "1"));
        client
    }
}

fn list(reach: &Reach, interface: &str, function: &str) -> Vec<Value> {
    let page = ask(reach, LIMIT, interface, function, &json!({"target": "db", "cursor": null})).unwrap();
    page["entries"].as_array().unwrap().clone()
}

fn find(reach: &Reach, interface: &str, function: &str, field: &str, value: &str) -> Value {
    let all = list(reach, interface, function);
    let found = all.iter().find(|one| one[field] == value);
    found.unwrap_or_else(|| panic!("no {field} {value:?} in {all:#?}")).clone()
}

fn step<'s>(reach: &'s Reach, function: &str, session: &Value) -> Proposal<'s> {
    let scope = Scope::default().with_number(&MIN_MINUTES, 0);
    Proposal::new(reach, SESSIONS, function, scope, json!({"session": session["identity"]}))
}

#[test]
#[ignore = "run by name: it needs a MySQL server, see its first lines"]
fn mysql_itself_is_seen_and_maintained() {
    let Some(directory) = std::env::var_os("ANSAI_TEST_MYSQL") else { panic!("ANSAI_TEST_MYSQL names no directory") };
    let server = MysqlServer(directory.into());
    let user = PAGE.split("```sql\n").nth(2).and_then(|rest| rest.split("```").next()).unwrap();
    server.sql(
        "drop database if exists app; drop user if exists app, first, second, boss, ansai@localhost; create database app;
         create user app; grant all on app.* to app; create user first; grant all on app.* to first;
         create user second; grant all on app.* to second; create user boss; grant super, select on *.* to boss",
    );
    server.sql(&user.replace("PASSWORD", PASSWORD));
    let secrets = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = |address: String| {
        let mut one = TargetAccess { secret: Some(secret(&secrets, PASSWORD)), ..target("db", &address) };
        one.target.labels.push(Label { name: "database".into(), value: "app".into() });
        one
    };
    let reach_of_it = reach([at(format!("unix:{}", server.0.join("s.sock").display()))]);
    refuses_to_send_the_password(&server.0, &at);
    shows_itself(&reach_of_it, &server);
    ends_sessions(&reach_of_it, &server);
    rebuilds_a_table(&reach_of_it, &server);
}

/// Over a connection that others could read, until the server knows the password by its hash.
fn refuses_to_send_the_password(directory: &Path, at: &impl Fn(String) -> TargetAccess) {
    let port = std::fs::read_to_string(directory.join("port")).unwrap();
    let plain = reach([at(format!("mysql://127.0.0.1:{}/app?tls=off", port.trim()))]);
    let refused = ask(&plain, LIMIT, DATABASE, "look", &json!({"target": "db"}));
    assert!(matches!(refused, Err(Refusal::Unavailable(_))), "{refused:?}");
}

fn shows_itself(reach: &Reach, server: &MysqlServer) {
    let seen = ask(reach, LIMIT, DATABASE, "look", &json!({"target": "db"})).unwrap();
    assert_eq!((seen["engine"].as_str(), seen["replica"].as_bool()), (Some("mysql"), Some(false)));
    for name in ["threads-running", "history-list", "longest-transaction", "slow-queries", "refused-connections"] {
        assert!(number(&seen, name)["count"].is_u64(), "{name}: {seen}");
    }
    assert_eq!(list(reach, DATABASE, "list-replicas"), [json!(null); 0]);
    server.sql("create table app.notes (id int, note text); insert into app.notes values (1, 'geheim')");
    let all = ask(reach, LIMIT, TEXTS, "list-statements", &json!({"target": "db"})).unwrap().to_string();
    assert!(all.to_lowercase().contains("insert into") && !all.contains("geheim"), "{all}");
}

fn ends_sessions(reach: &Reach, server: &MysqlServer) {
    server.sql("create table app.hot (a int primary key, b int); insert into app.hot values (1, 1)");
    let working = |user: &str| format!("select count(*) from performance_schema.processlist where user = '{user}'");
    let changed = "select count(*) from information_schema.innodb_trx where trx_rows_modified = 1";
    let _first = server.busy("first", "begin; update hot set b = 2 where a = 1", changed);
    let waits = "select count(*) from performance_schema.data_lock_waits";
    let update = "set innodb_lock_wait_timeout = 600; update hot set b = 3 where a = 1";
    let _second = server.busy("second", update, waits);
    let session = |user: &str| find(reach, DATABASE, "list-sessions", "user", user);
    let first = session("first");
    assert_eq!((&first["state"], &first["work"]), (&json!("idle in transaction"), &json!("client")), "{first}");
    // The server makes its list of transactions ten times a second at most.
    let waits_for_it = || Some(()).filter(|()| session("second")["blocked-by"] == json!([first["identity"]]));
    until("the second one waits for the first one", LIMIT, waits_for_it);
    let mut changed = first.clone();
    changed["identity"] = first["identity"].as_str().unwrap().replace(".", ".1").into();
    let refused = step(reach, "terminate", &changed).preview();
    assert!(matches!(refused, Err(Refusal::Changed(_))), "{refused:?}");
    let applied = step(reach, "terminate", &first).apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    until("the other one goes on", LIMIT, || Some(()).filter(|()| server.sql("select b from app.hot") == "3"));

    let sleeps = "select count(*) from performance_schema.processlist where info like 'select sleep%'";
    let boss = server.busy("boss", "select sleep(600)", sleeps);
    let spared = step(reach, "cancel", &session("boss")).preview();
    assert!(matches!(spared, Err(Refusal::Denied(_))), "{spared:?}");
    drop(boss);
    let app = server.busy("app", "select sleep(600)", &format!("{sleeps} and user = 'app'"));
    let applied = step(reach, "cancel", &session("app")).apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    assert_eq!(server.sql(&working("app")), "1", "its session stays");
    drop(app);
}

fn rebuilds_a_table(reach: &Reach, server: &MysqlServer) {
    server.sql(
        "set cte_max_recursion_depth = 20000; use app; create table orders (id int primary key, note text);
         insert into orders with recursive seq (n) as (select 1 union all select n + 1 from seq where n < 20000)
           select n, repeat('x', 1000) from seq; delete from orders where id > 100; analyze table orders",
    );
    let table = || find(reach, TABLES, "list-tables", "name", "orders");
    let before = until("the room is seen", LIMIT, || {
        Some(table()).filter(|table| table["free-bytes"].as_u64().is_some_and(|bytes| bytes > 10_000_000))
    });
    let scope = Scope::default().with_number(&MAX_BYTES, 1 << 40);
    let arguments = json!({"table": before["id"], "within": 60_000});
    let applied = Proposal::new(reach, ACTIONS, "optimize", scope, arguments).apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    let after = table();
    assert!(after["bytes"].as_u64() < before["bytes"].as_u64() && after["id"] != before["id"], "{before} {after}");
    assert_eq!(server.sql("select count(*) from app.orders"), "100");
}
