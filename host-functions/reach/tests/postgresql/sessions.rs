//! Sessions: seen, cancelled, ended, and spared.

use ansai_core::{Outcome, Refusal, Scope};
use ansai_harness::Invocation;
use ansai_reach::database::MIN_MINUTES;
use serde_json::{Value, json};

use crate::scene::{DATABASE, Proposal, SESSIONS, Scene};

/// A client of a role that is not the superuser.
fn client(scene: &Scene, application: &str, statements: &str) -> ansai_harness::Daemon {
    scene.server.session("app", application, &format!("set session authorization app; {statements}"))
}

fn session(scene: &Scene, application: &str) -> Value {
    scene.find(DATABASE, "list-sessions", "application", application)
}

fn any_age() -> Scope {
    Scope::default().with_number(&MIN_MINUTES, 0)
}

fn step<'s>(scene: &'s Scene, verb: &str, session: &Value) -> Proposal<'s> {
    scene.step(SESSIONS, verb, any_age(), json!({"session": session["identity"]}))
}

/// A client that runs a statement for ten minutes, as the role of the application.
fn busy(scene: &Scene, application: &str, statement: &str) -> ansai_harness::Daemon {
    let client = scene
        .server
        .client("app", &format!("set session authorization app; {statement}"))
        .env("PGAPPNAME", application)
        .spawn();
    let state = format!("select state from pg_stat_activity where application_name = '{application}'");
    scene.server.wait_for("app", &state, "active");
    client
}

#[test]
fn a_chain_of_locks_names_who_holds_it_up() {
    let Some(scene) = Scene::new() else { return };
    scene.app("create table t (a int); insert into t values (1)");
    let _holder = client(&scene, "holder", "begin; update t set a = 2");
    let _waiter = busy(&scene, "waiter", "update t set a = 3");
    let waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
    scene.server.wait_for("app", waits, "1");
    let (holder, waiter) = (session(&scene, "holder"), session(&scene, "waiter"));
    assert_eq!(waiter["blocked-by"], json!([holder["identity"]]));
    assert_eq!(waiter["waits-for"], "Lock: transactionid");
    assert_eq!(holder["state"], "idle in transaction");
    assert_eq!(holder["work"], "client");
    assert_eq!(holder["blocked-by"], json!([]));
    assert!(holder["in-transaction-since"].is_u64() && holder["since"].is_u64(), "{holder}");
    assert_eq!((&holder["user"], &holder["database"]), (&json!("postgres"), &json!("app")), "as it logged in");
}

#[test]
fn a_session_that_is_idle_in_a_transaction_is_ended() {
    let Some(scene) = Scene::new() else { return };
    scene.server.sql("app", "create role shop login; create table t (a int); grant all on t to shop");
    let idle = scene.idle_in_transaction("shop", "shop-app", "begin; insert into t values (1)");
    let found = session(&scene, "shop-app");
    let cancel = step(&scene, "cancel", &found).preview();
    assert!(matches!(cancel, Err(Refusal::Unsupported(_))), "{cancel:?}");
    let old = scene.step(
        SESSIONS,
        "terminate",
        Scope::default().with_number(&MIN_MINUTES, 5),
        json!({"session": found["identity"]}),
    );
    let young = old.preview();
    assert!(matches!(&young, Err(Refusal::Denied(why)) if why.contains("min_minutes")), "{young:?}");
    let terminate = step(&scene, "terminate", &found);
    let previewed = terminate.preview().unwrap();
    assert_eq!(
        serde_json::to_value(&previewed.canonical).unwrap(),
        json!([
            {"field": "users", "value": "shop"}, {"field": "applications", "value": "shop-app"}
        ])
    );
    assert_eq!(previewed.preview.about.kind, "database-session");
    // The session, its target, and the unit and the mount that the target names.
    assert_eq!(previewed.touches.len(), 4);
    // The grant is compared again before it is signalled.
    let narrower = scene.step(
        SESSIONS,
        "terminate",
        Scope::default().with_number(&MIN_MINUTES, 5),
        json!({"session": found["identity"]}),
    );
    assert!(matches!(narrower.begin(&previewed.targets), Err(Refusal::Denied(_))));
    let applied = terminate.apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    scene.server.wait_for("app", "select count(*) from pg_stat_activity where application_name = 'shop-app'", "0");
    assert_eq!(scene.server.sql("app", "select count(*) from t"), "0", "rolled back");
    let again = terminate.begin(&previewed.targets);
    assert!(matches!(again, Err(Refusal::Changed(_))), "{again:?}");
    let resolved = terminate.doing(&previewed.targets, |action, doing| action.resolve(doing)).unwrap();
    assert_eq!(resolved.outcome, Outcome::Done);
    drop(idle);
}

