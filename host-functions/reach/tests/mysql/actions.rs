//! Rebuilds of tables.

use ansai_core::{Outcome, Refusal, Scope};
use ansai_harness::Daemon;
use ansai_kit::action::{Begun, Progress};
use ansai_kit::target::Reach;
use ansai_reach::mysql::MAX_BYTES;
use serde_json::{Value, json};

use crate::scene::{ACTIONS, Proposal, Scene, TABLES, address, reach, target};

fn optimize<'s>(scene: &'s Scene, table: &Value, within: u64) -> Proposal<'s> {
    let scope = Scope::default().with_number(&MAX_BYTES, 1 << 40);
    scene.step(ACTIONS, "optimize", scope, json!({"table": table["id"], "within": within}))
}

fn table(scene: &Scene, name: &str) -> Value {
    scene.find(TABLES, "list-tables", "name", name)
}

/// A table with 20 MiB, nearly all of them unused.
fn emptied(scene: &Scene) -> Value {
    scene.app(
        "create table orders (id int primary key, note text);
         insert into orders select seq, repeat('x', 1000) from seq_1_to_20000; delete from orders where id > 100",
    );
    let free = "select data_free > 15000000 from information_schema.tables where table_name = 'orders'";
    scene.server.wait_for(free, "1");
    table(scene, "orders")
}

/// A client that runs statements while the test goes on.
fn client(scene: &Scene, statements: &str) -> Daemon {
    scene.server.client("app").args(["--force", "app", "-e", statements]).spawn()
}

#[test]
fn a_table_is_rebuilt_and_its_room_is_free() {
    let Some(scene) = Scene::new() else { return };
    let before = emptied(&scene);
    let step = optimize(&scene, &before, 60_000);
    let previewed = step.preview().unwrap();
    let bytes = before["bytes"].as_u64().unwrap();
    assert_eq!(previewed.preview.needs_bytes, bytes + bytes / 2);
    assert!(previewed.preview.frees_now_bytes > 15_000_000);
    let touches: Vec<String> = previewed.touches.iter().map(|touch| touch.subject.to_string()).collect();
    for touched in ["database-table db/app/orders", "target db", "unit mariadb.service", "filesystem /tmp"] {
        assert!(touches.iter().any(|touch| touch == touched), "no {touched} in {touches:?}");
    }
    let applied = step.apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    assert!(applied.items[0].freed_bytes > 15_000_000, "{applied:?}");
    let after = table(&scene, "orders");
    assert!(after["bytes"].as_u64().unwrap() < 2_000_000 && after["id"] != before["id"], "{after}");
    assert_eq!(scene.app("select count(*) from orders"), "100");
    // The id of before is gone; a name is never enough.
    let gone = optimize(&scene, &before, 60_000).preview();
    assert!(matches!(gone, Err(Refusal::NotFound(_))), "{gone:?}");
    // No connection is left behind.
    assert_eq!(scene.server.sql("select count(*) from information_schema.processlist where user = 'ansai'"), "1");
}

#[test]
fn what_would_hold_up_others_is_refused() {
    let Some(mut scene) = Scene::new() else { return };
    scene.app("create table t (a int); insert into t values (1); create table words (a text, fulltext (a))");
    let small = table(&scene, "t");
    let words = optimize(&scene, &table(&scene, "words"), 60_000).preview();
    assert!(matches!(&words, Err(Refusal::Unsupported(why)) if why.contains("full-text")), "{words:?}");
    let scope = Scope::default().with_number(&MAX_BYTES, 1);
    let large = scene.step(ACTIONS, "optimize", scope, json!({"table": small["id"], "within": 60_000})).preview();
    assert!(matches!(&large, Err(Refusal::Denied(why)) if why.contains("max_bytes")), "{large:?}");
    for id in ["", "x", "1 or 1=1", "-1", "t"] {
        let bad = optimize(&scene, &json!({"id": id}), 60_000).preview();
        assert!(matches!(bad, Err(Refusal::Invalid(_))), "{id}: {bad:?}");
    }
    // Tables of the server itself, by their ids.
    let system =
        scene.server.sql("select table_id from information_schema.innodb_sys_tables where name like 'mysql/%' limit 1");
    let denied = optimize(&scene, &json!({"id": system}), 60_000).preview();
    assert!(matches!(denied, Err(Refusal::NotFound(_))), "{denied:?}");
    // Without knowing whether there is room, and without room.
    let with = |change: &dyn Fn(&mut ansai_kit::target::TargetAccess)| -> Reach {
        let mut one = target("db", &address(&scene.server));
        change(&mut one);
        reach([one])
    };
    let blind = with(&|one| one.target.labels.retain(|label| label.name != "mount"));
    let missing = with(&|one| one.target.labels.iter_mut().for_each(|label| label.value = "/nonexistent".into()));
    for unknown in [blind, missing] {
        scene.reach = unknown;
        let refused = optimize(&scene, &small, 60_000).preview();
        assert!(matches!(refused, Err(Refusal::Unavailable(_))), "{refused:?}");
    }
}

