//! Sessions: whose they are, what they wait for, and how they are ended.

use ansai_core::{Outcome, Refusal, Scope};
use ansai_harness::Daemon;
use ansai_reach::database::MIN_MINUTES;
use serde_json::{Value, json};

use crate::scene::{DATABASE, Proposal, SESSIONS, Scene};

fn step<'s>(scene: &'s Scene, function: &str, session: &Value) -> Proposal<'s> {
    let scope = Scope::default().with_number(&MIN_MINUTES, 0);
    scene.step(SESSIONS, function, scope, json!({"session": session["identity"]}))
}

/// The session of a user.
fn session(scene: &Scene, user: &str) -> Value {
    scene.find(DATABASE, "list-sessions", "user", user)
}

/// A client of a user that runs a statement for minutes.
fn busy(scene: &Scene, user: &str, statement: &str) -> Daemon {
    // With `source`, the client goes on after an error.
    let file = scene.server.directory().join(format!("{user}.sql"));
    std::fs::write(&file, format!("{statement};\n\\! exec sleep 600\n")).unwrap();
    let source = format!("source {}", file.display());
    let client = scene.server.client(user).args(["--force", "app", "-e", &source]).spawn();
    let count = format!(
        "select count(*) from information_schema.processlist
         where user = '{user}' and command = 'Query' and id <> connection_id()"
    );
    scene.server.wait_for(&count, "1");
    client
}

#[test]
fn sessions_show_whom_they_wait_for() {
    let Some(scene) = Scene::new() else { return };
    scene
        .server
        .sql("create user first; grant all on app.* to first; create user second; grant all on app.* to second");
    scene.app("create table t (a int primary key, b int); insert into t values (1, 1)");
    let _first = scene.server.session("first", "use app; begin; update t set b = 2 where a = 1");
    let _second = busy(&scene, "second", "set innodb_lock_wait_timeout = 600; begin; update t set b = 3 where a = 1");
    let waits = "select count(*) from information_schema.innodb_trx where trx_state = 'LOCK WAIT'";
    scene.server.wait_for(waits, "1");
    let (first, second) = (session(&scene, "first"), session(&scene, "second"));
    assert_eq!((&first["state"], &first["work"]), (&json!("idle in transaction"), &json!("client")));
    assert_eq!((&second["state"], &second["waits-for"]), (&json!("active"), &json!("Lock: row")));
    assert_eq!(second["blocked-by"], json!([first["identity"]]), "{second}");
    assert!(first["in-transaction-since"].is_u64() && first["blocked-by"] == json!([]), "{first}");
    assert_eq!(first["database"], "app");
    let id = first["identity"].as_str().unwrap().split('/').nth(1).unwrap().to_owned();
    assert_eq!(first["about"], json!({"kind": "database-session", "name": format!("db/{id}")}));
    // The blocker ends: the other one goes on.
    let applied = step(&scene, "terminate", &first).apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    let waiting = format!(
        "{waits} and trx_mysql_thread_id = {}",
        second["identity"].as_str().unwrap().split('/').nth(1).unwrap()
    );
    scene.server.wait_for(&waiting, "0");
    let resolved = step(&scene, "terminate", &second);
    let previewed = resolved.preview().unwrap();
    let resolved = resolved.doing(&previewed.targets, |action, doing| action.resolve(doing)).unwrap();
    assert_eq!(resolved.outcome, Outcome::Failed, "it was not ended: {resolved:?}");
}

#[test]
fn a_statement_is_cancelled_and_its_session_stays() {
    let Some(scene) = Scene::new() else { return };
    let _busy = busy(&scene, "app", "select sleep(600)");
    let found = session(&scene, "app");
    assert_eq!(found["state"], "active");
    let young = scene.step(SESSIONS, "cancel", Scope::default(), json!({"session": found["identity"]}));
    assert!(matches!(young.preview(), Err(Refusal::Denied(why)) if why.contains("min_minutes")));
    let applied = step(&scene, "cancel", &found).apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    let command = "select command from information_schema.processlist where user = 'app'";
    scene.server.wait_for(command, "Sleep");
    let idle = step(&scene, "cancel", &session(&scene, "app")).preview();
    assert!(matches!(idle, Err(Refusal::Unsupported(_))), "{idle:?}");
    assert_eq!(step(&scene, "terminate", &session(&scene, "app")).apply().outcome, Outcome::Done);
    scene.server.wait_for("select count(*) from information_schema.processlist where user = 'app'", "0");
}

