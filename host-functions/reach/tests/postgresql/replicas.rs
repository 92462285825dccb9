//! Replicas and slots.

use ansai_core::{Refusal, Scope};
use ansai_reach::database::MIN_MINUTES;
use serde_json::json;

use crate::scene::{DATABASE, SESSIONS, Scene, ask, reach, target};

#[test]
fn a_replica_and_an_old_slot_are_seen_from_both_sides() {
    let Some(scene) = Scene::new() else { return };
    scene.server.sql("app", "select pg_create_physical_replication_slot('old', true)");
    let standby = scene.server.standby(&[]);
    scene.server.wait_for("app", "select state from pg_stat_replication", "streaming");
    let find = |name: &str| {
        let all = scene.list(DATABASE, "list-replicas");
        let found = all.iter().find(|one| one["name"].as_str().unwrap().starts_with(name));
        found.unwrap_or_else(|| panic!("no {name} in {all:#?}")).clone()
    };
    scene.app("create table t as select n from generate_series(1, 100000) n");
    let slot = find("slot/old");
    assert_eq!((&slot["state"], &slot["broken"]), (&json!("inactive"), &json!(false)));
    assert!(slot["retained-bytes"].as_u64().unwrap() > 1_000_000, "{slot}");
    let replayed = "select replay_lsn = pg_current_wal_lsn() from pg_stat_replication";
    scene.server.wait_for("app", replayed, "t");
    let connected = find("connection/");
    assert_eq!((&connected["state"], &connected["lag"]), (&json!("streaming"), &json!(0)));
    assert_eq!(connected["behind-bytes"], 0);

    let side = reach([target("db", &format!("postgresql://127.0.0.1:{}/app", standby.port()))]);
    let from_standby = |function: &str| {
        let arguments = json!({"target": "db", "cursor": null});
        ask(&side, std::time::Duration::from_secs(10), DATABASE, function, &arguments).unwrap()
    };
    let own = &from_standby("list-replicas")["entries"][0];
    assert_eq!((&own["name"], &own["lag"], &own["broken"]), (&json!("self"), &json!(0), &json!(false)), "{own}");
    assert_eq!(from_standby("look")["replica"], true);
    // The walsender is nobody's client.
    let sessions = scene.list(DATABASE, "list-sessions");
    assert_eq!(sessions.iter().filter(|one| one["work"] == "replica").count(), 1);
    standby.sql("postgres", "select pg_wal_replay_pause()");
    scene.app("insert into t select n from generate_series(1, 100000) n");
    standby.wait_for("postgres", "select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()", "t");
    let behind = from_standby("list-replicas")["entries"][0].clone();
    assert!(behind["behind-bytes"].as_u64().unwrap() > 0 && behind["lag"].is_u64(), "{behind}");

    // The session that sends to it is spared for what it does: its role has no right of replication any more.
    scene.server.sql("app", "create role streams login replication");
    let source = format!("host=127.0.0.1 port={} user=streams", scene.server.port());
    standby.sql("postgres", &format!("alter system set primary_conninfo = '{source}'"));
    standby.sql("postgres", "select pg_wal_replay_resume(), pg_reload_conf()");
    scene.server.wait_for("app", "select usename || ' ' || state from pg_stat_replication", "streams streaming");
    scene.server.sql("app", "alter role streams noreplication");
    let sender = scene.find(DATABASE, "list-sessions", "user", "streams");
    assert_eq!(sender["work"], "replica", "{sender}");
    let any_age = Scope::default().with_number(&MIN_MINUTES, 0);
    let step = scene.step(SESSIONS, "terminate", any_age, json!({"session": sender["identity"]}));
    let refused = step.preview();
    assert!(matches!(refused, Err(Refusal::Denied(_))), "{refused:?}");
    assert_eq!(scene.server.sql("app", "select count(*) from pg_stat_replication where usename = 'streams'"), "1");
}
