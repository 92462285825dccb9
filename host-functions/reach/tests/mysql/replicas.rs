//! Replicas: healthy, delayed, broken.

use std::time::Duration;

use ansai_harness::server::Mariadb;
use serde_json::{Value, json};

use crate::scene::{DATABASE, Scene, address, ask, reach, target};

/// A replica of the server, with the user of ansai, that follows from here on.
fn follow(scene: &Scene, replica: &Mariadb, delay: u32) {
    let position = scene.server.sql("show master status");
    let (file, rest) = position.split_once('\t').unwrap();
    let at = rest.split('\t').next().unwrap();
    replica.sql(&format!(
        "create database app; create table app.t (a int primary key);
         create user ansai@localhost; grant process, replica monitor on *.* to ansai@localhost;
         grant select on app.* to ansai@localhost;
         change master to master_host = '127.0.0.1', master_port = {}, master_user = 'streams', master_log_file = '{file}',
           master_log_pos = {at}, master_delay = {delay}, master_connect_retry = 1; start slave; set global read_only = 1",
        scene.server.port()
    ));
}

fn own(replica: &Mariadb) -> Value {
    let there = reach([target("db", &address(replica))]);
    let arguments = json!({"target": "db", "cursor": null});
    let page = ask(&there, Duration::from_secs(10), DATABASE, "list-replicas", &arguments).unwrap();
    assert_eq!(page["skipped"], 0);
    page["entries"][0].clone()
}

#[test]
fn replicas_are_healthy_delayed_or_broken() {
    let Some(scene) = Scene::with(&["--log-bin=binlog", "--server-id=1"]) else { return };
    let Some(replica) = Mariadb::start_with(&["--server-id=2", "--log-bin=binlog"]) else { return };
    scene
        .server
        .sql("create user streams; grant replication slave on *.* to streams; create table app.t (a int primary key)");
    follow(&scene, &replica, 0);
    scene.server.sql("insert into app.t values (1)");
    replica.wait_for("select count(*) from app.t", "1");
    let healthy = own(&replica);
    assert_eq!((&healthy["name"], &healthy["broken"], &healthy["lag"]), (&json!("self"), &json!(false), &json!(0)));
    assert_eq!(healthy["state"], "receiver: Yes, applier: Yes");
    let there = reach([target("db", &address(&replica))]);
    let look = ask(&there, Duration::from_secs(10), DATABASE, "look", &json!({"target": "db"})).unwrap();
    assert_eq!(look["replica"], true);
    // From the other side: a connection, which is nobody's client.
    let connected = scene.list(DATABASE, "list-replicas");
    assert!(connected[0]["name"].as_str().unwrap().starts_with("connection/streams/"), "{connected:?}");
    assert_eq!(scene.find(DATABASE, "list-sessions", "user", "streams")["work"], "replica");
    let arguments = json!({"target": "db", "cursor": null});
    let sessions = ask(&there, Duration::from_secs(10), DATABASE, "list-sessions", &arguments).unwrap();
    let threads: Vec<_> =
        sessions["entries"].as_array().unwrap().iter().filter(|one| one["user"] == "system user").collect();
    assert!(!threads.is_empty() && threads.iter().all(|one| one["work"] == "replica"), "{threads:?}");

    // A delay that is configured is no lag.
    replica.sql("stop slave; change master to master_delay = 3600; start slave");
    scene.server.sql("insert into app.t values (2)");
    replica.wait_for(
        "select count(*) > 0 from information_schema.processlist where state like 'Waiting until MASTER_DELAY%'",
        "1",
    );
    let delayed = own(&replica);
    assert_eq!((&delayed["broken"], &delayed["lag"]), (&json!(false), &json!(0)), "{delayed}");
    assert!(delayed["state"].as_str().unwrap().ends_with("delay: 3600 s"), "{delayed}");

    // A row that is there already: the applier stops, and its lag is unknown.
    replica.sql(
        "stop slave; change master to master_delay = 0; set sql_log_bin = 0; insert into app.t values (2); start slave",
    );
    replica.wait_for("select count(*) from information_schema.processlist where command = 'Slave_SQL'", "0");
    let broken = own(&replica);
    assert_eq!((&broken["broken"], &broken["lag"]), (&json!(true), &json!(null)), "{broken}");
    assert!(broken["state"].as_str().unwrap().contains("error: 1062"), "{broken}");
}