/// The id alone does not identify a session: after a restart of the server, ids begin again.
#[test]
fn a_recycled_id_is_not_killed() {
    let Some(scene) = Scene::new() else { return };
    scene.app("create table t (a int)");
    let _idle = scene.server.session("app", "use app; begin; insert into t values (1)");
    let found = session(&scene, "app");
    let identity = found["identity"].as_str().unwrap();
    let parts: Vec<&str> = identity.split('/').collect();
    let (started, id): (u64, u64) = (parts[0].parse().unwrap(), parts[1].parse().unwrap());
    let (transaction, began) = parts[2].split_once('.').unwrap();
    let (transaction, began): (u64, u64) = (transaction.parse().unwrap(), began.parse().unwrap());
    let previewed = step(&scene, "terminate", &found).preview().unwrap();
    for (text, changed) in [
        (
            format!("{}/{id}/{}", started - 1, parts[2]),
            json!({"started": started - 1, "id": id,
            "transaction": {"id": transaction, "began": began}}),
        ),
        (
            format!("{started}/{id}/{}.{began}", transaction - 1),
            json!({"started": started, "id": id,
            "transaction": {"id": transaction - 1, "began": began}}),
        ),
        (
            format!("{started}/{id}/{transaction}.{}", began - 1),
            json!({"started": started, "id": id,
            "transaction": {"id": transaction, "began": began - 1}}),
        ),
        (format!("{started}/{id}/-"), json!({"started": started, "id": id, "transaction": null})),
        (format!("{started}/{}/-", id + 1000), json!({"started": started, "id": id + 1000, "transaction": null})),
    ] {
        let refused = step(&scene, "terminate", &json!({"identity": text})).preview();
        assert!(matches!(refused, Err(Refusal::Changed(_))), "{text}: {refused:?}");
        // A plan that was made before: the statement that kills compares again by itself.
        let mut targets: Value = serde_json::from_str(previewed.targets.get()).unwrap();
        targets["identity"] = changed;
        let targets = serde_json::value::to_raw_value(&targets).unwrap();
        let begun = step(&scene, "terminate", &found).begin(&targets);
        assert!(matches!(begun, Err(Refusal::Changed(_))), "{text}: {begun:?}");
    }
    assert_eq!(scene.server.sql("select count(*) from information_schema.processlist where user = 'app'"), "1");
}

#[test]
fn administrators_replicas_dumps_and_ansai_are_spared() {
    let Some(scene) = Scene::new() else { return };
    scene.app("create table t (a int)");
    scene.server.sql(
        "create role boss; grant super on *.* to boss; create role chief; grant boss to chief;
         create user ann; grant chief to ann; grant select on app.* to ann; create user streams;
         grant select on app.* to streams; grant replication slave on *.* to streams;
         create user backup; grant select, insert, lock tables on app.* to backup; grant reload, file on *.* to backup",
    );
    let into_file = format!("select sleep(600) into outfile '{}/none'", scene.server.directory().display());
    let mut clients = Vec::new();
    for (user, statement, work) in [
        ("root", "select sleep(600)", "client"),
        ("ann", "select sleep(600)", "client"),
        ("streams", "select sleep(600)", "client"),
        ("backup", "select /*!40001 SQL_NO_CACHE */ sleep(600)", "dump"),
        ("backup", into_file.as_str(), "dump"),
        (
            "app",
            "/* nightly */ optimize table t; select sleep(0) /* x */; /* y */ create table u as select sleep(600)",
            "maintenance",
        ),
    ] {
        clients.push(busy(&scene, user, statement));
        // Of several statements, the one that lasts comes last.
        let found = ansai_harness::until(user, std::time::Duration::from_secs(30), || {
            Some(session(&scene, user)).filter(|found| found["work"] == work)
        });
        let refused = step(&scene, "terminate", &found).preview();
        assert!(matches!(refused, Err(Refusal::Denied(_))), "{user}: {refused:?}");
        clients.clear();
        let gone = format!(
            "select count(*) from information_schema.processlist where user = '{user}' and id <> connection_id()"
        );
        for id in scene.server.sql(&gone.replace("count(*)", "id")).lines() {
            scene.server.try_sql(&format!("kill {id}"));
        }
        scene.server.wait_for(&gone, "0");
    }
    assert_eq!(session(&scene, "ansai")["work"], "maintenance");
    assert!(step(&scene, "terminate", &session(&scene, "ansai")).preview().is_err());
}

/// What the user of ansai may not see is no empty list, and whom it cannot examine is not ended.
#[test]
fn without_privileges_nothing_is_listed_or_ended() {
    let Some(scene) = Scene::new() else { return };
    let _idle = scene.server.session("app", "select 1");
    let found = session(&scene, "app");
    scene.server.sql("revoke select (User, Host, Super_priv, Repl_slave_priv) on mysql.user from ansai@localhost");
    let blind = step(&scene, "terminate", &found).preview();
    assert!(matches!(&blind, Err(Refusal::Unavailable(why)) if why.contains("privilege")), "{blind:?}");
    scene.server.sql("revoke process on *.* from ansai@localhost");
    scene.server.sql("kill hard user ansai");
    let none = scene.ask(DATABASE, "list-sessions", &json!({"target": "db", "cursor": null}));
    assert!(matches!(none, Err(Refusal::Unavailable(_))), "{none:?}");
    assert_eq!(scene.server.sql("select count(*) from information_schema.processlist where user = 'app'"), "1");
}
