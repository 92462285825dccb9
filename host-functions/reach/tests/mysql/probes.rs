//! What a policy sees.

use ansai_core::Refusal;
use ansai_harness::until;
use serde_json::json;

use crate::database::number;
use crate::database::reads::measure;
use crate::database::refusals::another_kind_is_refused;
use crate::scene::{DATABASE, Scene, TABLES};

#[test]
fn a_server_shows_its_connections_and_numbers() {
    let Some(scene) = Scene::new() else { return };
    let _client = scene.server.session("app", "select 1");
    let server = scene.look().unwrap();
    assert_eq!(server["about"], json!({"kind": "target", "name": "db"}));
    assert_eq!((server["engine"].as_str(), server["replica"].as_bool()), (Some("mariadb"), Some(false)));
    assert!(server["version"].as_str().unwrap().contains("MariaDB"), "{server}");
    assert_eq!((&server["most-connections"], &server["reserved"]), (&json!(40), &json!(0)));
    assert_eq!(server["connections"], 2, "ours and the client: {server}");
    // The begin of a server is the same in every look.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(scene.look().unwrap()["started"], server["started"]);
    let number = |name: &str| number(&server, name);
    assert!((0.0..=1.0).contains(&number("cache-hits")["number"].as_f64().unwrap()));
    for name in [
        "threads-running",
        "history-list",
        "longest-transaction",
        "slow-queries",
        "refused-connections",
        "temporary-disk-tables",
        "deadlocks",
    ] {
        assert!(number(name)["count"].is_u64(), "{name}");
    }
    assert!(number("threads-running")["count"].as_u64().unwrap() >= 1);
    let slow = number("slow-queries")["count"].as_u64().unwrap();
    let _working = ["one", "two"].map(|name| {
        scene
            .server
            .client("app")
            .args(["-e", &format!("set long_query_time = 0; select sleep(0), '{name}'; select sleep(600)")])
            .spawn()
    });
    until("both work", std::time::Duration::from_secs(30), || {
        let server = scene.look().unwrap();
        let count = |name: &str| crate::database::number(&server, name)["count"].as_u64().unwrap();
        Some(()).filter(|()| count("threads-running") >= 3 && count("slow-queries") >= slow + 2)
    });
    // One that takes no changes is a replica only if it follows another server.
    scene.server.sql("set global read_only = 1");
    assert_eq!(scene.look().unwrap()["replica"], false);
    // Without the privilege to see that, all else is still shown.
    scene.server.sql("revoke replica monitor on *.* from ansai@localhost; kill hard user ansai");
    assert_eq!(scene.look().unwrap()["replica"], true);
}

#[test]
fn tables_show_the_room_that_nothing_uses() {
    let Some(scene) = Scene::new() else { return };
    scene.app(
        "create table orders (id int primary key, note text);
         insert into orders select seq, repeat('x', 1000) from seq_1_to_20000;
         create table other (a int); create temporary table hidden (a int); create table old (a int) engine = Aria;
         create table parts (a int) partition by hash (a) partitions 2;
         create table words (a text, fulltext (a)); create view seen as select 1",
    );
    let table = || scene.find(TABLES, "list-tables", "name", "orders");
    let full = table();
    assert!(full["bytes"].as_u64().unwrap() > 20_000_000, "{full}");
    assert_eq!(full["about"], json!({"kind": "database-table", "name": "db/app/orders"}));
    assert!(full["rows"].as_u64().unwrap() > 10_000, "{full}");
    scene.app("delete from orders where id > 2000");
    let free = "select data_free > 15000000 from information_schema.tables where table_name = 'orders'";
    scene.server.wait_for(free, "1");
    let emptied = table();
    assert!(emptied["free-bytes"].as_u64().unwrap() > 15_000_000, "{emptied}");
    let names: Vec<_> = scene.list(TABLES, "list-tables").iter().map(|table| table["name"].to_string()).collect();
    assert_eq!(names, ["\"orders\"", "\"other\"", "\"words\""]);
    // Of other databases nothing, and nothing without a privilege.
    scene.server.sql("create database apple; create table apple.x (a int); revoke all on app.* from ansai@localhost");
    scene.server.sql("kill hard user ansai");
    let none = scene.ask(TABLES, "list-tables", &json!({"target": "db", "cursor": null}));
    assert!(none.is_err() || none.as_ref().unwrap()["entries"] == json!([]), "{none:?}");
}

#[test]
fn what_the_engine_does_not_have_and_wrong_cursors_are_refused() {
    let Some(scene) = Scene::new() else { return };
    let indexes = scene.ask(DATABASE, "list-indexes", &json!({"target": "db", "cursor": null}));
    assert!(matches!(indexes, Err(Refusal::Unsupported(_))), "{indexes:?}");
    for (interface, function, cursor) in [
        (DATABASE, "list-sessions", "x"),
        (DATABASE, "list-sessions", "1 or 1=1"),
        (TABLES, "list-tables", "-1"),
        (TABLES, "list-tables", "18446744073709551616"),
    ] {
        let refused = scene.ask(interface, function, &json!({"target": "db", "cursor": cursor}));
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
    }
    another_kind_is_refused();
}

/// Prints, and does not judge.
#[test]
#[ignore = "run by name: it measures"]
fn how_long_calls_take() {
    let Some(scene) = Scene::new() else { return };
    let tables: Vec<String> = (1..=300).map(|n| format!("create table t{n} (a int primary key)")).collect();
    scene.app(&tables.join(";"));
    measure(
        &scene,
        &[(DATABASE, "look"), (DATABASE, "list-sessions"), (DATABASE, "list-replicas"), (TABLES, "list-tables")],
    );
    assert_eq!(scene.server.sql("select count(*) from information_schema.processlist where user = 'ansai'"), "1");
}
