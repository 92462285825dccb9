//! Tables are vacuumed, and indexes are built again.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use ansai_core::{Outcome, Refusal, Scope};
use ansai_kit::action::{Begun, Progress};
use ansai_reach::postgresql::MAX_BYTES;
use serde_json::{Value, json};

use crate::scene::{ACTIONS, DATABASE, Proposal, Scene, TABLES, reach, target};

const MINUTE: u64 = 60_000;

fn granted() -> Scope {
    Scope::default().with_number(&MAX_BYTES, 1 << 30)
}

fn table(scene: &Scene, name: &str) -> Value {
    scene.find(TABLES, "list-tables", "name", name)
}

fn index(scene: &Scene, name: &str) -> Value {
    scene.find(DATABASE, "list-indexes", "name", name)
}

fn vacuum<'s>(scene: &'s Scene, table: &Value) -> Proposal<'s> {
    scene.step(ACTIONS, "vacuum", granted(), json!({"table": table["id"], "analyse": true, "within": MINUTE}))
}

fn reindex<'s>(scene: &'s Scene, index: &Value, within: u64) -> Proposal<'s> {
    scene.step(ACTIONS, "reindex", granted(), json!({"index": index["id"], "within": within}))
}

fn bloated(scene: &Scene) {
    scene.app(
        "create table orders (id int, note text); create index orders_id on orders (id);
         insert into orders select n, repeat('x', 100) from generate_series(1, 20000) n;
         delete from orders where id % 10 <> 0",
    );
    scene.server.wait_for("app", "select n_dead_tup >= 18000 from pg_stat_user_tables where relname = 'orders'", "t");
}

#[test]
fn a_bloated_table_is_vacuumed() {
    let Some(scene) = Scene::new() else { return };
    bloated(&scene);
    let step = vacuum(&scene, &table(&scene, "public.orders"));
    let previewed = step.preview().unwrap();
    assert_eq!(previewed.preview.items, 1);
    assert_eq!(previewed.preview.mount.as_deref(), Some("/srv"));
    let touched: Vec<_> =
        previewed.touches.iter().map(|touch| format!("{:?} {}", touch.access, touch.subject.name)).collect();
    for expected in [
        "Exclusive db/app/public/orders",
        "Shared db",
        "Shared postgresql@15-main.service",
        "Shared /srv",
        "Exclusive vacuum",
    ] {
        assert!(touched.contains(&expected.to_owned()), "no {expected} in {touched:?}");
    }
    assert_eq!(serde_json::to_value(&previewed.canonical).unwrap(), json!([{"field": "databases", "value": "app"}]));
    let applied = step.apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    let after = table(&scene, "public.orders");
    assert_eq!((after["dead"].as_u64(), after["live"].as_u64()), (Some(0), Some(2_000)), "{after}");
    assert!(after["vacuumed"].is_u64() && after["analysed"].is_u64());
    let measure =
        |name: &str| serde_json::to_value(applied.measures.iter().find(|one| one.name == name).unwrap()).unwrap();
    assert_eq!(measure("dead-rows-before")["value"], json!({"count": 18_000}));
    assert_eq!(measure("dead-rows-after")["value"], json!({"count": 0}));
}

#[test]
fn a_lock_that_is_not_available_ends_the_vacuum() {
    let Some(scene) = Scene::new() else { return };
    bloated(&scene);
    let found = table(&scene, "public.orders");
    let _holder = scene.server.session("app", "holder", "begin; lock table orders in share update exclusive mode");
    let applied = vacuum(&scene, &found).apply();
    assert_eq!(applied.outcome, Outcome::Failed, "{applied:?}");
    assert!(matches!(applied.reason, Some(Refusal::Busy(_))), "{applied:?}");
}

/// Then nothing is counted. The server says that the statement succeeded.
#[test]
fn a_vacuum_that_the_server_does_not_count_is_done() {
    let Some(scene) = Scene::with(&["track_counts=off"]) else { return };
    scene.app("create table t as select n from generate_series(1, 1000) n");
    let applied = vacuum(&scene, &table(&scene, "public.t")).apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
}

