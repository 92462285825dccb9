//! Texts of statements, without their values.

use ansai_core::Refusal;
use serde_json::json;

use crate::database::TEXTS;
use crate::scene::{DATABASE, Scene};

#[test]
fn statements_show_their_time_and_no_value() {
    let Some(scene) = Scene::with(&["--performance-schema=on"]) else { return };
    scene.app("create table orders (id int, note text)");
    for n in 0..5 {
        scene.app(&format!("/* ann */ insert into orders values ({n}, \"geheim {n}\")"));
    }
    scene.app("select sleep(0.2), 'geheim'");
    let all = scene.statements().unwrap();
    let shown = serde_json::to_string(&all).unwrap();
    assert!(!shown.contains("geheim") && !shown.contains("ann "), "{shown}");
    let find = |text: &str| {
        let found = all.iter().find(|one| one["text"].as_str().unwrap().to_lowercase().contains(text));
        found.unwrap_or_else(|| panic!("no {text}: {all:#?}"))
    };
    let insert = find("insert into");
    assert_eq!((&insert["calls"], &insert["rows"], &insert["database"]), (&json!(5), &json!(5), &json!("app")));
    let sleep = find("sleep");
    assert!(sleep["total"].as_u64().unwrap() >= 200 && sleep["longest"].as_u64().unwrap() >= 200, "{sleep}");
}

#[test]
fn without_the_performance_schema_nothing_is_counted_and_a_session_shows_its_statement() {
    let Some(scene) = Scene::new() else { return };
    let uncounted = scene.statements();
    assert!(
        matches!(&uncounted, Err(Refusal::Unsupported(why)) if why.contains("performance_schema")),
        "{uncounted:?}"
    );
    let _client = scene.server.client("app").args(["app", "-e", "select sleep(600), 'geheim', \"geheim\""]).spawn();
    let running = "select count(*) from information_schema.processlist where info like 'select sleep%'";
    scene.server.wait_for(running, "1");
    let session = scene.find(DATABASE, "list-sessions", "user", "app");
    let shown = scene.ask(TEXTS, "look-at-session", &json!({"target": "db", "session": session["identity"]})).unwrap();
    assert_eq!((&shown["about"], &shown["text"]), (&session["about"], &json!("select sleep(?), ?, ?")));
}