#[test]
fn a_statement_is_cancelled_and_its_session_stays() {
    let Some(scene) = Scene::new() else { return };
    scene.server.sql("app", "create role shop login");
    let _busy = scene
        .server
        .client("app", "select 1")
        .args(["-U", "shop", "-v", "ON_ERROR_STOP=0", "-c", "select pg_sleep(600)", "-c", r"\! exec sleep 600"])
        .env("PGAPPNAME", "slow")
        .spawn();
    scene.server.wait_for("app", "select state from pg_stat_activity where application_name = 'slow'", "active");
    let found = session(&scene, "slow");
    let applied = step(&scene, "cancel", &found).apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    scene.server.wait_for("app", "select state from pg_stat_activity where application_name = 'slow'", "idle");
}

/// The process id alone does not identify a session.
#[test]
fn a_recycled_process_id_is_not_signalled() {
    let Some(scene) = Scene::new() else { return };
    scene.server.sql("app", "create role shop login");
    let _idle = scene.idle_in_transaction("shop", "victim", "begin");
    let found = session(&scene, "victim");
    let identity = found["identity"].as_str().unwrap();
    let parts: Vec<i64> = identity.split('/').map(|part| part.parse().unwrap()).collect();
    let previewed = step(&scene, "terminate", &found).preview().unwrap();
    for other in [
        format!("{}/{}/{}", parts[0], parts[1] - 1, parts[2]),
        format!("{}/{}/{}", parts[0], parts[1], parts[2] - 1),
        format!("{}/{}/-", parts[0], parts[1]),
    ] {
        let refused = step(&scene, "terminate", &json!({"identity": other})).preview();
        assert!(matches!(refused, Err(Refusal::Changed(_))), "{other}: {refused:?}");
        // A plan that was made before: the statement that signals compares again by itself.
        let mut targets: Value = serde_json::from_str(previewed.targets.get()).unwrap();
        let numbers: Vec<Value> =
            other.split('/').map(|part| part.parse::<i64>().map_or(Value::Null, Value::from)).collect();
        targets["identity"] = json!({"pid": numbers[0], "began": numbers[1], "transaction": numbers[2]});
        let targets = serde_json::value::to_raw_value(&targets).unwrap();
        let begun = step(&scene, "terminate", &found).begin(&targets);
        assert!(matches!(begun, Err(Refusal::Changed(_))), "{other}: {begun:?}");
    }
    let state = "select state from pg_stat_activity where application_name = 'victim'";
    assert_eq!(scene.server.sql("app", state), "idle in transaction");
}

#[test]
fn superusers_dumps_and_ansai_are_spared() {
    let Some(scene) = Scene::new() else { return };
    scene.server.sql("app", "create role shop login; create role backup login replication; create table u (a int); grant all on u to shop; create table t as select * from generate_series(1, 300000) n; grant all on t to shop, backup");
    let mut clients = Vec::new();
    // The server shows the begin of a long statement.
    let long_lock = format!("begin; lock table {}t in access share mode", "t, ".repeat(400));
    let long_copy = format!("begin; copy (select '{}') to stdout", "x".repeat(1_100));
    for (application, user, statement, work) in [
        ("root", "postgres", "begin", "client"),
        ("pg_dump", "shop", "begin", "dump"),
        ("streams", "backup", "begin", "client"),
        ("innocent", "shop", "begin; lock table t in access share mode", "dump"),
        ("commented", "shop", "begin; /* nightly */ lock table t in access share mode", "dump"),
        ("explained", "shop", "begin; -- nightly\n copy (select 1) to stdout", "dump"),
        ("locks-much", "shop", long_lock.as_str(), "dump"),
        ("annotated", "shop", "begin; lock table u /* in access */ ", "dump"),
        ("copies-much", "shop", long_copy.as_str(), "dump"),
    ] {
        clients.push(scene.idle_in_transaction(user, application, statement));
        let found = session(&scene, application);
        assert_eq!(found["work"], work, "{found}");
        let refused = step(&scene, "terminate", &found).preview();
        assert!(matches!(refused, Err(Refusal::Denied(_))), "{application}: {refused:?}");
    }
    let own = session(&scene, "ansai");
    assert_eq!(own["work"], "maintenance");
    // Its transaction is over with each call, so it is never the same.
    assert!(step(&scene, "terminate", &own).preview().is_err());
    let maintenance = scene.list(DATABASE, "list-sessions");
    assert!(maintenance.iter().filter(|one| one["user"] == "").all(|one| one["work"] == "maintenance"));
}