/// The server goes on without its client.
#[test]
fn a_rebuild_whose_connection_is_lost_goes_on_and_is_concluded_from_the_catalogue() {
    let Some(mut scene) = Scene::new() else { return };
    scene.app("create table t (n int); create index t_n on t (n)");
    let relay = Relay::to(scene.server.port());
    scene.reach = reach([target("db", &format!("postgresql://127.0.0.1:{}/app", relay.port))]);
    let step = reindex(&scene, &index(&scene, "t_n"), MINUTE);
    let previewed = step.preview().unwrap();
    let holder = scene.server.session("app", "holder", "begin; insert into t values (0)");
    let begun = step.begin(&previewed.targets).unwrap();
    scene.server.wait_for("app", "select count(*) from pg_stat_progress_create_index", "1");
    relay.cut();
    let Begun::Running { handle, limit } = begun else { panic!("it is short") };
    let found = step.doing(&previewed.targets, |action, doing| action.poll(doing, &handle));
    assert!(matches!(found, Progress::Running { .. }), "{found:?}");
    drop(holder);
    let sessions = "select count(*) from pg_stat_activity where query ilike 'reindex%' and state = 'active'";
    scene.server.wait_for("app", sessions, "0");
    let (applied, _) = step.wait(&previewed.targets, Begun::Running { handle, limit });
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
}

/// Passes connections on to a server, until they are cut.
struct Relay {
    port: u16,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    fn to(server: u16) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let streams = Arc::new(Mutex::new(Vec::new()));
        let all = streams.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let _ended = std::io::copy(&mut from, &mut to);
                        let _gone = to.shutdown(Shutdown::Both);
                    });
                }
                all.lock().unwrap().extend([client, server]);
            }
        });
        Relay { port, streams }
    }

    /// Both ends find their connections closed.
    fn cut(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }
}

#[test]
fn what_no_grant_permits_is_refused() {
    let Some(scene) = Scene::new() else { return };
    bloated(&scene);
    scene.server.sql(
        "app",
        "create table foreign_one (a int); create table part (a int) partition by list (a); alter database app owner to postgres",
    );
    let numbers = scene.server.sql("app", "select oid from pg_database where datname = current_database()");
    let id = |name: &str| {
        let relation = scene.server.sql("app", &format!("select '{name}'::regclass::oid"));
        json!({"id": format!("{numbers}.{relation}")})
    };
    for (name, expected) in [
        ("pg_class", "denied"),
        ("pg_toast.pg_toast_1255", "invalid"),
        ("orders_id", "invalid"),
        ("part", "invalid"),
        ("foreign_one", "unavailable"),
    ] {
        let refused = vacuum(&scene, &id(name)).preview().unwrap_err();
        let kind = serde_json::to_value(&refused).unwrap();
        assert!(kind[expected].is_string(), "{name}: {refused:?}");
    }
    let orders = table(&scene, "public.orders");
    let other_database = json!({"id": orders["id"].as_str().unwrap().replacen(&numbers, "1", 1)});
    assert!(matches!(vacuum(&scene, &other_database).preview(), Err(Refusal::NotFound(_))));
    let mut small = vacuum(&scene, &orders);
    small.scope = Scope::default().with_number(&MAX_BYTES, 1_000);
    assert!(matches!(small.preview(), Err(Refusal::Denied(why)) if why.contains("max_bytes")));
    // Renamed, and made again with the same name: the number decides, and the name must be the one that was shown.
    let step = vacuum(&scene, &orders);
    let previewed = step.preview().unwrap();
    scene.server.sql("app", "alter table orders rename to moved");
    assert!(matches!(step.begin(&previewed.targets), Err(Refusal::Changed(_))));
    scene.server.sql("app", "drop table moved; create table orders (id int)");
    assert!(matches!(step.begin(&previewed.targets), Err(Refusal::NotFound(_))));
}

/// ansai ends in the middle, and starts again without knowing the statement.
#[test]
fn a_step_whose_process_is_gone_is_concluded_from_the_catalogue() {
    let Some(scene) = Scene::new() else { return };
    bloated(&scene);
    let step = vacuum(&scene, &table(&scene, "public.orders"));
    let previewed = step.preview().unwrap();
    let resolve = || step.doing(&previewed.targets, |action, doing| action.resolve(doing)).unwrap();
    assert_eq!(resolve().outcome, Outcome::Failed, "it did not begin");
    let Begun::Running { handle, .. } = step.begin(&previewed.targets).unwrap() else { panic!("it is short") };
    let mut forgotten: Value = serde_json::from_str(handle.get()).unwrap();
    let (applied, _) = step.wait(&previewed.targets, Begun::Running { handle, limit: ansai_core::Millis::new(1) });
    assert_eq!(applied.outcome, Outcome::Done);
    // Another process, which knows the handle only: the session is over.
    forgotten["backend"]["began"] = json!(1);
    let handle = serde_json::value::to_raw_value(&forgotten).unwrap();
    let found = step.doing(&previewed.targets, |action, doing| action.poll(doing, &handle));
    assert!(matches!(&found, Progress::Finished(applied) if applied.outcome == Outcome::Done), "{found:?}");
    assert_eq!(resolve().outcome, Outcome::Done);
    for bad in ["{}", "[]", r#"{"backend":{"pid":"1; drop table x","began":1}}"#] {
        let handle = serde_json::value::RawValue::from_string(bad.into()).unwrap();
        let found = step.doing(&previewed.targets, |action, doing| action.poll(doing, &handle));
        assert!(matches!(&found, Progress::Finished(applied) if applied.outcome == Outcome::Unknown), "{found:?}");
    }
}