#[test]
fn a_locked_table_costs_five_seconds_at_most() {
    let Some(scene) = Scene::new() else { return };
    scene.app("create table t (a int); insert into t values (1)");
    let step = optimize(&scene, &table(&scene, "t"), 60_000);
    let _reader = scene.server.session("app", "use app; begin; select * from t");
    let applied = step.apply();
    assert_eq!(applied.outcome, Outcome::Failed, "{applied:?}");
    assert!(matches!(applied.reason, Some(Refusal::Busy(_))), "{applied:?}");
    assert_eq!(applied.items.len(), 1);
}

/// Big enough to be seen at work.
fn large(scene: &Scene) -> Value {
    scene.app(
        "create table big (id int primary key, note text);
         insert into big select seq, repeat('x', 2000) from seq_1_to_20000",
    );
    table(scene, "big")
}

#[test]
fn a_rebuild_is_found_again_and_cancelled() {
    let Some(scene) = Scene::new() else { return };
    let big = large(&scene);
    let step = optimize(&scene, &big, 60_000);
    let previewed = step.preview().unwrap();
    // It cannot begin while somebody reads, so it is seen for as long as the test needs.
    let _reader = scene.server.session("app", "use app; begin; select * from big limit 1");
    let Begun::Running { handle, limit } = step.begin(&previewed.targets).unwrap() else { panic!("it waits") };
    assert!(limit.get() >= 60_000);
    let own = "select count(*) from information_schema.processlist where user = 'ansai' and info like 'optimize%'";
    scene.server.wait_for(own, "1");
    let unknown = step.doing(&previewed.targets, |action, doing| action.resolve(doing)).unwrap();
    assert_eq!(unknown.outcome, Outcome::Unknown, "{unknown:?}");
    let poll = step.doing(&previewed.targets, |action, doing| action.poll(doing, &handle));
    assert!(matches!(poll, Progress::Running { .. }), "{poll:?}");
    let twice = optimize(&scene, &big, 60_000).preview();
    assert!(matches!(twice, Err(Refusal::Busy(_))), "{twice:?}");
    let cancelled = step.doing(&previewed.targets, |action, doing| action.cancel(doing, &handle));
    assert_eq!(cancelled.outcome, Outcome::Failed, "{cancelled:?}");
    scene.server.wait_for(own, "0");
    let resolved = step.doing(&previewed.targets, |action, doing| action.resolve(doing)).unwrap();
    assert_eq!(resolved.outcome, Outcome::Failed, "{resolved:?}");
    assert_eq!(table(&scene, "big")["id"], big["id"]);
}

/// As after kill -9: another process, which knows only what was written down.
#[test]
fn a_rebuild_that_ended_without_ansai_is_resolved() {
    let Some(scene) = Scene::new() else { return };
    let before = emptied(&scene);
    let step = optimize(&scene, &before, 60_000);
    let previewed = step.preview().unwrap();
    let begun = step.begin(&previewed.targets).unwrap();
    let Begun::Running { handle, .. } = &begun else { panic!("it runs") };
    // A handle whose connection this process does not know.
    let mut lost: Value = serde_json::from_str(handle.get()).unwrap();
    lost["backend"]["id"] = 999_999.into();
    let lost = serde_json::value::to_raw_value(&lost).unwrap();
    let (applied, _) = step.wait(&previewed.targets, begun);
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    let resolved = step.doing(&previewed.targets, |action, doing| action.resolve(doing)).unwrap();
    assert_eq!(resolved.outcome, Outcome::Done, "{resolved:?}");
    let found = step.doing(&previewed.targets, |action, doing| action.poll(doing, &lost));
    assert!(matches!(&found, Progress::Finished(applied) if applied.outcome == Outcome::Done), "{found:?}");
}

#[test]
fn the_server_ends_a_rebuild_that_takes_too_long() {
    let Some(scene) = Scene::new() else { return };
    let big = large(&scene);
    let step = optimize(&scene, &big, 300);
    let previewed = step.preview().unwrap();
    let reader = scene.server.session("app", "use app; begin; select * from big limit 1");
    let begun = step.begin(&previewed.targets).unwrap();
    let (applied, _) = step.wait(&previewed.targets, begun);
    assert_eq!(applied.outcome, Outcome::Failed, "{applied:?}");
    let renamed = optimize(&scene, &big, 60_000);
    let previewed = renamed.preview().unwrap();
    drop(client(&scene, "select 1"));
    drop(reader);
    scene.server.try_sql("kill hard user app");
    scene.server.wait_for("select count(*) from information_schema.processlist where user = 'app'", "0");
    scene.app("rename table big to other");
    let changed = renamed.begin(&previewed.targets);
    assert!(matches!(changed, Err(Refusal::Changed(_))), "{changed:?}");
}
