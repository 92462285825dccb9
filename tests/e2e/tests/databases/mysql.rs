//! A real MariaDB, with a replica that is broken.

use std::path::Path;
use std::time::Duration;

use ansai_harness::server::Mariadb;
use ansai_harness::{Ansai, Daemon, Ran, binary, scene};

use super::site::SECRET;
use crate::certificates::{done, finding, steps};

/// The page that says how to make the user of ansai.
const PAGE: &str = include_str!("../../../../runtime/docs/mysql.md");
const LIMIT: Duration = Duration::from_secs(60);

/// A server with the user of the page.
fn server(settings: &[&str]) -> Option<Mariadb> {
    let server = Mariadb::start_with(settings)?;
    server.sql("create user app; create database app; grant all on app.* to app");
    let user = PAGE.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next());
    server.sql(&user.expect("the page has statements").replace("PASSWORD", SECRET));
    Some(server)
}

fn once(place: &Path, main: &Mariadb, replica: &Mariadb) -> Ran {
    let secret = place.join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    scene::permit(&secret, 0o600);
    let target = |name: &str, server: &Mariadb| {
        format!(
            "[target.{name}]\nkind = \"mysql\"\naddress = \"mysql://127.0.0.1:{}/app\"\nuser = \"ansai\"\n\
             secret = {{ file = {secret:?} }}\nlabels = {{ mount = {:?} }}\n[policy.database-health.target.{name}]\n",
            server.port(),
            server.directory()
        )
    };
    let policy = binary::policy("database-health");
    let config = place.join("ansai.toml");
    let text = format!(
        r#"{}{}[daemon]
state_dir = "{state}"
mode = "enforce"
[policy.database-health]
source = {source:?}
[policy.database-health.settings]
connections = {{ warning = 20, critical = 99 }}
blocked = {{ warning = "1s", critical = "1h" }}
idle_in_transaction = {{ warning = "10min", critical = "1h" }}
unused_room = {{ warning = 30, least = "1MiB" }}
[policy.database-health.grant]
"ansai:database/database-probe" = {{ targets = ["shop-db", "copy"] }}
"ansai:mysql/mysql-probe" = {{ targets = ["shop-db", "copy"] }}
"ansai:mysql/mysql-actions" = {{ targets = ["shop-db"], databases = ["app"] }}
[policy.database-health.grant."ansai:database/database-session-actions"]
targets = ["shop-db"]
users = ["*"]
applications = ["*"]
min_minutes = 0
"#,
        target("shop-db", main),
        target("copy", replica),
        state = place.join("state").display(),
        source = policy.parent().unwrap(),
    );
    std::fs::write(&config, text).unwrap();
    scene::permit(&config, 0o600);
    Ansai::new().args(["run", "--once", "--format", "json", "--config"]).arg(config).limit(LIMIT).run()
}

/// A client whose statements end with one that takes long, or that waits.
fn busy(server: &Mariadb, user: &str, statements: &str) -> Daemon {
    let client = server.client(user).args(["app", "-e", statements]).spawn();
    let count =
        format!("select count(*) from information_schema.processlist where user = '{user}' and command = 'Query'");
    server.wait_for(&count, "1");
    client
}

/// A replica whose applier stopped because a row is there already.
fn break_replica(main: &Mariadb, replica: &Mariadb) {
    main.sql("create user streams; grant replication slave on *.* to streams");
    let position = main.sql("show master status");
    let mut parts = position.split('\t');
    let (file, at) = (parts.next().unwrap(), parts.next().unwrap());
    replica.sql(&format!(
        "create table app.t (a int primary key); insert into app.t values (1);
         change master to master_host = '127.0.0.1', master_port = {}, master_user = 'streams', master_log_file = '{file}',
           master_log_pos = {at}; set global slave_exec_mode = 'STRICT'; start slave",
        main.port()
    ));
    main.sql(
        "create table if not exists app.u (a int); set sql_log_bin = 0; create table app.t (a int primary key);
              set sql_log_bin = 1; insert into app.t values (1)",
    );
    replica.wait_for("select count(*) from information_schema.processlist where command = 'Slave_SQL'", "0");
}

/// Would break: a step on the wrong table or session, an error of replication that is skipped, a password in the output.
#[test]
fn a_real_mariadb_is_maintained_and_its_blocker_is_cancelled() {
    let Some(main) = server(&["--log-bin=binlog", "--server-id=1"]) else { return };
    let Some(replica) = server(&["--server-id=2"]) else { return };
    break_replica(&main, &replica);
    main.sql(
        "use app; create table app.orders (id int primary key, note text);
         insert into app.orders select seq, repeat('x', 1000) from seq_1_to_20000; delete from app.orders where id > 100;
         create table app.hot (id int primary key, n int); insert into app.hot values (1, 0);
         create user worker; grant all on app.* to worker; create user victim; grant all on app.* to victim",
    );
    main.wait_for("select data_free > 15000000 from information_schema.tables where table_name = 'orders'", "1");
    let _pool: Vec<Daemon> = (0..10).map(|_| main.session("app", "select 1")).collect();
    let _worker = busy(&main, "worker", "begin; update hot set n = 1 where id = 1; select sleep(600)");
    let mut victim =
        busy(&main, "victim", "set innodb_lock_wait_timeout = 600; update hot set n = n + 10 where id = 1");
    let waits = "select count(*) from information_schema.innodb_trx where trx_state = 'LOCK WAIT'
                   and trx_wait_started < now() - interval 2 second";
    main.wait_for(waits, "1");

    let place = tempfile::tempdir().unwrap();
    let ran = once(place.path(), &main, &replica);
    let key = |prefix: &str| {
        let json = ran.json();
        let findings = json["instances"][0]["findings"].as_array().unwrap().clone();
        let found = findings.iter().find(|one| one["key"].as_str().unwrap().starts_with(prefix));
        found.unwrap_or_else(|| panic!("no {prefix}: {ran:?}"))["key"].as_str().unwrap().to_owned()
    };
    assert_eq!(steps(&finding(&ran, "unused-room:shop-db/app/orders")), done(&["optimize"]), "{ran:?}");
    assert_eq!(main.sql("select count(*) from app.orders"), "100");
    assert_eq!(steps(&finding(&ran, &key("session:shop-db/"))), done(&["cancel"]), "{ran:?}");
    assert_eq!(victim.wait(LIMIT).code, 0, "{}", victim.transcript());
    assert_eq!(main.sql("select n from app.hot"), "10", "what was cancelled is rolled back, what waited is done");
    for told in ["connections:shop-db", "replica:copy/self"] {
        let found = finding(&ran, told);
        assert!(found["status"]["unhealthy"].is_string(), "{found:#}");
        assert_eq!(steps(&found), [], "{found:#}");
    }
    assert!(replica.sql("show slave status").contains("1062"), "the error is still there");
    assert_eq!(main.sql("select count(*) from information_schema.processlist where user = 'app'"), "10");
    assert!(!format!("{ran:?}").contains(SECRET), "{ran:?}");
}