#[test]
fn an_invalid_index_is_built_again() {
    let Some(scene) = Scene::new() else { return };
    scene.app("create table t as select n from generate_series(1, 5000) n; insert into t values (1)");
    let failed = scene.server.psql("app", "create unique index concurrently t_n on t (n)");
    assert_ne!(failed.code, 0);
    scene.app("delete from t where n = 1");
    scene.server.sql("app", "alter table t owner to app");
    let broken = index(&scene, "t_n");
    assert_eq!(
        (&broken["valid"], &broken["leftover"], &broken["building"]),
        (&json!(false), &json!(false), &json!(false))
    );
    let drop = scene.step(ACTIONS, "drop-leftover", granted(), json!({"index": broken["id"]}));
    assert!(matches!(drop.preview(), Err(Refusal::Denied(_))), "ansai did not make it");
    let step = reindex(&scene, &broken, MINUTE);
    let previewed = step.preview().unwrap();
    assert_eq!(previewed.preview.needs_bytes, 2 * broken["bytes"].as_u64().unwrap());
    let applied = step.apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    let built = index(&scene, "t_n");
    assert_eq!(built["valid"], true);
    assert_ne!(built["id"], broken["id"]);
}

#[test]
fn what_a_failed_rebuild_leaves_behind_is_dropped_and_nothing_else() {
    let Some(scene) = Scene::new() else { return };
    scene.app("create table t as select n from generate_series(1, 5000) n; create index t_n on t (n)");
    let step = reindex(&scene, &index(&scene, "t_n"), 3_000);
    let previewed = step.preview().unwrap();
    // Somebody else's failed build, after the preview: it looks like one of ansai.
    scene.app("insert into t values (1)");
    let failed = scene.server.psql("app", "create unique index concurrently other_ccnew on t (n)");
    assert_ne!(failed.code, 0);
    // The build waits for this transaction until its time is over.
    let holder = scene.server.session("app", "holder", "begin; insert into t values (0)");
    let begun = step.begin(&previewed.targets).unwrap();
    let (applied, notes) = step.wait(&previewed.targets, begun);
    assert_eq!(applied.outcome, Outcome::Failed, "{applied:?}");
    assert!(matches!(applied.reason, Some(Refusal::TimedOut(_))), "{applied:?}");
    assert!(notes.iter().any(|note| note.contains("waiting")), "{notes:?}");
    drop(holder);
    scene.server.wait_for("app", "select count(*) from pg_stat_activity where application_name = 'holder'", "0");
    let left = index(&scene, "t_n_ccnew");
    assert_eq!((&left["valid"], &left["leftover"]), (&json!(false), &json!(true)));
    assert!(applied.detail.contains("t_n_ccnew"), "{}", applied.detail);
    assert_eq!(index(&scene, "t_n")["valid"], true);
    let other = index(&scene, "other_ccnew");
    assert_eq!((&other["valid"], &other["leftover"]), (&json!(false), &json!(false)));
    let drop = scene.step(ACTIONS, "drop-leftover", granted(), json!({"index": left["id"]}));
    let applied = drop.apply();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    assert_eq!(scene.list(DATABASE, "list-indexes").len(), 2);
}

#[test]
fn a_rebuild_that_is_cancelled_stops_on_the_server() {
    let Some(scene) = Scene::new() else { return };
    scene.app("create table t (n int); create index t_n on t (n)");
    let step = reindex(&scene, &index(&scene, "t_n"), MINUTE);
    let previewed = step.preview().unwrap();
    let _holder = scene.server.session("app", "holder", "begin; insert into t values (0)");
    let Begun::Running { handle, .. } = step.begin(&previewed.targets).unwrap() else { panic!("it is short") };
    scene.server.wait_for("app", "select count(*) from pg_stat_progress_create_index", "1");
    let again = step.begin(&previewed.targets);
    assert!(matches!(again, Err(Refusal::Busy(_))), "{again:?}");
    let applied = step.doing(&previewed.targets, |action, doing| action.cancel(doing, &handle));
    assert_eq!(applied.outcome, Outcome::Failed, "{applied:?}");
    assert!(matches!(applied.reason, Some(Refusal::TimedOut(_))), "{applied:?}");
    let sessions = "select count(*) from pg_stat_activity where query ilike 'reindex%' and state = 'active'";
    scene.server.wait_for("app", sessions, "0");
}
