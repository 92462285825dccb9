//! Texts of statements, without their values.

use ansai_core::Refusal;
use serde_json::{Value, json};

use crate::database::TEXTS;
use crate::scene::{DATABASE, Scene};

const COUNTS: &str = "shared_preload_libraries=pg_stat_statements";

#[test]
fn statements_show_their_time_and_no_value() {
    let Some(scene) = Scene::with(&[COUNTS]) else { return };
    let uncounted = scene.statements();
    assert!(
        matches!(&uncounted, Err(Refusal::Unsupported(why)) if why.contains("pg_stat_statements")),
        "{uncounted:?}"
    );
    // In a schema of its own, with a name that must be quoted.
    scene.server.sql(
        "app",
        "create schema \"Stat's\"; grant usage on schema \"Stat's\" to ansai;
         create extension pg_stat_statements schema \"Stat's\"",
    );
    scene.app("create table orders (id int, note text)");
    for n in 0..5 {
        scene.app(&format!("/* ann */ insert into orders values ({n}, 'geheim {n}')"));
    }
    scene.server.sql("app", "alter role app password 'geheim'; select pg_sleep(0.2)");
    let all = scene.statements().unwrap();
    let shown = serde_json::to_string(&all).unwrap();
    assert!(!shown.contains("geheim") && !shown.contains("ann "), "{shown}");
    let find = |text: &str| {
        all.iter()
            .find(|one| one["text"].as_str().unwrap().contains(text))
            .unwrap_or_else(|| panic!("no {text}: {all:#?}"))
    };
    let insert = find("insert into orders values");
    assert_eq!((&insert["calls"], &insert["rows"], &insert["database"]), (&json!(5), &json!(5), &json!("app")));
    assert_eq!(insert["about"]["name"], json!(format!("db/{}", insert["id"].as_str().unwrap())));
    assert_eq!(find("alter role app password")["text"], "alter role app password ?");
    let sleep = find("pg_sleep");
    assert!(sleep["total"].as_u64().unwrap() >= 200 && sleep["longest"].as_u64().unwrap() >= 200, "{sleep}");
    let times: Vec<u64> = all.iter().map(|one| one["total"].as_u64().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    // The id is the same in the next look, so that the difference of the counters is what ran in between.
    for n in 0..12 {
        scene.app(&format!("insert into orders values ({n}, 'b')"));
    }
    let calls = |id: &Value| -> Option<u64> {
        let all = scene.statements().unwrap();
        all.iter().find(|one| one["id"] == *id).map(|one| one["calls"].as_u64().unwrap())
    };
    assert_eq!(calls(&insert["id"]), Some(5 + 12));
    // The server counts again from the beginning.
    scene.server.sql("app", "select \"Stat's\".pg_stat_statements_reset()");
    scene.app("insert into orders values (1, 'c')");
    assert_eq!(calls(&insert["id"]), Some(1));
}

/// Would break: a function of a user that runs as the role of ansai.
#[test]
fn a_view_of_a_user_is_not_read() {
    let Some(scene) = Scene::new() else { return };
    scene.server.sql(
        "app",
        "create table trap (who text); grant all on trap to public;
         create function spring() returns bigint language plpgsql as $$ begin insert into public.trap values (current_user);
           return 1; end $$;
         create view pg_stat_statements as select 1 as userid, 1 as dbid, spring() as queryid, 'x' as query;
         grant select on pg_stat_statements to public",
    );
    let refused = scene.statements();
    assert!(matches!(refused, Err(Refusal::Unsupported(_))), "{refused:?}");
    assert_eq!(scene.server.sql("app", "select count(*) from trap"), "0");
}

#[test]
fn a_session_shows_its_statement_until_its_transaction_ends() {
    let Some(scene) = Scene::new() else { return };
    let client = scene.server.session("app", "shop", "begin; select 'geheim', 42");
    let session = scene.find(DATABASE, "list-sessions", "application", "shop");
    let look = |identity: &serde_json::Value| {
        scene.ask(TEXTS, "look-at-session", &json!({"target": "db", "session": identity}))
    };
    let shown = look(&session["identity"]).unwrap();
    assert_eq!(shown["about"], session["about"]);
    assert!(shown["text"].as_str().unwrap().ends_with("select ?, ?"), "{shown}");
    assert!(matches!(look(&json!("12/34")), Err(Refusal::Invalid(_))));
    scene.server.sql("app", "revoke pg_monitor from ansai");
    let denied = look(&session["identity"]);
    assert!(matches!(denied, Err(Refusal::Denied(_) | Refusal::Changed(_))), "{denied:?}");
    scene.server.sql("app", "grant pg_monitor to ansai");
    drop(client);
    scene.server.wait_for("app", "select count(*) from pg_stat_activity where application_name = 'shop'", "0");
    assert!(matches!(look(&session["identity"]), Err(Refusal::Changed(_))));
}