/// A dump locks in a mode that excludes nobody, and says so.
#[test]
fn a_session_that_locks_a_table_for_itself_is_no_dump() {
    let Some(scene) = Scene::new() else { return };
    scene.server.sql("app", "create role shop login; create table t (a int); grant all on t to shop");
    for (application, lock) in [("default-mode", "lock table t;"), ("exclusive", "lock table t in exclusive mode")] {
        let holder = scene.server.client("app", "begin").args(["-U", "shop", "-c", lock, "-c", r"\! exec sleep 600"]);
        let _holder = holder.env("PGAPPNAME", application).spawn();
        let state =
            format!("select state from pg_stat_activity where application_name = '{application}' and query ~ 'lock'");
        scene.server.wait_for("app", &state, "idle in transaction");
        let found = session(&scene, application);
        assert_eq!(found["work"], "client", "{found}");
        let applied = step(&scene, "terminate", &found).apply();
        assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    }
}

/// What the role of ansai may not see is never a client.
#[test]
fn without_pg_monitor_nothing_is_ended() {
    let Some(scene) = Scene::new() else { return };
    scene.server.sql("app", "revoke pg_monitor from ansai; create role shop login");
    let _idle = scene.idle_in_transaction("shop", "victim", "begin");
    let identity = scene.server.sql(
        "app",
        "select pid || '/' || round(extract(epoch from backend_start) * 1000000) || '/-'
         from pg_stat_activity where application_name = 'victim'",
    );
    let refused = step(&scene, "terminate", &json!({"identity": identity})).preview();
    assert!(refused.is_err(), "{refused:?}");
    assert!(scene.list(DATABASE, "list-sessions").iter().all(|one| one["user"] == "ansai" || one["work"] != "client"));
}

/// It is asked to end, and the kernel does not let it.
#[test]
fn a_session_that_does_not_end_is_not_called_ended() {
    let Some(scene) = Scene::new() else { return };
    scene.server.sql("app", "create role shop login");
    let _idle = scene.idle_in_transaction("shop", "stuck", "begin");
    let found = session(&scene, "stuck");
    let pid = found["identity"].as_str().unwrap().split('/').next().unwrap().to_owned();
    Invocation::of("kill").args(["-STOP", &pid]).run().code(0);
    let applied = step(&scene, "terminate", &found).apply();
    Invocation::of("kill").args(["-CONT", &pid]).run().code(0);
    assert_eq!(applied.outcome, Outcome::Failed, "{applied:?}");
}

/// Would break: a policy that reads sessions in parts and gets some twice, or never.
#[test]
fn a_part_of_the_sessions_begins_after_its_cursor() {
    let Some(scene) = Scene::new() else { return };
    let _clients: Vec<_> = ["one", "two", "three"].map(|name| client(&scene, name, "select 1")).into();
    let pid = |session: &Value| -> u64 {
        session["identity"].as_str().and_then(|identity| identity.split('/').next()?.parse().ok()).unwrap()
    };
    let mut pids: Vec<u64> = ["one", "two", "three"].map(|name| pid(&session(&scene, name))).into();
    pids.sort_unstable();
    let after = |cursor: u64| -> Vec<u64> {
        let arguments = json!({"target": "db", "cursor": cursor.to_string()});
        let page = scene.ask(DATABASE, "list-sessions", &arguments).unwrap();
        assert_eq!((&page["complete"], &page["cursor"]), (&json!(true), &Value::Null));
        page["entries"].as_array().unwrap().iter().map(pid).filter(|pid| pids.contains(pid)).collect()
    };
    assert_eq!(after(pids[0]), pids[1..]);
    assert_eq!(after(pids[2]), Vec::<u64>::new());
    assert_eq!(after(pids[0] - 1), pids);
}
